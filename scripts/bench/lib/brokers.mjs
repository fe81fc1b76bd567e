/**
 * Starts brokers to be measured, each on a free loopback port, pinned to the first core where
 * `taskset` can do so.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../lib/prepare.js';

export const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined;

const START_MS = 10_000;
const STOP_MS = 10_000;
/** Patterns with 50 topics or more of their own, unless told otherwise. */
const MANY_LANES = ['pairs', 'topics'];
const FEWER_UNDER_WAY = ['--flight', '16384'];
const AEDES_VERSION = '1.2.0';

/** Processes that end with this one, however it ends. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Puts this process on one core, the one of the load generator. */
export function pinSelf() {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', '1', String(process.pid)]);
}

/** A process that ends with this one. */
export function owned(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * A command on one core.
 *
 * @param prefix - words before the command, such as those that raise a limit
 */
export function pinned(core, command, args, prefix = []) {
  const pin = canPin ? ['taskset', '-c', String(core)] : [];
  const [first, ...rest] = [...pin, ...prefix, command, ...args];
  return [first, rest];
}

/**
 * This broker, as it is by default.
 *
 * @param more - arguments of its command line
 */
export function promptmq(more = []) {
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
function findMosquitto() {
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
function findAedes(directory) {
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
      MANY_LANES.includes(args[0]) && !args.includes('--pairs') ? FEWER_UNDER_WAY : [],
    command: (port) => [process.execPath, [program, String(port)]],
  };
}

/** A broker that runs already, at an address: it is neither started nor pinned. */
function atAddress(text) {
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
export function findBrokers(wanted, peers, directory) {
  const finders = { promptmq: () => promptmq(), mosquitto: findMosquitto, aedes: findAedes };
  const found = [];
  for (const name of wanted) {
    if (finders[name] === undefined) {
      throw new Error(`unknown broker ${name}: ${Object.keys(finders).join(', ')}`);
    }
    const broker = finders[name](directory);
    if (broker === null) console.error(`compare: ${name} can't be had here: left out`);
    else found.push(broker);
  }
  return [...found, ...peers.map(atAddress)];
}

/**
 * Starts a broker and waits until it takes connections.
 *
 * @returns `url`, `metricsUrl` and `directory`, in which it works, `pid` (null when it is not ours), `stop()`, which resolves when it has ended, and
 * `failure()`, which says why it ended by itself
 */
export async function startBroker(broker) {
  if (broker.url !== undefined)
    return { url: broker.url, pid: null, stop: async () => {}, failure: () => null };
  const [port, metricsPort] = [await freePort(), await freePort()];
  // Whatever it writes by default is thrown away with its working directory.
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-compare-'));
  const [command, args] = pinned(0, ...broker.command(port, directory, metricsPort), broker.prefix);
  const child = owned(
    spawn(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  let errors = '';
  child.stderr.on('data', (chunk) => {
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
    await new Promise((resolve) => {
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
  return { url: `mqtt://127.0.0.1:${port}`, metricsUrl, directory, pid: child.pid, stop, failure };
}

/** Of what a process wrote to its standard error, the line that says most. */
function errorLine(errors) {
  const lines = errors.trim().split('\n');
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
