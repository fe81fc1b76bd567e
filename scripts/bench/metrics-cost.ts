/**
 * What metrics cost a message.
 *
 *   node scripts bench/metrics-cost [options]
 *
 * Compares a broker that serves metrics with one that doesn't, by the processor time of a message: in pairs of
 * runs, each first as often as the other. The median of what changes within a pair counts; how much pairs differ is
 * shown. After each run the metrics are read many times, for the processor time of a scrape. Exits with 1 when both
 * together, with a scrape every 15 seconds, cost more than the goal of 2 %, and more than pairs differ. About two
 * minutes.
 *
 *   --rounds N    pairs of runs (9)
 *   --seconds N   of each run, after a second of warm-up (3)
 *   --qos N       of the messages (0)
 *   --size BYTES  of a payload (64)
 *   --json        print JSON instead of a table
 *   --write       write the section of docs/performance.md
 */
import type { QoS } from '../../packages/codec/dist/index.js';
import { positiveNumber, readArguments, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { formatCount, readProcessUsage } from './lib/bench-package.ts';
import { promptmq, type Running, startBroker } from './lib/brokers.ts';
import { writeSection } from './lib/document.ts';
import { generate } from './lib/generator.ts';
import { machine, median, table } from './lib/report.ts';

const { countReceived, countSent, createStats } = await import(
  '../../packages/server/dist/runtime/stats.js'
);

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '3' },
    qos: { type: 'string', default: '0' },
    size: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const size = positiveNumber('--size', values.size);
const { qos } = values;

const GOAL = 0.02;
const SCRAPE_SECONDS = 15;
/** Processor time counts in hundredths of a second: this number of scrapes takes some of them. */
const SCRAPES = 50;
const TIMEOUT_SECONDS = 60;

await runMain('metrics-cost', main);

/** What a run found. */
interface Run {
  readonly perSecond: number;
  /** Of processor time, for a message. */
  readonly nanoseconds: number;
  /** Of processor time; 0 without metrics. */
  readonly scrapeSeconds: number;
}

interface Pair {
  readonly on: Run;
  readonly off: Run;
}

/** Medians of pairs. */
interface Change {
  readonly on: number;
  readonly off: number;
  readonly change: number;
  readonly error: number;
}

interface Results {
  readonly taken: string;
  readonly machine: string;
  readonly qos: number;
  readonly size: number;
  readonly nanosecondsPerPublish: number;
  readonly scrapeSeconds: number;
  readonly cpu: Change;
  readonly rate: Change;
  readonly pairs: readonly Pair[];
}

async function main(): Promise<void> {
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round++) {
    const isOnFirst = round % 2 === 0;
    const [first, second] = [await measureOnce(isOnFirst), await measureOnce(!isOnFirst)];
    const pair = isOnFirst ? { on: first, off: second } : { on: second, off: first };
    pairs.push(pair);
    console.error(
      `metrics-cost: ${round + 1}/${rounds}: ${pair.on.nanoseconds.toFixed(0)} ns a message with, ${pair.off.nanoseconds.toFixed(0)} ns without`,
    );
  }
  const results: Results = {
    taken: new Date().toISOString(),
    machine: machine(),
    qos: Number(qos),
    size,
    nanosecondsPerPublish: Number(countingCost(size).toFixed(1)),
    scrapeSeconds: median(pairs.map(({ on }) => on.scrapeSeconds)),
    cpu: compare(pairs, ({ nanoseconds }) => nanoseconds),
    rate: compare(pairs, ({ perSecond }) => perSecond),
    pairs,
  };
  const generated = describe(results);
  console.log(values.json ? JSON.stringify(results) : generated);
  if (values.write) writeSection('metrics-cost', results, generated);
  const cost = total(results);
  if (cost - results.cpu.error > GOAL) {
    throw new Error(`metrics cost ${percent(cost)} of a busy core, more than ${percent(GOAL)}`);
  }
}

/** Of a core that has no time left: what a message costs more, and what the scrapes take. */
function total({ cpu, scrapeSeconds }: Results): number {
  return cpu.change + scrapeSeconds / SCRAPE_SECONDS;
}

/**
 * Medians, the median change within a pair, and its error: the median distance of the pairs' changes from
 * it, divided by the root of their number.
 */
function compare(pairs: readonly Pair[], read: (run: Run) => number): Change {
  const of = (kind: keyof Pair) => median(pairs.map((pair) => read(pair[kind])));
  const changes = pairs.map(({ on, off }) => read(on) / read(off) - 1);
  const change = median(changes);
  const deviation = median(changes.map((value) => Math.abs(value - change)));
  // 1.48 median distances are a standard deviation, and a median has 1.25 times the error of a mean.
  return {
    on: of('on'),
    off: of('off'),
    change,
    error: (1.48 * 1.25 * deviation) / Math.sqrt(pairs.length),
  };
}

function describe(results: Results): string {
  const { taken, machine: where, qos, size, cpu, rate, pairs } = results;
  const row = (
    what: string,
    { on, off, change, error }: Change,
    format: (value: number) => string,
  ) => [what, format(on), format(off), `${percent(change)} ± ${percent(error)}`];
  return [
    `Taken on ${taken.slice(0, 10)}: ${where}; one pair, QoS ${qos}, ${size} bytes, medians of ${pairs.length} pairs of runs, by \`node scripts bench/metrics-cost --write\`.`,
    '',
    table(
      ['', 'with metrics', 'without', 'change'],
      [
        row(
          'processor time of the broker for a message',
          cpu,
          (value) => `${Math.round(value)} ns`,
        ),
        row('delivered a second', rate, (value) => `${formatCount(value)}/s`),
      ],
    ),
    '',
    `A scrape takes ${(results.scrapeSeconds * 1000).toFixed(1)} ms of processor time. With one every ${SCRAPE_SECONDS} seconds, metrics cost ${percent(total(results))} of a busy core; the goal is ${percent(GOAL)} at most. Counting one message, received and sent, takes ${results.nanosecondsPerPublish} ns, and is done in both: the counters are those of \`$SYS\` as well.`,
  ].join('\n');
}

/** All that `Connection`, `Router` and `PacketSender` count for one PUBLISH to one subscriber. */
function countingCost(bytes: number): number {
  const stats = createStats();
  const turn = (count: number) => {
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < count; index++) {
      stats.packetsReceived[3] = (stats.packetsReceived[3] ?? 0) + 1;
      stats.packetTypeNow = 3;
      countReceived(stats, (index & 1) as QoS, bytes + (index & 63));
      countSent(stats, (index & 1) as QoS, bytes);
      stats.packetTypeNow = 0;
    }
    return Number(process.hrtime.bigint() - startedAt) / count;
  };
  const count = 5_000_000;
  turn(count);
  const costs = Array.from({ length: 5 }, () => turn(count));
  if (stats.messagesReceived !== 6 * count) throw new Error('not counted');
  return Math.min(...costs);
}

async function measureOnce(hasMetrics: boolean): Promise<Run> {
  const more = ['--storage-enabled', 'false', ...(hasMetrics ? [] : ['--metrics-bind', 'none'])];
  const running = await startBroker(promptmq(more));
  try {
    const load = ['pairs', '--pairs', '1', '--qos', qos, '--size', String(size)];
    const time = ['--warmup', '1', '--seconds', String(seconds), '--fail-on-loss'];
    const result = await generate([...load, ...time], running, TIMEOUT_SECONDS);
    const { ratePerSecond, broker } = result;
    if (broker === null) throw new Error('the processor time of the broker is unknown: no /proc');
    const scrapeSeconds = hasMetrics ? await scrapeCost(running) : 0;
    const nanoseconds = (broker.cpu / ratePerSecond) * 1e9;
    return { perSecond: ratePerSecond, nanoseconds, scrapeSeconds };
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  } finally {
    await running.stop();
  }
}

/** Seconds of processor time. */
async function scrapeCost({ metricsUrl, pid }: Running): Promise<number> {
  const cpuSeconds = () => readProcessUsage(pid ?? -1)?.cpuSeconds ?? Number.NaN;
  const before = cpuSeconds();
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    const text = await (await fetch(metricsUrl ?? '')).text();
    if (!/^promptmq_messages_received_total [1-9]/m.test(text)) {
      throw new Error('the metrics do not show the messages');
    }
  }
  return (cpuSeconds() - before) / SCRAPES;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
