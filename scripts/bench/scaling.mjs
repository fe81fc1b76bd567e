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
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { promptmq, startBroker } from './lib/brokers.mjs';
import { readResults, writeSection } from './lib/document.mjs';
import { fileLimit } from './lib/file-limit.mjs';
import { generate } from './lib/generator.mjs';
import { machine, median } from './lib/report.mjs';
import { describeScaling, scalingPlots } from './lib/scaling-report.mjs';

const { values } = readArguments(import.meta.url, {
  options: {
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    idle: { type: 'string', default: '50000' },
    write: { type: 'boolean', default: false },
  },
});
const [runs, seconds, idle] = ['runs', 'seconds', 'idle'].map((name) =>
  positiveNumber(`--${name}`, values[name]),
);
const { only, write } = values;

/** A run that takes so much longer than it should is given up. */
const TIMEOUT_SECONDS = 120;

/** QoS 0: so many bytes are under way over all topics, and about 32 messages for each subscriber. */
const FLIGHT_BYTES = 4_194_304;
const FLIGHT_BYTES_MIN = 32 * 88;

/** By group: the sizes, and the arguments of the generator for each. */
const GROUPS = {
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

const names = Object.keys(GROUPS);
if (only !== undefined && !names.includes(only)) {
  refuse(`--only ${only}: should be one of ${names.join(', ')}`);
}
await runMain('scaling', main);

async function main() {
  const groups = { ...(only === undefined ? {} : readResults('scaling')?.groups) };
  for (const name of only === undefined ? names : [only]) {
    groups[name] = await measureGroup(name);
  }
  const results = { taken: new Date().toISOString(), machine: machine(), runs, seconds, groups };
  const generated = describeScaling(results);
  console.log(generated);
  if (write) writeSection('scaling', results, generated, scalingPlots(groups));
}

async function measureGroup(name) {
  const { args, isOnce } = GROUPS[name];
  const { connections, prefix } = fileLimit(name === 'idle' ? idle : 10_100);
  const sizes = name === 'idle' ? [connections] : GROUPS[name].sizes;
  const points = [];
  for (const size of sizes) {
    const results = [];
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

async function measureOnce(args, prefix) {
  const running = await startBroker({ ...promptmq(), prefix });
  try {
    return await generate(args, running, TIMEOUT_SECONDS, prefix);
  } catch (error) {
    throw new Error(running.failure() ?? `${args.join(' ')}: ${error.message}`);
  } finally {
    await running.stop();
  }
}

/** The medians of some runs. */
function pointOf(size, results) {
  const of = (read) => median(results.map(read));
  const [first] = results;
  return {
    size,
    ratePerSecond: of((result) => result.ratePerSecond),
    lost: Math.max(...results.map(({ lost }) => lost)),
    p99: first.latency === null ? null : of(({ latency }) => latency.p99),
    brokerCpu: of(({ broker }) => broker?.cpu ?? 0),
    generatorCpu: of(({ generator }) => generator.cpu),
    isGeneratorLimit:
      results.filter(({ generator }) => generator.isLimit).length * 2 > results.length,
    residentBytes: of(({ broker }) => broker?.residentBytes ?? 0),
    extra: Object.fromEntries(
      Object.keys(first.extra).map((key) => [key, of(({ extra }) => extra[key])]),
    ),
    memory: first.memory,
  };
}
