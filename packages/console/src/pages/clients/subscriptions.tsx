import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { Failure, Name } from '../../parts/basic.tsx';
import { SearchField } from '../../parts/fields.tsx';
import { type Column, Table } from '../../parts/table.tsx';

interface Subscription {
  readonly topic: string;
  readonly qos: number;
  readonly nl: number;
  readonly rap: number;
  readonly rh: number;
  readonly subid: number | null;
}

/** Rows that are drawn; a search finds the others. */
const ROWS_MAX = 200;

const RETAIN_HANDLING = ['sent', 'sent when new', 'not sent'];

const COLUMNS: readonly Column<Subscription>[] = [
  { key: 'topic', title: 'Topic filter', cell: ({ topic }) => <Name value={topic} /> },
  { key: 'qos', title: 'QoS', cell: ({ qos }) => qos, isNumber: true },
  { key: 'nl', title: 'Own messages', cell: ({ nl }) => (nl ? 'no' : 'yes'), isExtra: true },
  {
    key: 'rap',
    title: 'RETAIN flag',
    cell: ({ rap }) => (rap ? 'as published' : 'off'),
    isExtra: true,
  },
  {
    key: 'rh',
    title: 'Retained messages',
    cell: ({ rh }) => RETAIN_HANDLING[rh] ?? rh,
    isExtra: true,
  },
  {
    key: 'subid',
    title: 'Identifier',
    cell: ({ subid }) => subid ?? '–',
    isNumber: true,
    isExtra: true,
  },
];

export function Subscriptions({ clientId }: { readonly clientId: string }) {
  const { data, failure } = usePoll<readonly Subscription[]>(
    path`/clients/${clientId}/subscriptions`,
    { everyMs: 5_000 },
  );
  const [search, setSearch] = useState('');
  const all = data ?? [];
  const found = search === '' ? all : all.filter(({ topic }) => topic.includes(search));
  return (
    <>
      {failure?.status !== 404 && <Failure failure={failure} />}
      {all.length > 20 && (
        <p class="toolbar tab-toolbar">
          <SearchField label="A part of a topic filter" value={search} onSearch={setSearch} />
          <span class="muted">
            {count(Math.min(found.length, ROWS_MAX))} of {count(found.length)} shown
          </span>
        </p>
      )}
      <Table
        columns={COLUMNS}
        rows={found.slice(0, ROWS_MAX)}
        rowKey={({ topic }) => topic}
        caption="Subscriptions"
        empty={data === null && failure === null ? ' ' : 'It has subscribed to nothing.'}
      />
    </>
  );
}
