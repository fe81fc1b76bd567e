import type { Page } from '../../app/api.ts';
import type { Page as ConsolePage } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { goToPage, pageNumber, route, setQuery } from '../../app/router.ts';
import { Ago, Badge, Name, PageHead } from '../../parts/basic.tsx';
import { Choice } from '../../parts/fields.tsx';
import { type Column, ListTable } from '../../parts/table.tsx';

/** A request that could change something. */
interface Entry {
  readonly created_at: string;
  readonly from: 'key' | 'console' | 'socket' | 'nobody';
  readonly source: string;
  readonly source_ip: string | null;
  readonly operation_id: string;
  readonly http_method: string;
  readonly path: string;
  readonly http_status_code: number;
  readonly duration_ms: number;
}

const LIMIT = 50;

const RESULTS = [
  ['', 'all'],
  ['success', 'done'],
  ['failure', 'refused'],
] as const;

const COLUMNS: readonly Column<Entry>[] = [
  { key: 'at', title: 'When', cell: ({ created_at: at }) => <Ago at={at} /> },
  { key: 'who', title: 'Who', cell: ({ source }) => <Name value={source} /> },
  { key: 'kind', title: 'By', isExtra: true, cell: ({ from }) => <Badge>{from}</Badge> },
  {
    key: 'address',
    title: 'From',
    isExtra: true,
    cell: ({ source_ip: address }) => <Name value={address} none="this machine" />,
  },
  { key: 'operation', title: 'What', cell: ({ operation_id: id }) => inWords(id) },
  {
    key: 'path',
    title: 'Request',
    isExtra: true,
    cell: ({ http_method: method, path }) => (
      <>
        {method} <Name value={path} max={90} />
      </>
    ),
  },
  {
    key: 'status',
    title: 'Answer',
    isNumber: true,
    cell: ({ http_status_code: status }) => (
      <Badge tone={status < 400 ? 'good' : 'bad'}>{status}</Badge>
    ),
  },
];

/** `kickClient` as “kick client”. */
function inWords(id: string): string {
  return id.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Who changed something, or tried to. */
export function AuditPage() {
  const page = pageNumber();
  const chosen = route.value.query.get('result');
  const result = RESULTS.find(([value]) => value === chosen)?.[0] ?? '';
  const list = usePoll<Page<Entry>>('/audit', {
    query: { page, limit: LIMIT, operation_result: result },
    everyMs: 5000,
  });
  return (
    <>
      <PageHead
        title="Audit"
        about="Requests that could change something, newest first. All of them are in the log, too."
      >
        <Choice
          label="Result"
          value={result}
          options={RESULTS}
          onChoose={(value) => setQuery({ result: value, page: null })}
        />
      </PageHead>
      <ListTable
        caption="Requests that could change something"
        columns={COLUMNS}
        list={list}
        rowKey={(entry) => `${entry.created_at} ${entry.http_method} ${entry.path} ${entry.source}`}
        empty="Nothing was changed since the broker was started."
        page={page}
        limit={LIMIT}
        onPage={goToPage}
      />
    </>
  );
}

export const auditPage: ConsolePage = {
  path: '/audit',
  title: 'Audit',
  menu: { group: 'Operate', key: 'h' },
  View: AuditPage,
};
