import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdminServer } from '../../src/admin/index.ts';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let socketPath: string;
let broker: RunningBroker;
let admin: AdminServer;
let client: PacketClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-'));
  socketPath = join(folder, 'admin.sock');
  broker = await createBroker({ server: { wsBind: 'none' } });
  admin = await AdminServer.start(broker, socketPath);
  client = await PacketClient.open(`${broker.url}`);
  client.connect('dev 1');
  await client.next();
});

afterEach(async () => {
  await client.cut();
  await admin.close();
  await broker.stop();
  rmSync(folder, { recursive: true });
});

/** Asks, and says status and answer. */
async function ask(
  method: string,
  path: string,
  parameters: Record<string, string> = {},
  body: string | Buffer = '',
): Promise<[number | undefined, unknown]> {
  const query = new URLSearchParams(parameters);
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method, path: `${path}?${query}`, agent: false },
      (answer) => json(answer).then((value) => resolve([answer.statusCode, value]), reject),
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

test('clients are listed, shown and disconnected as the API does it', async () => {
  client.subscribe('a/#', 1, 1);
  await client.next();
  const info = broker.clients.get('dev 1');
  expect(await ask('GET', '/clients/list', { like: 'ev', limit: '5' })).toEqual([
    200,
    { clients: [info], cursor: null },
  ]);
  expect(await ask('GET', '/clients/list', { user: 'x' })).toEqual([
    200,
    { clients: [], cursor: null },
  ]);
  expect(await ask('GET', '/clients/get', { client: 'dev 1' })).toEqual([
    200,
    { client: info, subscriptions: broker.clients.subscriptions('dev 1') },
  ]);
  expect(await ask('GET', '/clients/get', { client: 'none' })).toEqual([
    404,
    { error: 'none has no session' },
  ]);
  const options = { reasonCode: '0x87', dropSession: 'true', preventWill: 'false' };
  const path = '/clients/disconnect';
  expect(await ask('POST', path, { client: 'dev 1', ...options })).toEqual([200, { isDone: true }]);
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  expect(broker.clients.get('dev 1')).toBeNull();
  expect(await ask('POST', path, { client: 'dev 1' })).toEqual([200, { isDone: false }]);
});

test('retained messages are found and cleared, and a message is published', async () => {
  client.subscribe('b', 1, 0);
  await client.next();
  const published = await ask('POST', '/publish', { topic: 'a/b', qos: '1', retain: 'true' }, 'é');
  expect(published).toEqual([200, { reasonCode: 0x10, matched: 0, position: null }]);
  const bytes = Buffer.from([0xff, 0]);
  await ask('POST', '/publish', { topic: 'b', retain: 'true' }, bytes);
  expect(await client.next()).toMatchObject({ topic: 'b', payload: bytes });
  const text = {
    topic: 'a/b',
    qos: 1,
    retain: true,
    payloadSize: 2,
    payload: 'é',
    properties: {},
  };
  expect(await ask('GET', '/retained/get', { topic: 'a/b' })).toEqual([200, text]);
  expect(await ask('GET', '/retained/match', { filter: '#', limit: '1' })).toEqual([
    200,
    { messages: [expect.anything()], cursor: expect.any(String) },
  ]);
  expect(await ask('GET', '/retained/match', { filter: 'b' })).toEqual([
    200,
    { messages: [expect.objectContaining({ payloadBase64: '/wA=', qos: 0 })], cursor: null },
  ]);
  expect(await ask('POST', '/retained/clear', { filter: '#' })).toEqual([200, { count: 2 }]);
  expect(await ask('GET', '/retained/get', { topic: 'a/b' })).toEqual([
    404,
    { error: 'a/b has no retained message' },
  ]);
});

test('what is wrong is refused, and nothing happens', async () => {
  const cases: [string, string, Record<string, string>, number, RegExp][] = [
    ['GET', '/clients', {}, 404, /^there are \/status, \/trace, \/clients\/list, .*\/publish$/],
    ['GET', '/toString', {}, 404, /^there are/],
    ['POST', '/clients/list', {}, 405, /^only GET$/],
    ['GET', '/clients/disconnect', { client: 'dev 1' }, 405, /^only POST$/],
    ['GET', '/clients/list', { limit: 'x' }, 400, /^limit takes a number, not "x"$/],
    [
      'GET',
      '/clients/list',
      { limit: '0' },
      400,
      /limit takes a whole number from 1 to 10000, not 0/,
    ],
    ['GET', '/clients/list', { like: 'a', lke: 'b' }, 400, /^lke is no parameter; there are like/],
    ['GET', '/clients/get', {}, 400, /^client is missing$/],
    ['POST', '/clients/disconnect', { client: 'dev 1', reasonCode: '4' }, 400, /reasonCode takes/],
    ['POST', '/clients/disconnect', { client: 'dev 1', dropSession: '1' }, 400, /true or false/],
    ['GET', '/retained/match', { filter: 'a#' }, 400, /is no topic filter/],
    ['GET', '/retained/match', { filter: 'a', cursor: 'zz' }, 410, /cursor is good for one call/],
    ['POST', '/retained/clear', { filter: '$share/a/b' }, 400, /takes no \$share/],
    ['POST', '/publish', { topic: 'a/+' }, 400, /wildcard in a topic name/],
    ['POST', '/publish', { topic: 'a', qos: '3' }, 400, /3/],
  ];
  for (const [method, path, parameters, status, error] of cases) {
    expect([path, await ask(method, path, parameters)]).toEqual([
      path,
      [status, { error: expect.stringMatching(error) }],
    ]);
  }
  const large = Buffer.alloc(1_048_577);
  expect((await ask('POST', '/publish', { topic: 'a' }, large))[0]).toBe(413);
  expect(await client.sentSoFar()).toEqual([]);
  expect(broker.stats.messagesReceived).toBe(0);
});

test('what could change something is in the audit', async () => {
  await ask('POST', '/clients/disconnect', { client: 'nobody' });
  await ask('POST', '/publish', {});
  await ask('GET', '/bans/list');
  const [, audit] = (await ask('GET', '/api/v5/audit')) as [number, { data: object[] }];
  const common = { from: 'socket', source: 'socket', http_method: 'POST' };
  expect(audit.data).toMatchObject([
    { ...common, operation_id: 'publish', path: '/publish', http_status_code: 400 },
    { ...common, operation_id: 'clients/disconnect', http_status_code: 200 },
  ]);
});

test('in read-only mode nothing is changed, and what is asked is answered', async () => {
  await admin.close();
  await broker.stop();
  broker = await createBroker({ server: { wsBind: 'none' }, admin: { readOnly: true } });
  admin = await AdminServer.start(broker, socketPath);
  const refused = [403, { error: expect.stringContaining('admin.read-only') }];
  expect(await ask('POST', '/publish', { topic: 'a', retain: 'true' }, 'x')).toEqual(refused);
  expect(await ask('POST', '/retained/clear', { filter: '#' })).toEqual(refused);
  expect(await ask('POST', '/clients/disconnect', { client: 'dev 1' })).toEqual(refused);
  expect(await ask('POST', '/bans/add', { kind: 'client', who: 'a' })).toEqual(refused);
  expect(await ask('POST', '/users/import', {}, '{}')).toEqual(refused);
  const commands = (...names: string[]) =>
    JSON.stringify({ commands: names.map((command) => ({ command })) });
  expect(await ask('POST', '/users/ask', {}, commands('listClients', 'createClient'))).toEqual(
    refused,
  );
  // There is no dynamic security here.
  expect((await ask('POST', '/users/ask', {}, commands('listClients', 'getRole')))[0]).toBe(400);
  expect((await ask('GET', '/clients/list'))[0]).toBe(200);
});
