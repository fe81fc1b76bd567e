import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
let broker: Command;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-reload-'));
});

afterEach(async () => {
  broker.child.kill('SIGTERM');
  await broker.exitCode();
  rmSync(folder, { recursive: true });
});

function configure(...lines: string[]): void {
  const base = [
    'server: { bind: "127.0.0.1:0", ws-bind: none }',
    'storage: { enabled: false }',
    'metrics: { enabled: false }',
  ];
  const sections = new Map([...base, ...lines].map((line) => [line.split(':')[0], line]));
  writeFileSync(join(folder, 'promptmq.yaml'), `${[...sections.values()].join('\n')}\n`);
}

async function start(...args: string[]): Promise<string> {
  broker = new Command(['--log-format', 'json', ...args], folder);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  return `mqtt://${address}`;
}

test('SIGHUP reads the file again: what can change does, and a client stays connected', async () => {
  configure('mqtt: { max-subscriptions: 1 }');
  const url = await start('--max-inflight', '7');
  const client = await TestClient.connect(url, { protocolVersion: 5 });
  await client.mqtt.subscribeAsync('a');
  configure(
    'mqtt: { max-subscriptions: 2, max-inflight: 9 }',
    'metrics: { enabled: false, path: /other }',
  );
  broker.child.kill('SIGHUP');
  const [line] = await broker.waitFor(/.*"event":"config-reloaded".*\n/);
  expect(JSON.parse(line)).toMatchObject({ changed: ['mqtt.max-subscriptions'] });
  await broker.waitFor(/"event":"config-needs-restart","key":"metrics.path"/);
  await client.mqtt.subscribeAsync('b');
  await client.end();
});

test('a change of the file is noticed, the log level is changed, and a broken file changes nothing', async () => {
  configure('log: { level: info }');
  const url = await start();
  const client = await TestClient.connect(url);
  configure('log: { level: debug }');
  await broker.waitFor(/"event":"config-reloaded","cause":"file","changed":\["log.level"\]/);
  await client.mqtt.subscribeAsync('a');
  await broker.waitFor(/"level":"debug","event":"client-subscribed"/);
  configure('log: { level: loud }');
  await broker.waitFor(/"event":"config-refused","cause":"file","key":"log.level"/);
  await client.mqtt.subscribeAsync('b');
  expect(broker.output.match(/client-subscribed/g)).toHaveLength(2);
  await client.end();
});

test('a log file is written, and what is unsafe is in it', async () => {
  configure('log: { file: logs/broker.log }');
  broker = new Command(['--log-format', 'json', '--pid-file', 'pid'], folder);
  // The PID file is there before the log says that the broker is ready; the process ends in order.
  await broker.waitForFile(join(folder, 'logs/broker.log'), /"event":"ready"/);
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  const lines = readFileSync(join(folder, 'logs/broker.log'), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual([
    'listening',
    'admin-without-keys',
    'ready',
    'stopping',
    'stopped',
  ]);
  expect([broker.output, broker.errors]).toEqual(['', '']);
});

test('a changed log file is followed, and kept where the new one can not be opened', async () => {
  configure('log: { file: logs/one.log }');
  broker = new Command(['--log-format', 'json'], folder);
  await broker.waitForFile(join(folder, 'logs/one.log'), /"event":"ready"/);
  configure('log: { file: logs/two.log }');
  broker.child.kill('SIGHUP');
  await broker.waitForFile(join(folder, 'logs/two.log'), /"config-reloaded"/);
  // A file stands where the folder would have to be.
  configure('log: { file: promptmq.yaml/three.log }');
  broker.child.kill('SIGHUP');
  await broker.waitForFile(join(folder, 'logs/two.log'), /"log-file-failed"/);
  configure();
  broker.child.kill('SIGHUP');
  await broker.waitFor(/"config-reloaded"/);
  expect(readFileSync(join(folder, 'logs/one.log'), 'utf8')).not.toContain('config-reloaded');
});
