/**
 * How throughput and memory grow with connections, subscriptions, fan-out and payload.
 *
 *   node scripts bench/scaling [options]
 *
 * Measures a broker in its own process at several sizes of one thing at a time. With --write, the
 * results become docs/performance/scaling*.svg, scaling.json and the section of docs/performance.md; with --only,
 * the other groups keep the results that they have. About ten minutes.
 *
 *   --runs N      of each point; the median counts (3)
 *   --seconds N   of each run, after one second of warm-up (2)
 *   --only GROUP  connections, subscriptions, fan-out, payload or idle
 *   --idle N      idle connections, as far as open files allow (50000)
 *   --write       write the document instead of printing it
 */
import type { Result } from '../../packages/bench/dist/index.js';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { promptmq, startBroker } from './lib/brokers.ts';
import { readResults, writeSection } from './lib/document.ts';
import { fileLimit } from './lib/file-limit.ts';
import { generate } from './lib/generator.ts';
import { machine, median, medians } from './lib/report.ts';
import type { Group, GroupName, Point, Scaling } from './lib/results.ts';
import { describeScaling, scalingPlots } from './lib/scaling-report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    idle: { type: 'string', default: '50000' },
    write: { type: 'boolean', default: false },
  },
});
const runs = positiveNumber('--runs', values.runs);
const seconds = positiveNumber('--seconds', values.seconds);
const idle = positiveNumber('--idle', values.idle);
const { only, write } = values;

/** A run that takes so much longer than it should is given up. */
const TIMEOUT_SECONDS = 120;

/** QoS 0: at most this number of bytes is under way over all topics, and about 32 messages for each subscriber. */
const FLIGHT_BYTES = 4_194_304;
const FLIGHT_BYTES_MIN = 32 * 88;

/** By group: the sizes, and the arguments of the generator for each. */
interface Sizes {
  readonly sizes: readonly number[];
  readonly args: (size: number) => readonly string[];
  /** Whether one run has to do. */
  readonly isOnce?: (size: number) => boolean;
}

const GROUPS: Readonly<Record<GroupName, Sizes>> = {
  connections: {
    sizes: [10, 100, 1000, 10_000],
    args: (size) => {
      const pairs = size / 2;
      const flight = Math.max(FLIGHT_BYTES_MIN, Math.min(65_536, Math.floor(FLIGHT_BYTES / pairs)));
      return ['pairs', '--pairs', String(pairs), '--flight', String(flight)];
    },
  },
  subscriptions: {
    sizes: [1, 100, 10_000, 100_000, 1_000_000],
    args: (size) => ['pairs', '--other-subscriptions', String(size)],
    // Subscribing takes longer than measuring.
    isOnce: (size) => size >= 100_000,
  },
  'fan-out': {
    sizes: [1, 10, 100, 1000, 10_000],
    args: (size) => {
      const flight = Math.max(1_048_576, size * FLIGHT_BYTES_MIN);
      return ['fan-out', '--subscribers', String(size), '--flight', String(flight)];
    },
  },
  payload: {
    sizes: [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576],
    args: (size) => ['pairs', '--pairs', '10', '--size', String(size)],
  },
  idle: {
    sizes: [],
    args: (size) => ['idle', '--connections', String(size)],
    isOnce: () => true,
  },
};

const all = Object.keys(GROUPS) as GroupName[];
const names = only === undefined ? all : all.filter((name) => name === only);
if (names.length === 0) refuse(`--only ${only}: should be one of ${all.join(', ')}`);
await runMain('scaling', main);

async function main(): Promise<void> {
  const groups = { ...(only === undefined ? {} : readResults<Scaling>('scaling')?.groups) };
  for (const name of names) {
    groups[name] = await measureGroup(name);
  }
  const results = { taken: new Date().toISOString(), machine: machine(), runs, seconds, groups };
  const generated = describeScaling(results);
  console.log(generated);
  if (write) writeSection('scaling', results, generated, scalingPlots(groups));
}

async function measureGroup(name: GroupName): Promise<Group> {
  const { args, isOnce } = GROUPS[name];
  const { connections, prefix } = fileLimit(name === 'idle' ? idle : 10_100);
  const sizes = name === 'idle' ? [connections] : GROUPS[name].sizes;
  const points: Point[] = [];
  for (const size of sizes) {
    const results: Result[] = [];
    for (let run = 0; run < (isOnce?.(size) ? 1 : runs); run++) {
      const all = [...args(size), '--seconds', String(name === 'idle' ? 1 : seconds)];
      const result = await measureOnce(all, prefix);
      results.push(result);
      console.error(`scaling: ${name} ${size}: ${Math.round(result.ratePerSecond)}/s`);
    }
    points.push(pointOf(size, results));
  }
  return { points, ...(name === 'idle' ? { wanted: idle } : {}) };
}

async function measureOnce(args: readonly string[], prefix: readonly string[]): Promise<Result> {
  const running = await startBroker({ ...promptmq(), prefix });
  try {
    return await generate(args, running, TIMEOUT_SECONDS, prefix);
  } catch (error) {
    throw new Error(running.failure() ?? `${args.join(' ')}: ${messageOf(error)}`);
  } finally {
    await running.stop();
  }
}

/** The medians of some runs. */
function pointOf(size: number, results: readonly Result[]): Point {
  const of = (read: (result: Result) => number) => median(results.map(read));
  return {
    size,
    ratePerSecond: of((result) => result.ratePerSecond),
    lost: Math.max(...results.map(({ lost }) => lost)),
    p99: medians(results.map(({ latency }) => latency))?.p99 ?? null,
    brokerCpu: of(({ broker }) => broker?.cpu ?? 0),
    generatorCpu: of(({ generator }) => generator.cpu),
    isGeneratorLimit:
      results.filter(({ generator }) => generator.isLimit).length * 2 > results.length,
    residentBytes: of(({ broker }) => broker?.residentBytes ?? 0),
    extra: medians(results.map(({ extra }) => extra)) ?? {},
    memory: results[0]?.memory ?? [],
  };
}
