import type { Page as List } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { Ago, Failure, Name } from '../../parts/basic.tsx';
import { type Column, Table } from '../../parts/table.tsx';

interface Entry {
  readonly type: string;
  readonly text: string;
  /** The first and the last time, in milliseconds since 1970. */
  readonly ts: number;
  readonly last_ts: number;
  readonly count: number;
  readonly topic?: string;
}

const LIMIT = 100;

const COLUMNS: readonly Column<Entry>[] = [
  { key: 'when', title: 'When', cell: ({ last_ts }) => <Ago at={last_ts} /> },
  { key: 'what', title: 'What happened', cell: ({ text }) => <Text value={text} /> },
  { key: 'topic', title: 'Topic', cell: ({ topic }) => <Name value={topic} />, isExtra: true },
  { key: 'count', title: 'Times', cell: ({ count: times }) => count(times), isNumber: true },
];

/** Sentences have names of clients and topics in them. */
function Text({ value }: { readonly value: string }) {
  return (
    <span class="sentence">
      <Name value={value} max={400} />
    </span>
  );
}

/** What happened to a client lately, newest first. */
export function History({ clientId }: { readonly clientId: string }) {
  const { data, failure } = usePoll<List<Entry>>('/history', {
    query: { clientid: clientId, limit: LIMIT },
    everyMs: 5_000,
  });
  return (
    <>
      <Failure failure={failure} />
      <Table
        columns={COLUMNS}
        rows={data?.data ?? []}
        rowKey={({ ts, type, text }) => `${ts} ${type} ${text}`}
        caption="History"
        empty={data === null ? ' ' : 'Nothing is known of it; config option history.'}
      />
    </>
  );
}
