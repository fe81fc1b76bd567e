import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdminServer } from '../../src/admin/index.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { EventReader } from '../support/api-broker.ts';

let folder: string;
let socketPath: string;
let broker: RunningBroker;
let admin: AdminServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-'));
  socketPath = join(folder, 'data', 'admin.sock');
  broker = await createBroker();
  admin = await AdminServer.start(broker, socketPath);
});

afterEach(async () => {
  await admin.close();
  await broker.stop();
  rmSync(folder, { recursive: true });
});

function open(path: string, target: string, method: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: path, path: target, method, agent: false };
    request(options, resolve).on('error', reject).end();
  });
}

/** Asks, and says status and answer. */
async function ask(path: string, target: string, method = 'GET'): Promise<[number, unknown]> {
  const answer = await open(path, target, method);
  return [answer.statusCode as number, await json(answer)];
}

test('whoever may open the socket may do everything, and is in the audit', async () => {
  expect(await ask(socketPath, '/api/v5/status')).toMatchObject([200, { pid: process.pid }]);
  expect(await ask(socketPath, '/api/v5/clients/nobody', 'DELETE')).toMatchObject([404, {}]);
  expect(await ask(socketPath, '/api/v5/audit')).toMatchObject([
    200,
    { data: [{ from: 'socket', source: 'socket', operation_id: 'kickClient' }] },
  ]);
});

test.each(['/', '/status', '/clients/list', '/api/v5', '/api/v55/status', '//api/v5/status'])(
  'there is nothing at %s',
  async (target) => {
    expect(await ask(socketPath, target)).toEqual([
      404,
      { code: 'NOT_FOUND', message: 'everything is below /api/v5' },
    ]);
  },
);

test('the end of the broker ends a stream', async () => {
  const stream = new EventReader(await open(socketPath, '/api/v5/clients/c/trace', 'GET'));
  expect((await stream.next()).name).toBe('not-connected');
  await admin.close();
  expect((await stream.next()).name).toBe('stopping');
  await expect(stream.next()).rejects.toThrow('the stream has ended');
});

test('a reader who does not read does not hold up the end', async () => {
  const stream = await open(socketPath, '/api/v5/clients/c/trace', 'GET');
  stream.on('error', () => {});
  stream.pause();
  await admin.close();
  stream.destroy();
});

test('only the user of the broker can open the socket', () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

test('a socket of a broker that was killed is taken over, one that is in use is not', async () => {
  await expect(AdminServer.start(broker, socketPath)).rejects.toThrow('another process listens on');
  const stale = join(folder, 'stale.sock');
  await leaveSocket(stale);
  const second = await AdminServer.start(broker, stale);
  expect(await ask(stale, '/api/v5/status')).toMatchObject([200, { pid: process.pid }]);
  await second.close();
  await expect(ask(stale, '/api/v5/status')).rejects.toMatchObject({ code: 'ENOENT' });
});

/** Makes a socket on which nobody listens, as a process that was killed leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  const listened = join(folder, 'listened.sock');
  await new Promise<void>((resolve) => server.listen(listened, resolve));
  // Under its other name it isn't removed with the server.
  renameSync(listened, path);
  await new Promise((resolve) => server.close(resolve));
}

test('a file that is no socket is left where it is', async () => {
  const path = join(folder, 'precious.txt');
  writeFileSync(path, 'kept');
  await expect(AdminServer.start(broker, path)).rejects.toThrow('is there, and is no socket');
  expect(readFileSync(path, 'utf8')).toBe('kept');
});

test('a path that no socket can have is refused', async () => {
  const path = join(folder, 'x'.repeat(100));
  await expect(AdminServer.start(broker, path)).rejects.toThrow(
    'that the path of a socket may have',
  );
});
