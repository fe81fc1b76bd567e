/**
 * What workers cost: processor time of the broker a message, of two workers against one process.
 *
 *   node scripts bench/workers [options]
 *
 * Each pattern runs against both in turns, each first as often as the other. The processor time of all processes of the broker counts, without
 * that of the generator, and of ratios within a round the median. Exits with 1 when one is above its bar: 2.2 for pairs, of whose clients every second
 * message goes to another process, and 1.2 for one publisher and a hundred subscribers.
 *
 *   --only TEXT    only patterns with this in their name
 *   --rounds N     of each pattern (5)
 *   --seconds N    of each run, after one of a second that doesn't count (3)
 *   --workers N    against one (2)
 *   --json         print JSON instead of a table
 *   --list         print the names
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { readProcessUsage } from './lib/bench-package.ts';
import { promptmq, type Running, startBroker } from './lib/brokers.ts';
import { generate } from './lib/generator.ts';
import { machine, median, table } from './lib/report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    workers: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const workers = positiveNumber('--workers', values.workers);

const TIMEOUT_SECONDS = 180;
const READY_MS = 60_000;

interface Pattern {
  readonly name: string;
  readonly args: readonly string[];
  /** Processor time a message against one process, at most. */
  readonly bar: number;
}

// The same load for both, below what either can do: who has less time left gathers more in a turn, and needs less for each message.
const PATTERNS: readonly Pattern[] = [
  {
    name: 'pairs, QoS 0',
    args: ['pairs', '--pairs', '50', '--qos', '0', '--rate', '50000'],
    bar: 2.2,
  },
  {
    name: 'pairs, QoS 1',
    args: ['pairs', '--pairs', '50', '--qos', '1', '--rate', '10000'],
    bar: 2.2,
  },
  {
    name: 'fan-out 1 to 100, QoS 0',
    args: ['fan-out', '--subscribers', '100', '--qos', '0', '--rate', '1000'],
    bar: 1.2,
  },
];

/** Microseconds of processor time for a message that was sent. */
interface Round {
  readonly one: number;
  readonly several: number;
}

interface Measured {
  readonly pattern: Pattern;
  readonly rounds: readonly Round[];
  readonly ratio: number;
}

const wanted = PATTERNS.filter(({ name }) => name.includes(values.only));
if (wanted.length === 0) refuse(`--only ${values.only}: no pattern has this in its name`);
await runMain('workers', main);

async function main(): Promise<void> {
  if (values.list) {
    for (const { name } of wanted) console.log(name);
    return;
  }
  const all: Measured[] = [];
  for (const pattern of wanted) all.push(await measurePattern(pattern));
  console.log(
    values.json ? JSON.stringify({ machine: machine(), workers, all }) : describeAll(all),
  );
  const above = all.find(({ ratio, pattern }) => ratio > pattern.bar);
  if (above === undefined) return;
  const { pattern, ratio } = above;
  throw new Error(`${pattern.name}: ${ratio.toFixed(2)} times, more than ${pattern.bar}`);
}

async function measurePattern(pattern: Pattern): Promise<Measured> {
  const found: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const isOneFirst = round % 2 === 0;
    const first = await measureOnce(pattern, isOneFirst ? 1 : workers);
    const second = await measureOnce(pattern, isOneFirst ? workers : 1);
    const one = isOneFirst ? first : second;
    const several = isOneFirst ? second : first;
    found.push({ one, several });
    console.error(
      `workers: ${pattern.name}: ${one.toFixed(2)} and ${several.toFixed(2)} µs, ${(several / one).toFixed(2)} times`,
    );
  }
  return { pattern, rounds: found, ratio: median(found.map(({ one, several }) => several / one)) };
}

/** @returns microseconds of processor time of all the broker's processes for a message, what connecting costs included */
async function measureOnce({ args }: Pattern, count: number): Promise<number> {
  const running = await startBroker(promptmq(['--workers', String(count)]));
  try {
    await ready(running);
    const load = (time: number) =>
      generate(
        [...args, '--warmup', '0', '--seconds', String(time), '--fail-on-loss'],
        { url: running.url, pid: null },
        TIMEOUT_SECONDS,
      );
    await load(1);
    const pids = processesOf(running.pid ?? -1, count);
    const before = cpuSecondsOf(pids);
    const { sent } = await load(seconds);
    return ((cpuSecondsOf(pids) - before) / sent) * 1e6;
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  } finally {
    await running.stop();
  }
}

/** All workers serve. */
async function ready({ metricsUrl, failure }: Running): Promise<void> {
  const url = new URL('/ready', metricsUrl ?? '');
  const deadline = performance.now() + READY_MS;
  while (!(await fetch(url)).ok) {
    const why = failure() ?? (performance.now() > deadline ? 'the workers are not ready' : null);
    if (why !== null) throw new Error(why);
    await sleep(50);
  }
}

function cpuSecondsOf(pids: readonly number[]): number {
  let all = 0;
  for (const pid of pids) {
    const usage = readProcessUsage(pid);
    if (usage === null) throw new Error(`process ${pid} is not there: no /proc, or it has ended`);
    all += usage.cpuSeconds;
  }
  return all;
}

/** The broker's process, and those that it has started. */
function processesOf(parent: number, count: number): number[] {
  const children = count === 1 ? [] : childrenOf(parent);
  if (count > 1 && children.length !== count) {
    throw new Error(`${children.length} workers run, not ${count}`);
  }
  return [parent, ...children];
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may have blanks: count from its end.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

function describeAll(all: readonly Measured[]): string {
  const rows = all.map(({ pattern, rounds: found, ratio }) => [
    pattern.name,
    `${median(found.map(({ one }) => one)).toFixed(2)} µs`,
    `${median(found.map(({ several }) => several)).toFixed(2)} µs`,
    ratio.toFixed(2),
    String(pattern.bar),
  ]);
  const head = ['', 'one process', `${workers} workers`, 'ratio', 'bar'];
  return `Processor time of the broker a message, medians of ${rounds} rounds, on ${machine()}.\n\n${table(head, rows)}`;
}
