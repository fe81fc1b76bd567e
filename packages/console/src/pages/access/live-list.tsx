import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Page, path, remove } from '../../app/api.ts';
import { usePoll } from '../../app/poll.ts';
import { may } from '../../app/session.ts';
import { Empty, Name } from '../../parts/basic.tsx';
import { FormDialog } from '../../parts/dialog.tsx';
import { type Column, ListTable } from '../../parts/table.tsx';

const LIMIT = 50;

/** Users, groups or roles, which can be made, changed and deleted while the broker runs. */
export function LiveList<T>(props: {
  /** Below the API, such as `users`. */
  readonly at: string;
  /** Of one, such as `user`. */
  readonly what: string;
  readonly nameOf: (one: T) => string;
  readonly columns: readonly Column<T>[];
  /** A window in which one is made (null) or changed; `onClose` when it has been, or not. */
  readonly editor: (one: T | null, onClose: () => void) => ComponentChildren;
}) {
  const { at, what, nameOf, columns, editor } = props;
  const [page, setPage] = useState(1);
  const [edited, setEdited] = useState<{ readonly one: T | null } | null>(null);
  const [deleted, setDeleted] = useState<string | null>(null);
  const list = usePoll<Page<T>>(`/${at}`, { query: { page, limit: LIMIT }, everyMs: 5000 });
  if (list.failure?.status === 404) {
    return (
      <Empty>
        Users, groups and roles can be changed here where <code>auth.chain</code> has{' '}
        <code>dynamic-security</code>.
      </Empty>
    );
  }
  const close = () => {
    setEdited(null);
    setDeleted(null);
    list.reload();
  };
  const change: Column<T> = {
    key: 'change',
    title: <span class="hidden">Change</span>,
    cell: (one) => (
      <span class="inline">
        <button type="button" class="small" onClick={() => setEdited({ one })}>
          Change
        </button>
        <button type="button" class="small danger" onClick={() => setDeleted(nameOf(one))}>
          Delete
        </button>
      </span>
    ),
  };
  return (
    <>
      <div class="bar">
        <span class="muted grow">Changes hold at once: who loses a right is cut off.</span>
        {may('auth') && (
          <button type="button" onClick={() => setEdited({ one: null })}>
            New {what} …
          </button>
        )}
      </div>
      <ListTable
        caption={at}
        columns={may('auth') ? [...columns, change] : columns}
        list={list}
        rowKey={nameOf}
        empty={`There is no ${what} yet.`}
        page={page}
        limit={LIMIT}
        onPage={setPage}
      />
      {edited !== null && editor(edited.one, close)}
      {deleted !== null && (
        <FormDialog
          title={`Delete a ${what}`}
          action="Delete"
          isDangerous
          onSubmit={() => remove(`/${at}${path`/${deleted}`}`)}
          onClose={close}
        >
          <p>
            <Name value={deleted} /> is gone then, with the rights that come of it.
          </p>
        </FormDialog>
      )}
    </>
  );
}
