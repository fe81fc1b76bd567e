import { BenchError } from '../bench-error.ts';

/** Values of a scrape, by name; those of a metric with labels are also added up under its bare name. */
export type Metrics = ReadonlyMap<string, number>;

/** @throws {BenchError} when there is nothing to be had at this address */
export async function scrape(url: string): Promise<Metrics> {
  const response = await fetch(url).catch((error: Error) => {
    throw new BenchError(`no metrics at ${url}: ${error.message}`);
  });
  const text = await response.text();
  if (!response.ok) throw new BenchError(`no metrics at ${url}: status ${response.status}`);
  return parseMetrics(text);
}

/** Reads the text format of Prometheus. */
export function parseMetrics(text: string): Metrics {
  const metrics = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const end = line.lastIndexOf('}');
    const separator = line.indexOf(' ', Math.max(0, end));
    const series = line.slice(0, separator);
    const value = Number(line.slice(separator + 1).split(' ')[0]);
    metrics.set(series, value);
    const bare = series.split('{')[0] as string;
    if (bare !== series) metrics.set(bare, (metrics.get(bare) ?? 0) + value);
  }
  return metrics;
}

/** What the generator knows of itself, to be compared with what the broker has counted. */
export interface Counted {
  readonly sent: number;
  readonly received: number;
  readonly redelivered: number;
  readonly connects: number;
  readonly open: number;
}

/**
 * Where the counters of the broker and of the generator disagree, a line each.
 *
 * Messages that a cut connection took with it are sent again: so of those that the broker sent, at most
 * as many did not come as came again.
 */
export function inconsistencies(metrics: Metrics, counted: Counted): readonly string[] {
  const of = (name: string) => metrics.get(`promptmq_${name}`) ?? Number.NaN;
  const lines: string[] = [];
  const same = (name: string, expected: number) => {
    if (of(name) !== expected) lines.push(`${name} is ${of(name)}, not ${expected}`);
  };
  same('messages_received_total', counted.sent);
  same('connections_total', counted.connects);
  same('connections_current', counted.open);
  const published = of('messages_published_total');
  const onTheWay = published - counted.received;
  if (!(onTheWay >= 0 && onTheWay <= counted.redelivered)) {
    const bound = `${counted.received} to ${counted.received + counted.redelivered}`;
    lines.push(`messages_published_total is ${published}, not from ${bound}`);
  }
  for (const name of ['messages_dropped_total', 'messages_refused_total', 'packet_errors_total']) {
    if ((metrics.get(`promptmq_${name}`) ?? 0) !== 0) lines.push(`${name} is ${of(name)}, not 0`);
  }
  for (const name of ['messages_inflight', 'messages_queued']) same(name, 0);
  return lines;
}

/** What the broker still holds though everyone has left and no session is kept, a line each. */
export function leftovers(metrics: Metrics): readonly string[] {
  return [
    'connections_current',
    'sessions_current',
    'subscriptions_current',
    'shared_subscription_groups_current',
    'messages_inflight',
    'messages_queued',
    'queued_bytes',
    'retained_messages',
  ].flatMap((name) => {
    const value = metrics.get(`promptmq_${name}`);
    return value === 0 ? [] : [`${name} is ${value ?? 'missing'}, not 0`];
  });
}
