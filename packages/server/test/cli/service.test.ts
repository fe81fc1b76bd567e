import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { connectBytes } from '../support/packet-client.ts';

let folder: string;
let pidFile: string;
/** A program that runs, but is no broker. */
let other: ChildProcess;

beforeAll(() => {
  other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: 'pipe' });
});

afterAll(async () => {
  const closed = once(other, 'close');
  other.kill();
  await closed;
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-service-'));
  pidFile = join(folder, 'run/promptmq.pid');
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    `server: { bind: "unix:mqtt.sock", ws-bind: none, pid-file: ${pidFile} }
storage: { enabled: false }
metrics: { enabled: false }
log: { file: logs/broker.log, format: json }
`,
  );
});

afterEach(() => {
  // Only what a test that failed has left behind.
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]) {
  const command = new Command(args, folder);
  const status = await command.exitCode();
  return { status, stdout: command.output, stderr: command.errors };
}

test('a daemon starts in the background, says that it runs, reloads and stops', async () => {
  expect(await run('status')).toMatchObject({ status: 3, stdout: `not running (${pidFile})\n` });
  const started = await run('--daemon');
  expect(started).toMatchObject({ status: 0, stderr: '' });
  const pid = readFileSync(pidFile, 'utf8').trim();
  expect(started.stdout).toContain(`process ${pid}`);
  expect(await run('status')).toMatchObject({ status: 0, stdout: `running as process ${pid}\n` });
  const client = connect(join(folder, 'mqtt.sock'));
  client.write(connectBytes);
  expect([...(await once(client, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
  expect((await run('reload')).status).toBe(0);
  const second = await run('--daemon');
  expect(second.status).toBe(1);
  expect(second.stderr).toContain(`a broker is running already: process ${pid}`);
  const closed = once(client.resume(), 'close');
  expect(await run('stop')).toMatchObject({ status: 0, stdout: `stopped process ${pid}\n` });
  await closed;
  expect(existsSync(pidFile)).toBe(false);
  const events = readFileSync(join(folder, 'logs/broker.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  expect(events).toEqual(expect.arrayContaining(['ready', 'config-reloaded', 'stopped']));
  expect((await run('stop')).status).toBe(3);
}, 30_000);

test('a daemon that cannot start says why', async () => {
  const { status, stderr } = await run('--daemon', '--bind', 'unix:/no/such/folder/mqtt.sock');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^promptmq: .*\/no\/such\/folder/);
  expect(existsSync(pidFile)).toBe(false);
});

describe('a PID file', () => {
  test.each([
    ['of a process that has ended', () => `${spawnSync(process.execPath, ['-e', '']).pid}\n`],
    ['that is no number', () => 'garbage\n'],
    ['whose number another program has', () => `${other.pid}\n`],
  ])('%s is taken over', async (_name, content) => {
    mkdirSync(join(folder, 'run'));
    writeFileSync(pidFile, content());
    const broker = new Command(['server'], folder);
    await broker.waitForFile(join(folder, 'logs/broker.log'), /"event":"ready"/);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${broker.child.pid}\n`);
    broker.child.kill('SIGTERM');
    expect(await broker.exitCode()).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
  });
});

test('systemd is notified that the broker is ready, alive and stopping', async () => {
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'told'));
  const told = join(folder, 'told/told');
  const tool = join(folder, 'bin/systemd-notify');
  writeFileSync(tool, `#!/bin/sh\necho "$@" >> ${told}\n`);
  chmodSync(tool, 0o755);
  const broker = new Command(['server'], folder, {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '20000',
  });
  await broker.waitForFile(told, /WATCHDOG=1\n/);
  expect(readFileSync(told, 'utf8')).toContain(`--pid=${broker.child.pid} READY=1`);
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  expect(readFileSync(told, 'utf8')).toContain('STOPPING=1');
});
