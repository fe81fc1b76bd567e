import { type Answer, ApiError, json, NO_CONTENT } from '../../api/operation.ts';
import { pageFrom } from '../../api/page.ts';
import { IS_OF_PUBLISHERS } from '../../routes/analytics/topic-metrics.ts';
import { type AnyCall, type Asking, parametersOf, targetWith } from '../asking.ts';
import { type ListedPage, wholeLists } from '../list-pages.ts';
import { grouped, highest, lowest, sumOf } from '../numbers.ts';
import { byClient, byEveryone, type Rule, type Rules } from '../rule.ts';

/** Things that are asked of a process for a page of all. */
const LISTED_MAX = 10_000;

type Item = Readonly<Record<string, unknown>>;

// ----------------------------------------------------------------------- alarms

interface Alarm extends Item {
  readonly activate_at: string;
  readonly deactivate_at: string;
  readonly details: Item;
}

/** Each says which process it is of. */
async function listAlarms(call: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await wholeLists<Alarm>(call, asking, '/alarms');
  const all = parts.flatMap(({ process, data }) =>
    data.map((alarm) => ({ ...alarm, details: { ...alarm.details, process: process.name } })),
  );
  const timeOf = ({ activate_at, deactivate_at }: Alarm) =>
    call.query.activated ? Date.parse(activate_at) : -Date.parse(deactivate_at);
  const { data, meta } = pageFrom(
    all.sort((one, other) => timeOf(one) - timeOf(other)),
    call.query,
  );
  return asking.page(data, meta);
}

// ---------------------------------------------------------------- slow, history

/** The first of each process, in an order that all have. @param rankOf - the highest comes first */
async function ranked(
  call: AnyCall,
  asking: Asking,
  path: string,
  rankOf: (item: Item) => number,
): Promise<Answer> {
  const { page, limit } = call.query;
  const last = page * limit;
  if (last > LISTED_MAX) {
    const why = `page: the list has ${LISTED_MAX} things at most here, so page * limit may not be more`;
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  const target = targetWith(call, path, { page: 1, limit: Math.min(last + 1, LISTED_MAX) });
  const parts = await asking.askAll<ListedPage<Item>>(() => ({ target }));
  const all = parts.flatMap(({ data }) => data.data).sort((a, b) => rankOf(b) - rankOf(a));
  const isMore = all.length > last || parts.some(({ data }) => data.meta.hasnext);
  const hasnext = isMore && last < LISTED_MAX;
  return asking.page(all.slice(last - limit, last), { page, limit, hasnext });
}

const waitingOf = ({ mqueue_bytes, output_bytes }: Item) =>
  Number(mqueue_bytes) + Number(output_bytes);

// -------------------------------------------------------------------- analytics

interface Share {
  readonly key: string;
  readonly messages: number;
  readonly bytes: number;
  readonly message_rate: number;
  readonly byte_rate: number;
  readonly least: number;
  readonly most: number;
}

interface Report {
  readonly since: number | null;
  readonly seconds: number;
  readonly stands_for: number;
  readonly messages: number;
  readonly bytes: number;
  readonly data: readonly Share[];
  readonly sizes: readonly { readonly up_to: number; readonly messages: number }[];
  readonly over_time: readonly {
    readonly time_stamp: number;
    readonly messages: number;
    readonly bytes: number;
  }[];
}

const SHARES_MAX = 1000;
const MINUTE_MS = 60_000;

async function getAnalytics(call: AnyCall, asking: Asking): Promise<Answer> {
  const { by, sort, limit } = call.query as {
    by: string;
    sort: 'messages' | 'bytes';
    limit: number;
  };
  if (by === 'subscriber') {
    const why =
      'by=subscriber is not known where several processes have the clients: what goes from one to another is not looked at; by=publisher and by=topic are';
    throw new ApiError(501, 'NOT_AVAILABLE', why);
  }
  const target = targetWith(call, '/analytics', { limit: SHARES_MAX });
  const reports = (await asking.askAll<Report>(() => ({ target }))).map(({ data }) => data);
  const sum = (numberOf: (report: Report) => number) =>
    reports.reduce((total, report) => total + numberOf(report), 0);
  const total = sum((report) => report[sort]);
  const shares = sharesOf(reports)
    .sort((one, other) => other[sort] - one[sort])
    .slice(0, limit);
  const since = reports.map((report) => report.since).filter((time) => time !== null);
  return asking.whole({
    by,
    sort,
    since: since.length === 0 ? null : lowest(since),
    seconds: highest(reports.map(({ seconds }) => seconds)),
    stands_for: highest(reports.map(({ stands_for }) => stands_for)),
    messages: sum(({ messages }) => messages),
    bytes: sum(({ bytes }) => bytes),
    data: shares.map((one) => ({ ...one, share: total === 0 ? 0 : rounded(one[sort] / total) })),
    sizes: added(
      reports.flatMap(({ sizes }) => sizes),
      ({ up_to }) => up_to,
      (up_to, some) => ({ up_to, messages: sumOf(some, ({ messages }) => messages) }),
    ),
    over_time: added(
      reports.flatMap(({ over_time }) => over_time),
      ({ time_stamp }) => Math.round(time_stamp / MINUTE_MS) * MINUTE_MS,
      (time_stamp, some) => ({
        time_stamp,
        messages: sumOf(some, ({ messages }) => messages),
        bytes: sumOf(some, ({ bytes }) => bytes),
      }),
    ),
  });
}

/** A key that a process doesn't have among its first may have had as much there as the last of these, at most. */
function sharesOf(reports: readonly Report[]): Share[] {
  const keys = new Set(reports.flatMap(({ data }) => data.map(({ key }) => key)));
  const ofEach = reports.map(({ data }) => ({
    byKey: new Map(data.map((one) => [one.key, one])),
    others: data.length === SHARES_MAX ? (data.at(-1)?.most ?? 0) : 0,
  }));
  return [...keys].map((key) => {
    const own = ofEach.map(({ byKey }) => byKey.get(key)).filter((one) => one !== undefined);
    const others = sumOf(ofEach, (one) => (one.byKey.has(key) ? 0 : one.others));
    return {
      key,
      messages: rounded(sumOf(own, ({ messages }) => messages)),
      bytes: rounded(sumOf(own, ({ bytes }) => bytes)),
      message_rate: rounded(sumOf(own, ({ message_rate }) => message_rate)),
      byte_rate: rounded(sumOf(own, ({ byte_rate }) => byte_rate)),
      least: rounded(sumOf(own, ({ least }) => least)),
      most: rounded(sumOf(own, ({ most }) => most) + others),
    };
  });
}

/** What there is of each key, in the order of the keys. */
function added<T, R>(
  all: readonly T[],
  keyOf: (one: T) => number,
  sum: (key: number, some: readonly T[]) => R,
): R[] {
  const keys = [...new Set(all.map(keyOf))].sort((one, other) => one - other);
  return keys.map((key) =>
    sum(
      key,
      all.filter((one) => keyOf(one) === key),
    ),
  );
}

function rounded(value: number): number {
  return Math.round(1000 * value) / 1000;
}

// ---------------------------------------------------------------- topic metrics

interface TopicMetric extends Item {
  readonly topic: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Who gets what in another process isn't counted. */
function oneMetric(all: readonly TopicMetric[]): object {
  const metrics: Record<string, number> = {};
  for (const { metrics: own } of all) {
    for (const [name, value] of Object.entries(own)) {
      if (IS_OF_PUBLISHERS.test(name)) metrics[name] = rounded((metrics[name] ?? 0) + value);
    }
  }
  return { ...all[0], metrics };
}

async function listTopicMetrics(_: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<TopicMetric[]>();
  const all = parts.flatMap(({ data }) => data);
  const topics = [...new Set(all.map(({ topic }) => topic))];
  return asking.whole(topics.map((topic) => oneMetric(all.filter((one) => one.topic === topic))));
}

async function getTopicMetric(_: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<TopicMetric>();
  return asking.whole(oneMetric(parts.map(({ data }) => data)));
}

/** @returns the one of all, where each has answered with its own */
const addTopicMetric: Rule = async (call, asking, processes) => {
  const answer = await byEveryone(call, asking, processes);
  return answer.status >= 400 ? answer : json(oneMetric([answer.body as TopicMetric]));
};

// -------------------------------------------------------------------- listeners

interface ListenerStatus {
  readonly running: boolean;
  readonly current_connections: number;
  readonly max_connections: number;
}

interface Listener extends Item, ListenerStatus {
  readonly id: string;
  readonly bind: string;
  readonly node_status: readonly { readonly node: string }[];
}

/** All processes of a node listen at the same addresses: of each, clients and limits of all. */
function listenersOf(all: readonly Listener[]): object[] {
  return grouped(all, ({ id, bind }) => `${id} ${bind}`).map((own) => {
    const [first] = own as [Listener];
    const status = statusOf(own);
    const nodes = grouped(own, nodeOf).map((some) => ({
      node: nodeOf(some[0] as Listener),
      status: statusOf(some),
    }));
    return { ...first, ...status, status, node_status: nodes };
  });
}

function nodeOf({ node_status: [first] }: Listener): string {
  return first?.node ?? '';
}

function statusOf(all: readonly Listener[]): ListenerStatus {
  return {
    running: all.every(({ running }) => running),
    current_connections: sumOf(all, ({ current_connections }) => current_connections),
    max_connections: sumOf(all, ({ max_connections }) => max_connections),
  };
}

async function listListeners(_: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<Listener[]>(() => ({ target: '/listeners' }));
  return asking.whole(listenersOf(parts.flatMap(({ data }) => data)));
}

async function getListener(_: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<Listener>();
  return asking.whole(listenersOf(parts.map(({ data }) => data))[0]);
}

const changeListener: Rule = async (_, asking, { haveAllListeners }) => {
  if (!haveAllListeners) {
    const why =
      'a node of a cluster listens for as long as it runs: its listeners are not stopped one by one';
    throw new ApiError(501, 'NOT_AVAILABLE', why);
  }
  const changed = await Promise.all(
    asking.everyone().map((process) => asking.ask<Listener>(process)),
  );
  return asking.whole(listenersOf(changed)[0]);
};

// ---------------------------------------------------------------------- storage

interface Log extends Item {
  readonly is_full: boolean;
  readonly failure: string | null;
  readonly size: number;
  readonly live_bytes: number;
  readonly segments: readonly object[];
  readonly written: Readonly<Record<string, number>>;
  readonly compaction: Readonly<Record<string, number>>;
  readonly recovery: {
    readonly records: number;
    readonly duration_ms: number;
    readonly quarantined: number;
  };
}

/** Each process has a log of its own: those are answered, too. */
async function getStorage({ host }: AnyCall, asking: Asking): Promise<Answer> {
  const parts = await asking.askAll<Log>();
  const logs = parts.map(({ data }) => data);
  const failed = parts.find(({ data }) => data.failure !== null);
  return asking.whole({
    directory: host.config.storage.dataDir,
    sync_mode: logs[0]?.['sync_mode'],
    is_full: logs.some(({ is_full }) => is_full),
    failure: failed === undefined ? null : `${failed.process.name}: ${failed.data.failure}`,
    size: sumOf(logs, ({ size }) => size),
    live_bytes: sumOf(logs, ({ live_bytes }) => live_bytes),
    segments: logs.flatMap(({ segments }) => segments),
    written: sums(logs.map(({ written }) => written)),
    compaction: sums(logs.map(({ compaction }) => compaction)),
    recovery: {
      records: sumOf(logs, ({ recovery }) => recovery.records),
      duration_ms: highest(logs.map(({ recovery }) => recovery.duration_ms)),
      quarantined: sumOf(logs, ({ recovery }) => recovery.quarantined),
    },
    logs: parts.map(({ process, data }) => ({ process: process.name, ...data })),
  });
}

function sums(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, sumOf(all, (one) => one[name] ?? 0)]));
}

async function deletePastAlarms(_: AnyCall, asking: Asking): Promise<Answer> {
  await asking.askAll();
  return NO_CONTENT;
}

const ofClient = byClient(({ query }) => query.clientid);

export const listRules: Rules = {
  listAlarms,
  deletePastAlarms,
  listSlowSubscriptions: (call, asking) => ranked(call, asking, '/slow_subscriptions', waitingOf),
  listHistory: (call, asking, processes) =>
    parametersOf(call).has('clientid')
      ? ofClient(call, asking, processes)
      : ranked(call, asking, '/history', ({ last_ts }) => Number(last_ts)),
  getAnalytics,
  listTopicMetrics,
  addTopicMetric,
  resetTopicMetrics: byEveryone,
  getTopicMetric,
  deleteTopicMetric: byEveryone,
  listListeners,
  getListener,
  changeListener,
  getStorage,
};
