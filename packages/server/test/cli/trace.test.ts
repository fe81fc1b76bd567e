import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
let broker: Command | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-trace-'));
  broker = null;
  configure('storage: { data-dir: data, wal-dir: wal }');
});

afterEach(async () => {
  await stopBroker();
  rmSync(folder, { recursive: true });
});

function configure(storage: string): void {
  const server = 'server: { bind: "127.0.0.1:0", ws-bind: none }';
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    `${server}\n${storage}\nmetrics: { enabled: false }\nlog: { format: json }\n`,
  );
}

async function startBroker(): Promise<string> {
  broker = new Command([], folder);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  return `mqtt://${address}`;
}

async function stopBroker(): Promise<void> {
  broker?.child.kill('SIGTERM');
  await broker?.exitCode();
  broker = null;
}

async function run(...args: string[]) {
  const command = new Command(args, folder);
  const status = await command.exitCode();
  return { status, stdout: command.output, stderr: command.errors };
}

test('trace finds the broker by its configuration, shows packets as they pass, and Ctrl-C ends it', async () => {
  const url = await startBroker();
  const trace = new Command(['trace', 'sensor 1'], folder);
  await trace.waitFor(/ -- {2}not-connected\n/);
  const client = await TestClient.connect(url, { clientId: 'sensor 1', protocolVersion: 5 });
  await trace.waitFor(/ in {2}CONNECT .*clientId="sensor 1".*\n.* out CONNACK .*\n/);
  await client.mqtt.publishAsync('a/b', 'hidden', {
    qos: 1,
    properties: { contentType: 'text/plain' },
  });
  const [line] = await trace.waitFor(/.* in {2}PUBLISH .*\n/);
  expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z in {2}PUBLISH packetId=\d+ qos=1 /);
  expect(line).toMatch(/ topic=a\/b payloadSize=6 contentType=text\/plain\n$/);
  await trace.waitFor(/ out PUBACK packetId=\d+ reasonCode=\d+\n/);
  await client.end();
  await trace.waitFor(/ -- {2}disconnected cause=client reasonCode=0\n/);
  trace.child.kill('SIGINT');
  expect(await trace.exitCode()).toBe(0);
  expect(trace.output).not.toContain('hidden');
  expect(trace.errors).toBe('');
});

test('--json gives an object a line, and the end of the broker ends the trace with exit code 3', async () => {
  await startBroker();
  const trace = new Command(['trace', 'c', '--json'], folder);
  await trace.waitFor(/not-connected.*\n/);
  await stopBroker();
  expect(await trace.exitCode()).toBe(3);
  const events = trace.output.trimEnd().split('\n');
  expect(events.map((line) => JSON.parse(line).event)).toEqual(['not-connected', 'stopping']);
});

test('a broker that is killed ends the trace with exit code 3', async () => {
  await startBroker();
  const trace = new Command(['trace', 'c'], folder);
  await trace.waitFor(/not-connected\n/);
  broker?.child.kill('SIGKILL');
  expect([await trace.exitCode(), trace.errors]).toEqual([3, '']);
});

test('status without a PID file asks the broker, and stop stops it', async () => {
  const socket = join(folder, 'data/admin.sock');
  expect(await run('status')).toMatchObject({ status: 3, stdout: `not running (${socket})\n` });
  expect(await run('trace', 'c')).toMatchObject({
    status: 3,
    stderr: `promptmq: no broker listens on ${socket}\n`,
  });
  const url = await startBroker();
  const client = await TestClient.connect(url, { clientId: 'late', clean: false });
  await client.mqtt.subscribeAsync('t', { qos: 1 });
  await client.end();
  const publisher = await TestClient.connect(url);
  await publisher.mqtt.publishAsync('t', 'hidden', { qos: 1 });
  const { status, stdout } = await run('status');
  expect(status).toBe(0);
  expect(stdout).toContain(`running as process ${broker?.child.pid}\n`);
  expect(stdout).toMatch(/^1 connections, 2 sessions, 1 subscriptions, \d+ retained messages$/m);
  expect(stdout).toMatch(/^client +queued .*\n"late" +1 +\d+ +0 +0 +no\n$/m);
  expect(await run('status', '--top', '10001')).toMatchObject({
    status: 1,
    stderr: 'promptmq: --top takes a whole number from 0 to 10000, not "10001"\n',
  });
  expect(JSON.parse((await run('status', '--json', '--top', '0')).stdout)).toMatchObject({
    pid: broker?.child.pid,
    slow_subscriptions: [],
  });
  await publisher.end();
  expect((await run('stop')).stdout).toBe(`stopped process ${broker?.child.pid}\n`);
});

test('without an admin socket, trace says which option it needs', async () => {
  configure('storage: { enabled: false }');
  expect(await run('trace', 'c')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^promptmq: server.admin-socket says .*\n$/),
  });
});

test('a broker whose admin socket can not be made serves all the same, and says so', async () => {
  const long = `${'x'.repeat(120)}.sock`;
  broker = new Command(['--admin-socket', long], folder);
  await broker.waitFor(/"event":"ready"/);
  expect(broker.output).toMatch(/"event":"admin-socket-failed","path":".*x.sock","why":".*longer/);
});
