/**
 * Starts brokers to be measured, each on a free loopback port, pinned to the first core where
 * `taskset` can do so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../packages/server/test/support/free-port.ts';
import { root } from '../../lib/prepare.js';
import type { BrokerNote } from './results.ts';

/** A program, and its arguments. */
type Command = readonly [program: string, args: readonly string[]];

/** A broker that is started to be measured. */
export interface OwnBroker extends BrokerNote {
  readonly command: (port: number, directory: string, metricsPort: number) => Command;
  /** Of its metrics, if it has any. */
  readonly metricsPath?: string;
  /** It has no MQTT 5. */
  readonly isWithoutFive?: boolean;
  /** What the load generator gets besides its arguments. */
  readonly generatorArgs?: (args: readonly string[]) => readonly string[];
  /** Words before its command, such as those that raise a limit. */
  readonly prefix?: readonly string[];
  readonly url?: undefined;
}

/** A broker that runs already. */
export interface RemoteBroker extends BrokerNote {
  readonly url: string;
  readonly isWithoutFive?: undefined;
  readonly generatorArgs?: undefined;
}

export type MeasuredBroker = OwnBroker | RemoteBroker;

/** A broker that serves. */
export interface Running {
  readonly url: string;
  readonly metricsUrl: string | null;
  /** In which it works; null when it is not ours, like `pid`. */
  readonly directory: string | null;
  readonly pid: number | null;
  /** Resolves when it has ended. */
  stop(): Promise<void>;
  /** Why it ended by itself; null while it runs. */
  failure(): string | null;
}

export const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined;

const START_MS = 60_000;
const STOP_MS = 10_000;
/** Patterns with 50 topics or more of their own, unless told otherwise. */
const MANY_LANES = ['pairs', 'topics'];
const FEWER_UNDER_WAY = ['--flight', '16384'];
const AEDES_VERSION = '1.2.0';

/** Processes that end with this one, however it ends. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Puts this process on one core, the one of the load generator. */
export function pinSelf(): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', '1', String(process.pid)]);
}

/** A process that ends with this one. */
export function owned(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * A command on one core.
 *
 * @param prefix - words before the command, such as those that raise a limit
 */
export function pinned(
  core: number,
  command: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): Command {
  const pin = canPin ? ['taskset', '-c', String(core)] : [];
  const [first = command, ...rest] = [...pin, ...prefix, command, ...args];
  return [first, rest];
}

/**
 * This broker, as it is by default.
 *
 * @param more - arguments of its command line
 */
export function promptmq(more: readonly string[] = []): OwnBroker {
  return {
    name: 'PromptMQ',
    version: JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8')).version,
    configuration: 'defaults, so with its log on disk and metrics; `--max-connections 100000`',
    command: (port, _, metricsPort) => [
      process.execPath,
      [
        join(root, 'packages/server/bin/promptmq.js'),
        ...['--bind', `127.0.0.1:${port}`, '--ws-bind', 'none', '--max-connections', '100000'],
        ...(more.includes('--metrics-bind') ? [] : ['--metrics-bind', `127.0.0.1:${metricsPort}`]),
        ...more,
      ],
    ],
    metricsPath: '/metrics',
  };
}

/** Null when it is not installed. */
function findMosquitto(): OwnBroker | null {
  const { stdout, error } = spawnSync('mosquitto', ['-h'], { encoding: 'utf8' });
  if (error !== undefined) return null;
  const lines = [
    'allow_anonymous true',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
  ];
  return {
    name: 'mosquitto',
    version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
    configuration: `\`${lines.join('`, `')}\`; nothing on disk`,
    command: (port, directory) => {
      const file = join(directory, 'mosquitto.conf');
      writeFileSync(file, [`listener ${port} 127.0.0.1`, ...lines, ''].join('\n'));
      return ['mosquitto', ['-c', file]];
    },
  };
}

const AEDES_PROGRAM = `
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
const aedes = await Aedes.createBroker({ concurrency: 1000, queueLimit: 1000 });
createServer({ noDelay: true }, aedes.handle).listen(Number(process.argv[2]), '127.0.0.1');
`;

/** Installs it below `directory`; null when that can't be done. */
function findAedes(directory: string): OwnBroker | null {
  const home = join(directory, 'aedes');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}');
  const args = ['install', '--no-audit', '--no-fund', `aedes@${AEDES_VERSION}`];
  const { status } = spawnSync('npm', args, { cwd: home, stdio: 'ignore' });
  if (status !== 0 || !existsSync(join(home, 'node_modules/aedes'))) return null;
  const program = join(home, 'broker.mjs');
  writeFileSync(program, AEDES_PROGRAM);
  return {
    name: 'aedes',
    isWithoutFive: true,
    version: AEDES_VERSION,
    configuration:
      '`concurrency: 1000`, `queueLimit: 1000`, no delay; in memory, MQTT 3.1.1 alone. With 50 pairs at QoS 0, 16 KB are ' +
      'under way on each topic instead of 64 KB: with more, it becomes several times slower',
    // Of one pair, it takes as much as the others.
    generatorArgs: (args) =>
      MANY_LANES.includes(args[0] ?? '') && !args.includes('--pairs') ? FEWER_UNDER_WAY : [],
    command: (port) => [process.execPath, [program, String(port)]],
  };
}

/** A broker that runs already, at an address: it is neither started nor pinned. */
function atAddress(text: string): RemoteBroker {
  const separator = text.indexOf('=');
  if (separator < 1) throw new Error(`--peer ${text}: expected NAME=URL`);
  const url = text.slice(separator + 1);
  return { name: text.slice(0, separator), version: '', configuration: `at ${url}`, url };
}

/**
 * The brokers that can be had here.
 *
 * @param wanted - names, in order; of those that aren't here, a line is printed
 * @param peers - `NAME=URL` of others
 * @param directory - for what has to be installed
 */
export function findBrokers(
  wanted: readonly string[],
  peers: readonly string[],
  directory: string,
): MeasuredBroker[] {
  const finders: Readonly<Record<string, (directory: string) => OwnBroker | null>> = {
    promptmq: () => promptmq(),
    mosquitto: findMosquitto,
    aedes: findAedes,
  };
  const found: MeasuredBroker[] = [];
  for (const name of wanted) {
    const find = Object.hasOwn(finders, name) ? finders[name] : undefined;
    if (find === undefined) {
      throw new Error(`unknown broker ${name}: ${Object.keys(finders).join(', ')}`);
    }
    const broker = find(directory);
    if (broker === null) console.error(`compare: ${name} can't be had here: left out`);
    else found.push(broker);
  }
  return [...found, ...peers.map(atAddress)];
}

/** Starts a broker and waits until it takes connections. */
export async function startBroker(broker: MeasuredBroker): Promise<Running> {
  if (broker.url !== undefined) {
    return {
      url: broker.url,
      metricsUrl: null,
      directory: null,
      pid: null,
      stop: async () => {},
      failure: () => null,
    };
  }
  const [port, metricsPort] = [await freePort(), await freePort()];
  // Whatever it writes by default is thrown away with its working directory.
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-compare-'));
  const [program, programArgs] = broker.command(port, directory, metricsPort);
  const [command, args] = pinned(0, program, programArgs, broker.prefix);
  const child = owned(
    spawn(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-2000);
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(kill);
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_MS;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`${broker.name} did not start: ${errorLine(errors)}`);
    }
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  /** Why it ended by itself; null while it runs. */
  const failure = () =>
    child.exitCode === null && child.signalCode === null
      ? null
      : `${broker.name} ended with ${child.exitCode ?? child.signalCode}: ${errorLine(errors)}`;
  const metricsUrl =
    broker.metricsPath === undefined
      ? null
      : `http://127.0.0.1:${metricsPort}${broker.metricsPath}`;
  const url = `mqtt://127.0.0.1:${port}`;
  return { url, metricsUrl, directory, pid: child.pid ?? null, stop, failure };
}

/** Of what a process wrote to its standard error, the line that says most. */
function errorLine(errors: string): string {
  const lines = errors.trim().split('\n');
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
