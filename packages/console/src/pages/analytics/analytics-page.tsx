import { path } from '../../app/api.ts';
import { bytes, clock, count, duration, short } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { route, setQuery } from '../../app/router.ts';
import { Bar } from '../../parts/bar.tsx';
import { Empty, Failure, Name, PageHead, Panel, Tile } from '../../parts/basic.tsx';
import { Choice, Tabs } from '../../parts/fields.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Columns } from './columns.tsx';
import { CountedFilters } from './counted-filters.tsx';

interface Item {
  readonly key: string;
  readonly messages: number;
  readonly bytes: number;
  readonly message_rate: number;
  readonly byte_rate: number;
  readonly share: number;
  readonly least: number;
  readonly most: number;
}

interface Report {
  readonly since: number | null;
  readonly seconds: number;
  readonly stands_for: number;
  readonly messages: number;
  readonly bytes: number;
  readonly data: readonly Item[];
  readonly sizes: readonly { readonly up_to: number; readonly messages: number }[];
  readonly over_time: readonly {
    readonly time_stamp: number;
    readonly messages: number;
    readonly bytes: number;
  }[];
}

const BY = [
  ['topic', 'Topics'],
  ['prefix', 'Prefixes'],
  ['publisher', 'Publishers'],
  ['subscriber', 'Subscribers'],
  ['filter', 'Filters'],
] as const;

type By = (typeof BY)[number][0];

const ONE: Readonly<Record<By, string>> = {
  topic: 'Topic',
  prefix: 'Prefix',
  publisher: 'Publisher',
  subscriber: 'Subscriber',
  filter: 'Filter',
};

const WINDOWS = [
  ['1m', 'the last minute'],
  ['5m', 'the last 5 minutes'],
  ['15m', 'the last 15 minutes'],
  ['30m', 'the last 30 minutes'],
  ['1h', 'the last hour'],
] as const;

/** A little less than each: the last minute has not ended. */
const SECONDS = { '1m': 55, '5m': 290, '15m': 890, '30m': 1790, '1h': 3590 } as const;

const EVERY_MS = 3000;
const LIMIT = 50;

/** Which topics, publishers and subscribers have the most of the messages. */
export function AnalyticsPage() {
  const { query } = route.value;
  const by = chosen(BY, query.get('by'));
  const window = chosen(WINDOWS, query.get('window') ?? '5m');
  const sort = query.get('sort') === 'bytes' ? 'bytes' : 'messages';
  const key = query.get('key');
  const { data, failure, isCurrent, reload } = usePoll<Report>('/analytics', {
    query: { by, sort, window, limit: LIMIT, key },
    everyMs: EVERY_MS,
  });
  const report = data;
  const none = noneText(report, window);

  return (
    <>
      <PageHead title="Analytics" about="Who has the most of the messages.">
        <Choice
          label="Time"
          value={window}
          options={WINDOWS}
          onChoose={(value) => setQuery({ window: value === '5m' ? null : value })}
        />
        <Choice
          label="The most of"
          value={sort}
          options={[
            ['messages', 'most messages'],
            ['bytes', 'most bytes'],
          ]}
          onChoose={(value) => setQuery({ sort: value === 'messages' ? null : value })}
        />
      </PageHead>
      <Failure failure={failure} />
      {report !== null && (
        <>
          <Figures report={report} />
          <div class="grid">
            <Panel
              title={
                key === null ? 'Messages, minute by minute' : <OverTimeTitle by={by} name={key} />
              }
              actions={
                key !== null && (
                  <button type="button" class="small" onClick={() => setQuery({ key: null })}>
                    Show all
                  </button>
                )
              }
            >
              <Columns
                unit={sort === 'bytes' ? bytes : short}
                label={`${sort}, minute by minute`}
                empty={none}
                columns={report.over_time.map((minute) => ({
                  label: clock(minute.time_stamp).slice(0, 5),
                  value: minute[sort],
                }))}
              />
            </Panel>
            <Panel title="Sizes of payloads">
              <Columns
                unit={short}
                label="messages by size"
                empty={none}
                columns={report.sizes.map(({ up_to: upTo, messages }) => ({
                  label: upTo === 0 ? 'empty' : `≤ ${bytes(upTo)}`,
                  value: messages,
                }))}
              />
            </Panel>
          </div>
        </>
      )}
      <Tabs
        label="By"
        value={by}
        tabs={BY}
        onChoose={(value) => setQuery({ by: value === 'topic' ? null : value, key: null })}
      />
      {report !== null && isCurrent && <Items by={by} sort={sort} report={report} none={none} />}
      {by === 'filter' && <CountedFilters onChange={reload} />}
    </>
  );
}

function OverTimeTitle({ by, name }: { readonly by: By; readonly name: string }) {
  return (
    <>
      {ONE[by]} <Name value={name} max={60} />
    </>
  );
}

function Figures({ report }: { readonly report: Report }) {
  const { seconds, messages, bytes: size, stands_for: standsFor, since } = report;
  const rate = seconds === 0 ? 0 : messages / seconds;
  return (
    <div class="tiles">
      <Tile label="Messages" value={short(messages)} note={`in ${duration(seconds)}`} />
      <Tile label="A second" value={short(rate)} note="on average" />
      <Tile
        label="Payloads"
        value={bytes(size)}
        note={`${bytes(messages && size / messages)} each`}
      />
      <Tile
        label="Looked at"
        value={standsFor <= 1 ? 'all' : `1 of ${short(standsFor)}`}
        note={since === null ? 'nothing yet' : `since ${clock(since)}`}
        title="Where there are many messages, one stands for some"
      />
    </div>
  );
}

function Items({
  by,
  sort,
  report,
  none,
}: {
  readonly by: By;
  readonly sort: 'messages' | 'bytes';
  readonly report: Report;
  /** Instead of messages. */
  readonly none: string;
}) {
  const { data: items, stands_for: standsFor } = report;
  const isEstimate = by !== 'filter' && standsFor > 1;
  const columns: Column<Item>[] = [
    { key: 'key', title: ONE[by], cell: ({ key }) => <Key by={by} name={key} /> },
    {
      key: 'share',
      title: 'Share',
      cell: ({ share }) => <Bar part={share} text={`${(share * 100).toFixed(1)} %`} />,
    },
    {
      key: 'messages',
      title: 'Messages',
      isNumber: true,
      cell: (item) => (
        <span title={isEstimate ? betweenText(item, sort) : count(item.messages)}>
          {short(item.messages)}
        </span>
      ),
    },
    {
      key: 'rate',
      title: 'a second',
      isNumber: true,
      cell: (item) => short(item.message_rate),
    },
    { key: 'bytes', title: 'Bytes', isNumber: true, cell: (item) => bytes(item.bytes) },
    {
      key: 'size',
      title: 'each',
      isNumber: true,
      isExtra: true,
      cell: (item) => (item.messages === 0 ? '–' : bytes(item.bytes / item.messages)),
    },
    {
      key: 'more',
      title: <span class="hidden">Over time</span>,
      isExtra: true,
      cell: ({ key }) =>
        key !== '' && (
          <button type="button" class="small" onClick={() => setQuery({ key })}>
            Over time
          </button>
        ),
    },
  ];
  if (report.since === null) {
    return <Empty>Messages are not looked at: analytics.enabled is false.</Empty>;
  }
  return (
    <Table
      caption={`${ONE[by]}s with the most ${sort}`}
      columns={columns}
      rows={items}
      rowKey={({ key }) => key}
      empty={none}
    />
  );
}

/** That there are no messages; where it has only begun, that it has. */
function noneText(report: Report | null, window: keyof typeof SECONDS): string {
  const since = report?.since ?? null;
  if (report === null || since === null || report.seconds >= SECONDS[window]) {
    return 'No messages in this time.';
  }
  return `No messages since ${clock(since)}, when this page had the broker begin to look at them.`;
}

function betweenText({ least, most }: Item, sort: 'messages' | 'bytes'): string {
  const unit = sort === 'bytes' ? bytes : count;
  return `an estimate: between ${unit(least)} and ${unit(most)} ${sort}, 19 times of 20`;
}

function Key({ by, name }: { readonly by: By; readonly name: string }) {
  if (name === '') return <span class="muted">the program itself</span>;
  switch (by) {
    case 'topic':
      return (
        <a href={`#${path`/topics/${name}`}`}>
          <Name value={name} />
        </a>
      );
    case 'publisher':
    case 'subscriber':
      return (
        <a href={`#${path`/clients/${name}`}`}>
          <Name value={name} />
        </a>
      );
    default:
      return (
        <a href={`#/topics?${new URLSearchParams({ filter: name })}`}>
          <Name value={name} />
        </a>
      );
  }
}

function chosen<T extends string>(
  options: readonly (readonly [T, string])[],
  value: string | null,
): T {
  const found = options.find(([one]) => one === value) ?? options[0];
  return (found as readonly [T, string])[0];
}

export const analyticsPage: Page = {
  path: '/analytics',
  title: 'Analytics',
  menu: { group: 'Watch', key: 'a' },
  View: AnalyticsPage,
};
