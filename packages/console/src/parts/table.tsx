import type { ComponentChildren } from 'preact';
import type { Page } from '../app/api.ts';
import type { Poll } from '../app/poll.ts';
import { Failure } from './basic.tsx';

export interface Column<Row> {
  readonly key: string;
  readonly title: ComponentChildren;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers stand at the end. */
  readonly isNumber?: boolean;
  /** Left out where there is little room. */
  readonly isExtra?: boolean;
  /** Whether rows can be sorted by it. */
  readonly isSortable?: boolean;
}

/** By which column rows are sorted; descending when it begins with `-`. */
export type Sort = string | null;

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** What the table is, for who can't see it. */
  readonly caption: string;
  /** For tables with many columns: less room between them, and names are cut. */
  readonly isDense?: boolean;
  /** Instead of rows, where there are none. */
  readonly empty: ComponentChildren;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}

/** A page of a list of the API, with what leads to the others; nothing until it is answered. */
export function ListTable<Row>(
  props: TableProps<Row> & {
    readonly list: Poll<Page<Row>>;
    readonly page: number;
    readonly limit: number;
    onPage(page: number): void;
  },
) {
  const { list, page, limit, onPage, ...table } = props;
  const { data, failure, isCurrent } = list;
  return (
    <>
      <Failure failure={failure} />
      {data !== null && (
        <>
          <div class={isCurrent ? '' : 'stale'}>
            <Table {...table} rows={data.data} />
          </div>
          <Pager
            page={page}
            limit={limit}
            count={data.meta.count}
            hasNext={data.meta.hasnext}
            shown={data.data.length}
            onPage={onPage}
          />
        </>
      )}
    </>
  );
}

/** Rows, sorted by whoever gives them. In the first column should stand a link, if rows lead somewhere. */
export function Table<Row>(props: TableProps<Row> & { readonly rows: readonly Row[] }) {
  const { columns, rows, rowKey, caption, empty } = props;
  return (
    <section
      class={props.isDense ? 'table-frame dense' : 'table-frame'}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: who has only a keyboard scrolls it by this
      tabIndex={0}
      aria-label={caption}
    >
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.key} column={column} {...props} />
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveByArrows}>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.key} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="empty">{empty}</p>}
    </section>
  );
}

function Heading<Row>(props: {
  readonly column: Column<Row>;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}) {
  const { column, sort, onSort } = props;
  const { key, title } = column;
  if (!column.isSortable || onSort === undefined) {
    return (
      <th scope="col" class={classOf(column)}>
        {title}
      </th>
    );
  }
  const order = sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none';
  const first = column.isNumber ? `-${key}` : key;
  const other = column.isNumber ? key : `-${key}`;
  return (
    <th scope="col" class={classOf(column)} aria-sort={order}>
      <button
        type="button"
        class="sort"
        onClick={() => onSort(sort === first ? other : sort === other ? null : first)}
      >
        {title}
        {order !== 'none' && (
          <span class="sort-mark" aria-hidden="true">
            {order === 'ascending' ? '▲' : '▼'}
          </span>
        )}
      </button>
    </th>
  );
}

function classOf<Row>({ isNumber, isExtra }: Column<Row>): string {
  return `${isNumber ? 'number' : ''} ${isExtra ? 'extra' : ''}`.trim();
}

/** Up and down lead to the link of the row before or after. */
function moveByArrows(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const { target } = event;
  if (!(target instanceof HTMLAnchorElement)) return;
  const row = target.closest('tr');
  const other = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const link = other?.querySelector('a');
  if (link == null) return;
  event.preventDefault();
  link.focus();
}

/** Leads to the pages before and after. */
export function Pager(props: {
  readonly page: number;
  readonly limit: number;
  /** Of all pages; undefined where it isn't known. */
  readonly count: number | undefined;
  readonly hasNext: boolean;
  readonly shown: number;
  onPage(page: number): void;
}) {
  const { page, limit, count, hasNext, shown, onPage } = props;
  // The list says itself that it is empty.
  if (shown === 0 && page <= 1 && !hasNext) return null;
  const first = shown === 0 ? 0 : (page - 1) * limit + 1;
  const of = count === undefined ? '' : ` of ${count.toLocaleString('en')}`;
  const last = (first === 0 ? 0 : first + shown - 1).toLocaleString('en');
  return (
    <nav class="pager" aria-label="Pages of the list">
      <span class="muted">
        {first.toLocaleString('en')}–{last}
        {of}
      </span>
      <button type="button" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        Previous
      </button>
      <button type="button" disabled={!hasNext} onClick={() => onPage(page + 1)}>
        Next
      </button>
    </nav>
  );
}
