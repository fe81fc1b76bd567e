import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { bin, Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let metricsSocket: string;
let child: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-output-'));
  metricsSocket = join(folder, 'metrics.sock');
});

afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, 'exit');
    child.kill('SIGKILL');
    await closed;
  }
  rmSync(folder, { recursive: true });
});

const OPTIONS = ['--ws-bind=none', '--no-storage-enabled', '--client-lines-per-second=1000000'];

/** A broker whose output is not the test's to read; resolves with a port once it serves there. */
async function start(
  stdio: StdioOptions,
  options: readonly string[] = [],
  command: readonly string[] = [],
): Promise<string> {
  const port = await freePort();
  const args = [
    ...command,
    process.execPath,
    bin,
    `--bind=127.0.0.1:${port}`,
    `--metrics-bind=unix:${metricsSocket}`,
    ...OPTIONS,
    ...options,
  ];
  const appeared = appearance('metrics.sock');
  child = spawn(args[0] as string, args.slice(1), {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    stdio,
  });
  await appeared;
  while (!(await ask('/ready')).startsWith('HTTP/1.1 200 ')) expect(child.exitCode).toBeNull();
  return `mqtt://127.0.0.1:${port}`;
}

async function appearance(name: string): Promise<void> {
  const watcher = watch(folder);
  try {
    while (!existsSync(join(folder, name))) await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}

/** What the metrics port answers; nothing when nobody listens yet. */
async function ask(path: string): Promise<string> {
  const socket = connect(metricsSocket);
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

async function droppedLines(): Promise<number> {
  return Number(/^promptmq_log_lines_dropped_total (\d+)$/m.exec(await ask('/metrics'))?.[1]);
}

/** A client that comes, does something and goes; each causes lines of the log. */
async function visit(url: string): Promise<void> {
  const client = await PacketClient.open(url, 4);
  client.connect('c', { clean: true });
  expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
  client.publish('t', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ cmd: 'puback' });
  await client.cut();
}

async function expectServing(url: string): Promise<void> {
  for (let round = 0; round < 3; round++) await visit(url);
  expect(await ask('/health')).toMatch(/^HTTP\/1\.1 200 /);
  expect(child.exitCode).toBeNull();
}

/** An orderly stop works, too, and its exit code is that of one. */
async function expectStops(): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
}

test('a reader of the log that goes away ends nothing, and the lines are counted', async () => {
  const url = await start(['ignore', 'pipe', 'pipe']);
  child.stdout?.destroy();
  child.stderr?.destroy();
  await expectServing(url);
  expect(await droppedLines()).toBeGreaterThan(3);
  await expectStops();
});

test('a socket as standard output and standard error, as of journald, may close', async () => {
  const peers: Socket[] = [];
  const server = createServer((socket) => {
    peers.push(socket);
    socket.on('error', () => {});
  }).listen(join(folder, 'journal.sock'));
  await once(server, 'listening');
  const ends = [0, 1].map(() => connect(join(folder, 'journal.sock')));
  for (const end of ends) await once(end, 'connect');
  const url = await start(['ignore', ...(ends as [Socket, Socket])]);
  for (const end of ends) end.destroy();
  for (const peer of peers) peer.destroy();
  server.close();
  await expectServing(url);
  expect(await droppedLines()).toBeGreaterThan(3);
  await expectStops();
});

test('a device that is full as standard output and standard error ends nothing', async () => {
  const full = openSync('/dev/full', 'w');
  const url = await start(['ignore', full, full]);
  await expectServing(url);
  expect(await droppedLines()).toBeGreaterThan(3);
  await expectStops();
});

/** Far more lines than the system's buffers and `log.max-waiting-bytes` hold. */
async function flood(url: string): Promise<void> {
  const client = await PacketClient.open(url, 4);
  client.connect('c', { clean: true });
  await client.next();
  const topic = 'x'.repeat(5000);
  for (let index = 1; index <= 400; index++) client.publish(topic, '', 1, index);
  for (let index = 1; index <= 400; index++) {
    expect(await client.next()).toMatchObject({ cmd: 'puback' });
  }
  await client.cut();
}

const FLOOD = ['--trace-clients=c', '--max-waiting-bytes=65536'];

test('a reader that does not read holds nothing up; when it reads again, the log says what was lost', async () => {
  const url = await start(['ignore', 'pipe', 'inherit'], FLOOD);
  await flood(url);
  await expectServing(url);
  const dropped = await droppedLines();
  expect(dropped).toBeGreaterThan(100);
  let output = '';
  const told = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      if (output.includes('log-lines-dropped')) resolve();
    });
  });
  await told;
  await visit(url);
  expect(output).toMatch(/ warn {2}log-lines-dropped count=\d+ why="over 65536 bytes wait/);
  await expectStops();
});

test('a reader that never reads does not hold up the end of the process', async () => {
  const url = await start(['ignore', 'pipe', 'pipe'], FLOOD);
  await flood(url);
  await expectStops();
});

const hasScript = spawnSync('script', ['--version']).error === undefined;
const onTerminal = hasScript ? test : test.skip;

onTerminal('a terminal that shows nothing more holds nothing up', async () => {
  const pidFile = join(folder, 'promptmq.pid');
  const url = await start(
    ['ignore', 'pipe', 'inherit'],
    [...FLOOD, `--pid-file=${pidFile}`],
    ['sh', '-c', 'exec script -qfc "$(printf "%s " "$@")" /dev/null', 'sh'],
  );
  await flood(url);
  for (let round = 0; round < 3; round++) await visit(url);
  expect(await droppedLines()).toBeGreaterThan(100);
  // The terminal's program, not the terminal.
  const exit = once(child, 'exit');
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  child.stdout?.resume();
  await exit;
});

test('a log file beyond what the disk holds ends nothing; with room again, the file says what was lost', async () => {
  const file = join(folder, 'broker.log');
  const url = await start(
    ['ignore', 'ignore', 'pipe'],
    [`--log-file=${file}`],
    ['sh', '-c', 'trap "" XFSZ; ulimit -S -f 8; exec "$0" "$@"'],
  );
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  while ((await droppedLines()) === 0) await visit(url);
  await expectServing(url);
  expect(errors).toMatch(/lines of the log are dropped, as .*broker\.log doesn't take them: EFBIG/);
  spawnSync('prlimit', [`--pid=${child.pid}`, '--fsize=unlimited']);
  while (!readFileSync(file, 'utf8').includes('log-lines-dropped')) await visit(url);
  expect(readFileSync(file, 'utf8')).toMatch(
    /^\S+Z warn {2}log-lines-dropped count=\d+ why="EFBIG/m,
  );
  await expectStops();
});

test('a log file that was renamed is opened again at SIGHUP, also when the configuration is wrong then', async () => {
  const file = join(folder, 'logs/broker.log');
  writeFileSync(join(folder, 'promptmq.yaml'), `log: { file: ${file} }\n`);
  const url = await start(['ignore', 'ignore', 'inherit']);
  for (const [name, text] of [
    ['one', `log: { file: ${file} }\n`],
    ['two', 'log: { level: loud }\n'],
  ]) {
    await visit(url);
    renameSync(file, `${file}.${name}`);
    writeFileSync(join(folder, 'promptmq.yaml'), `${text}`);
    const watcher = watch(join(folder, 'logs'));
    child.kill('SIGHUP');
    while (!(existsSync(file) && /config-(reloaded|refused)/.test(readFileSync(file, 'utf8')))) {
      await once(watcher, 'change');
    }
    watcher.close();
    expect(readFileSync(`${file}.${name}`, 'utf8')).toContain('client-connected');
  }
  await expectStops();
});

test('a log folder that was removed is made again', async () => {
  const file = join(folder, 'logs/broker.log');
  const url = await start(['ignore', 'ignore', 'inherit'], [`--log-file=${file}`]);
  await visit(url);
  rmSync(join(folder, 'logs'), { recursive: true });
  while (!existsSync(file)) await visit(url);
  await expectStops();
});

test('commands whose reader has seen enough end without an exception', async () => {
  for (const args of [['config', 'print'], ['config', 'schema'], ['--help']]) {
    const command = new Command(args, folder);
    child = command.child;
    command.child.stdout?.destroy();
    await command.exitCode();
    expect(command.errors).toBe('');
  }
  const full = openSync('/dev/full', 'w');
  const told = spawnSync(process.execPath, [bin, 'config', 'print'], {
    stdio: ['ignore', full, 'pipe'],
    cwd: folder,
    encoding: 'utf8',
  });
  expect([told.status, told.stderr]).toEqual([
    1,
    'promptmq: standard output: ENOSPC: no space left on device, write\n',
  ]);
});
