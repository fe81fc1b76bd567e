import { type Page, path } from '../../app/api.ts';
import { clock, moment, count as number, visible } from '../../app/format.ts';
import { now } from '../../app/now.ts';
import { usePoll } from '../../app/poll.ts';
import { Badge, Name, type Tone } from '../../parts/basic.tsx';
import { type Column, ListTable } from '../../parts/table.tsx';

/** Something that happened to a client, as the API has it. */
export interface HistoryEntry {
  readonly type: string;
  readonly clientid: string;
  readonly ts: number;
  readonly last_ts: number;
  readonly count: number;
  readonly text: string;
  /** Of a denial, what was asked for. */
  readonly cause: string;
  readonly topic?: string;
  readonly detail?: string;
  readonly address?: string;
  readonly username?: string;
}

export const TONES: Readonly<Record<string, Tone>> = {
  connect: 'good',
  subscribe: 'good',
  deny: 'bad',
  refuse: 'bad',
  drop: 'bad',
  will: 'warn',
  'session-end': 'warn',
};

const COLUMNS: readonly Column<HistoryEntry>[] = [
  { key: 'ts', title: 'When', cell: (entry) => <When entry={entry} /> },
  {
    key: 'type',
    title: 'What',
    cell: ({ type, count }) => (
      <>
        <Badge tone={TONES[type] ?? 'plain'}>{type}</Badge>
        {count > 1 && <span class="muted"> {number(count)} times</span>}
      </>
    ),
  },
  {
    key: 'client',
    title: 'Client',
    cell: ({ clientid }) => (
      <a href={`#${path`/clients/${clientid}`}`}>
        <Name value={clientid} max={60} />
      </a>
    ),
  },
  {
    key: 'text',
    title: 'That is',
    cell: (entry) => <Happened entry={entry} />,
  },
  {
    key: 'address',
    title: 'From',
    isExtra: true,
    cell: ({ address }) => <Name value={address} />,
  },
];

function Happened({ entry }: { readonly entry: HistoryEntry }) {
  const { text, type, clientid: client, topic, cause: action } = entry;
  return (
    <>
      <Sentence text={text} />{' '}
      {type === 'deny' && topic !== undefined && (
        <a href={`#/why?${new URLSearchParams({ view: 'access', client, topic, action })}`}>
          Ask the rules
        </a>
      )}
    </>
  );
}

/** What the broker says in words, with names of clients in it. */
export function Sentence({ text }: { readonly text: string }) {
  return <bdi class="sentence">{visible(text)}</bdi>;
}

function When({ entry: { ts, last_ts: last } }: { readonly entry: HistoryEntry }) {
  return (
    <time dateTime={new Date(last).toISOString()} title={moment(ts, 0)}>
      {clock(ts)}
      {last - ts > 1000 && `–${clock(last)}`}
      {now.value - last > 86_400_000 && ` ${new Date(last).toLocaleDateString('en-GB')}`}
    </time>
  );
}

const LIMIT = 50;

/** What happened to clients lately, newest first. */
export function HistoryList(props: {
  readonly clientid?: string;
  readonly type?: string;
  readonly topic?: string;
  readonly page: number;
  readonly onPage: (page: number) => void;
  readonly empty: string;
}) {
  const { clientid, type, topic, page, onPage, empty } = props;
  const list = usePoll<Page<HistoryEntry>>('/history', {
    query: { clientid, type, topic, page, limit: LIMIT },
    everyMs: 3000,
  });
  return (
    <ListTable
      caption="What happened"
      columns={COLUMNS}
      list={list}
      rowKey={(entry) => `${entry.ts} ${entry.clientid} ${entry.type} ${entry.text}`}
      empty={empty}
      page={page}
      limit={LIMIT}
      onPage={onPage}
    />
  );
}

/** Some entries, as evidence of something. */
export function Evidence({ entries }: { readonly entries: readonly HistoryEntry[] }) {
  if (entries.length === 0) return null;
  return (
    <ul class="evidence">
      {entries.map((entry) => (
        <li key={`${entry.ts} ${entry.type} ${entry.text}`}>
          <When entry={entry} /> <Sentence text={entry.text} />
          {entry.count > 1 && <span class="muted"> ({number(entry.count)} times)</span>}
        </li>
      ))}
    </ul>
  );
}
