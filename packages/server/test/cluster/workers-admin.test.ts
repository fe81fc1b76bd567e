import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cellOf } from '@promptmq/cluster';
import { ApiSocket } from '../support/api-broker.ts';
import { bin, Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { TestClient } from '../support/mqtt-client.ts';

const WORKERS = 2;

let folder: string;
let command: Command;
let api: ApiSocket;
let url: string;
let adminUrl: string;
let metricsUrl: string;
let args: string[];
let clients: TestClient[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-workers-admin-'));
  const [port, adminPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  metricsUrl = `http://127.0.0.1:${metricsPort}`;
  url = `mqtt://127.0.0.1:${port}`;
  adminUrl = `http://127.0.0.1:${adminPort}`;
  clients = [];
  args = ['--data-dir', join(folder, 'data')];
  const listeners = ['--bind', `127.0.0.1:${port}`, '--ws-bind', 'none'];
  const admin = [
    '--admin-bind',
    `127.0.0.1:${adminPort}`,
    '--metrics-bind',
    `127.0.0.1:${metricsPort}`,
  ];
  const log = ['--log-format', 'json', '--sys-interval', '1s'];
  const all = ['--workers', `${WORKERS}`, ...listeners, ...admin, ...args, ...log];
  command = new Command([...all, '--wal-dir', join(folder, 'wal')], folder);
  await command.waitFor(/"event":"ready"/);
  api = new ApiSocket(join(folder, 'data', 'admin.sock'));
});

afterAll(async () => {
  for (const { mqtt } of clients) mqtt.end(true);
  command.child.kill('SIGKILL');
  await command.exitCode();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns an identifier that begins so, of a client of the worker */
function idOf(worker: number, name: string): string {
  for (let number = 0; ; number++) {
    const id = `${name}-${number}`;
    if (cellOf(id, WORKERS) === worker) return id;
  }
}

async function connect(clientId: string): Promise<TestClient> {
  const client = await TestClient.connect(url, { clientId, protocolVersion: 5 });
  clients.push(client);
  return client;
}

/** Runs a command as an operator does. */
async function run(...given: string[]): Promise<string> {
  const call = [bin, ...given, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, call, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
  return stdout;
}

test('commands show the clients of all workers, and what they do holds in all', async () => {
  const ids = [idOf(0, 'one'), idOf(1, 'two')];
  for (const id of ids) await connect(id);
  const listed = await run('clients', 'list');
  for (const id of ids) expect(listed).toContain(id);
  await run('ban', 'add', '--client', 'bad*');
  for (const worker of [0, 1]) await expect(connect(idOf(worker, 'bad'))).rejects.toThrow();
  await run('ban', 'remove', '--client', 'bad*');
  for (const worker of [0, 1]) await connect(idOf(worker, 'bad'));
});

test('a message that is published by the API reaches clients of all workers', async () => {
  const all = [await connect(idOf(0, 's')), await connect(idOf(1, 's'))];
  for (const { mqtt } of all) await mqtt.subscribeAsync('news/#', { qos: 1 });
  for (const topic of ['news/a', 'news/b', 'news/c']) {
    expect(await api.post('/publish', { topic, payload: 'x', qos: 1 })).toMatchObject({
      status: 200,
    });
  }
  for (const client of all) expect(await client.messages(3)).toHaveLength(3);
});

test('topics below $SYS have the figures of all workers', async () => {
  const all = [await connect(idOf(0, 'sys')), await connect(idOf(1, 'sys'))];
  for (const { mqtt } of all) await mqtt.subscribeAsync('$SYS/broker/clients/connected');
  const { connections } = (await api.get<{ connections: number }>('/status')).body;
  for (const client of all) {
    for (let count = 1; ; count++) {
      const last = (await client.messages(count)).at(-1);
      if (last?.payload === `${connections}`) break;
    }
  }
});

test('the listener opens with the first key, and has the API and its documentation', async () => {
  const key = (await run('admin', 'key', 'create', 'ops', '--scope', 'read')).trim();
  await command.waitFor(/"protocol":"admin"/);
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${adminUrl}/api/v5/status`, { headers });
  expect(await answer.json()).toMatchObject({ pid: command.child.pid });
  const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
  const own = /^promptmq_admin_requests_total\{status="2xx"\} (\d+)/m.exec(metrics)?.[1];
  expect(Number(own)).toBeGreaterThan(0);
  const refused = await fetch(`${adminUrl}/api/v5/banned`, { method: 'DELETE', headers });
  expect(refused.status).toBe(403);
  expect((await fetch(`${adminUrl}/api-docs`)).status).toBe(200);
});

test('when a worker was killed and serves again, it is asked as before', async () => {
  const id = idOf(1, 'again');
  const client = await connect(id);
  const events = await api.events('/events?type=connect');
  const closed = client.closed();
  const from = command.output.length;
  const { pid } = await workerOf(1);
  process.kill(pid, 'SIGKILL');
  await closed;
  expect((await events.nextOf('gap')).data).toMatchObject({ missing: null });
  await command.waitFor(/"event":"worker-serves"/, from);
  await connect(id);
  expect(await api.get(`/clients/${id}`)).toMatchObject({ status: 200, body: { clientid: id } });
  events.close();
});

/** The process of a worker, as it says in its log. */
async function workerOf(worker: number): Promise<{ pid: number }> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', `${command.child.pid}`]);
  const pids = stdout.trim().split('\n').map(Number);
  return { pid: pids.sort((one, other) => one - other)[worker] as number };
}
