import { kindOf, MONITOR_FIELDS, SAMPLE_SECONDS } from '../../../monitor/index.ts';
import { nodeName } from '../../api/node-name.ts';
import { type Answer, ApiError } from '../../api/operation.ts';
import { NOT_ADDED, nameOf, rateNameOf } from '../../routes/monitor/sample-shape.ts';
import { statusOf } from '../../routes/status.ts';
import { type AnyCall, type Asking, dataOf } from '../asking.ts';
import { grouped, highest } from '../numbers.ts';
import type { Rules } from '../rule.ts';

export type Figures = Readonly<Record<string, number>>;

/** Names of which all processes have the same, so that they are not added up. */
const SAME_EVERYWHERE = ['retained', 'retainedBytes'];

/** How figures with a name become one. */
type Way = 'sum' | 'most';

const SAMPLE_WAYS = new Map<string, Way>(
  MONITOR_FIELDS.flatMap((field) => {
    const isMost = kindOf(field) === 'max' || SAME_EVERYWHERE.includes(field);
    const way: Way = isMost ? 'most' : 'sum';
    return [nameOf(field), rateNameOf(field)].map((name) => [name, way] as const);
  }),
);

/** @param wayOf - of a name */
export function together(
  all: readonly Figures[],
  wayOf: (name: string) => Way = () => 'sum',
): Figures {
  const figures: Record<string, number> = {};
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) {
      const known = figures[name];
      if (known === undefined) figures[name] = value;
      else figures[name] = wayOf(name) === 'sum' ? known + value : Math.max(known, value);
    }
  }
  return figures;
}

// ----------------------------------------------------------------------- status

interface Status {
  readonly connections: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: number;
}

async function getStatus(call: AnyCall, asking: Asking): Promise<Answer> {
  const { host, caller, query } = call;
  const short = statusOf(host.config, caller, query.format);
  if (short !== null) return short;
  const parts = await asking.askAll<Status>(() => ({ target: '/status?format=json' }));
  const all = parts.map(({ data }) => data);
  const { connections, sessions, subscriptions, retained } = together(
    all.map((one) => ({
      connections: one.connections,
      sessions: one.sessions,
      subscriptions: one.subscriptions,
      retained: one.retained,
    })),
    (name) => (name === 'retained' ? 'most' : 'sum'),
  );
  const [first] = all;
  return asking.whole({
    ...first,
    node: nodeName(host.config),
    pid: process.pid,
    uptime: Math.floor((Date.now() - host.startedAt) / 1000),
    ...{ connections, sessions, subscriptions, retained },
  });
}

interface Node {
  readonly node: string;
  readonly connections: number;
  readonly live_connections: number;
}

/** Of each node, its processes together. */
async function nodes({ host }: AnyCall, asking: Asking): Promise<object[]> {
  const own = nodeName(host.config);
  const parts = await asking.askAll<Node[]>(() => ({ target: '/nodes' }));
  const all = parts.flatMap(({ data }) => data);
  return grouped(all, ({ node }) => node).map((some) => {
    const counts = some.map(({ connections, live_connections }) => ({
      connections,
      live_connections,
    }));
    const [first] = some;
    const uptime = first?.node === own ? { uptime: Date.now() - host.startedAt } : {};
    return { ...first, ...uptime, ...together(counts) };
  });
}

async function getNode(call: AnyCall, asking: Asking): Promise<Answer> {
  const all = (await nodes(call, asking)) as Node[];
  const found = all.find(({ node }) => node === call.params.node);
  if (found !== undefined) return asking.whole(found);
  const names = all.map(({ node }) => node).join(', ');
  throw new ApiError(404, 'NOT_FOUND', `there is no such node here, but ${names}`);
}

// ---------------------------------------------------------------------- samples

/** A sample as it is answered. */
interface Sample {
  readonly time_stamp: number;
  readonly seconds: number;
  readonly dropped_by_reason: Figures;
  readonly [figure: string]: number | Figures;
}

const DAY_STEP_SECONDS = 60;
const HOUR_SECONDS = 3600;

/** What is made of other figures of the same sample, or can't be added. */
const OF_OTHERS = [
  ...NOT_ADDED,
  'time_stamp',
  'seconds',
  'fsync_group',
  'dropped_by_reason',
  'node_uptime',
];

/** What processes take at times of their own, by the time in which each was taken. */
async function samples(call: AnyCall, asking: Asking): Promise<Answer> {
  const { latest } = call.query;
  const parts = await ofNode<Sample[]>(call, asking);
  const step = 1000 * (latest > HOUR_SECONDS ? DAY_STEP_SECONDS : SAMPLE_SECONDS);
  const times = new Map<number, Sample[][]>();
  for (const [index, { data }] of parts.entries()) {
    for (const sample of data) {
      const time = Math.ceil(sample.time_stamp / step) * step;
      const known = times.get(time) ?? parts.map(() => []);
      known[index]?.push(sample);
      times.set(time, known);
    }
  }
  const before: (Sample | undefined)[] = parts.map(() => undefined);
  const answer: object[] = [];
  for (const [time, own] of [...times].sort(([one], [other]) => one - other)) {
    const taken = own.map((some, index) => lastOf(some, before[index], time - step));
    // Of the last time not all have taken theirs yet.
    const isWhole = taken.every((some) => some !== null);
    const isOver = time <= Date.now();
    for (const [index, some] of own.entries()) before[index] = some.at(-1) ?? before[index];
    if (!isWhole && !isOver) continue;
    answer.push(
      sampleOf(
        time,
        taken.filter((some) => some !== null),
      ),
    );
  }
  return asking.whole(answer);
}

/** What one process took in a time; where it took none, what there was before, in which nothing was counted. */
function lastOf(
  taken: readonly Sample[],
  before: Sample | undefined,
  since: number,
): readonly Sample[] | null {
  if (taken.length > 0) return taken;
  if (before === undefined || before.time_stamp < since - 1000 * SAMPLE_SECONDS) return null;
  const nothing = Object.entries(before).map(([name, value]) => {
    const isCount = COUNTS.has(name);
    return [name, isCount ? 0 : value] as const;
  });
  return [{ ...(Object.fromEntries(nothing) as Sample), seconds: 0, dropped_by_reason: {} }];
}

const COUNTS: ReadonlySet<string> = new Set(
  MONITOR_FIELDS.filter((field) => kindOf(field) === 'count').map(nameOf),
);

function sampleOf(time: number, all: readonly (readonly Sample[])[]): object {
  const ofEach = all.map((some) => inTime(some));
  const figures = together(ofEach.map(numbersOf), wayOfSample);
  const drops = together(ofEach.map(({ dropped_by_reason: drop }) => drop));
  const seconds = highest(ofEach.map((one) => one.seconds));
  return { time_stamp: time, seconds, ...figures, ...groupOf(figures), dropped_by_reason: drops };
}

/** Samples of one process, one after the other, as one. */
function inTime(some: readonly Sample[]): Sample {
  const last = some.at(-1) as Sample;
  if (some.length === 1) return last;
  const counted = together(
    some.map((one) =>
      Object.fromEntries([...COUNTS].map((name) => [name, Number(one[name] ?? 0)])),
    ),
  );
  return {
    ...last,
    ...counted,
    seconds: some.reduce((sum, { seconds }) => sum + seconds, 0),
    dropped_by_reason: together(some.map(({ dropped_by_reason: drop }) => drop)),
  };
}

function numbersOf(sample: Readonly<Record<string, number | Figures>>): Figures {
  const numbers = Object.entries(sample).filter(
    (entry): entry is [string, number] =>
      typeof entry[1] === 'number' && !OF_OTHERS.includes(entry[0]),
  );
  return Object.fromEntries(numbers);
}

function wayOfSample(name: string): Way {
  return SAMPLE_WAYS.get(name) ?? 'sum';
}

/** Records that one fsync has made safe. */
function groupOf(figures: Figures): { readonly fsync_group: number } {
  const syncs = figures['fsyncs'] ?? figures['fsyncs_rate'] ?? 0;
  const records = figures['synced_records'] ?? figures['synced_records_rate'] ?? 0;
  return { fsync_group: syncs === 0 ? 0 : Math.round((1000 * records) / syncs) / 1000 };
}

interface Current {
  readonly time_stamp: number;
  readonly seconds: number;
  readonly dropped_rate_by_reason: Figures;
  readonly [figure: string]: number | Figures;
}

async function current(call: AnyCall, asking: Asking): Promise<Answer> {
  const { host } = call;
  const parts = await ofNode<Current>(call, asking);
  const all = parts.map(({ data }) => data);
  const figures = together(all.map(numbersOf), wayOfSample);
  return asking.whole({
    time_stamp: highest(all.map(({ time_stamp }) => time_stamp)),
    seconds: highest(all.map(({ seconds }) => seconds)),
    node_uptime: Math.floor((Date.now() - host.startedAt) / 1000),
    ...figures,
    ...groupOf(figures),
    dropped_rate_by_reason: together(all.map((one) => one.dropped_rate_by_reason)),
  });
}

/** Of the processes of the node that is named, where one is. @throws {ApiError} 404 */
async function ofNode<T>({ params }: AnyCall, asking: Asking): Promise<{ readonly data: T }[]> {
  const answers = await asking.answersOf();
  const own = answers.filter(({ status }) => status !== 404);
  if (own.length > 0) return own.map((answer) => ({ data: dataOf<T>(answer) }));
  throw new ApiError(404, 'NOT_FOUND', `${params.node} is not known here`);
}

// ----------------------------------------------------------------------- totals

/** The most that there was: each process had it at another time; and of what may be the same in several. */
const NOT_KNOWN = /\.max$|^topics\.|^subscriptions\.shared\./;

type NodeTotals = Figures & { readonly node: string };

async function totals(call: AnyCall, asking: Asking, path: string): Promise<Answer> {
  const parts = await asking.askAll<readonly NodeTotals[]>(() => ({ target: path }));
  const all = parts.flatMap(({ data }) => data);
  if (call.query.aggregate) return asking.whole(totalOf(all));
  return asking.whole(
    grouped(all, ({ node }) => node).map((some) => ({
      ...totalOf(some),
      node: (some[0] as NodeTotals).node,
    })),
  );
}

function totalOf(all: readonly NodeTotals[]): Figures {
  const known = all.map((one) => {
    const { node, ...figures } = one;
    return Object.fromEntries(Object.entries(figures).filter(([name]) => !NOT_KNOWN.test(name)));
  });
  return together(known, (name) => (name === 'retained.count' ? 'most' : 'sum'));
}

export const figureRules: Rules = {
  getStatus,
  listNodes: async (call, asking) => asking.whole(await nodes(call, asking)),
  getNode,
  listSamples: samples,
  listSamplesOfNode: samples,
  getCurrentFigures: current,
  getCurrentFiguresOfNode: current,
  getStats: (call, asking) => totals(call, asking, '/stats'),
  getMetrics: (call, asking) => totals(call, asking, '/metrics'),
};
