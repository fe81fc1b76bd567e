import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdminApi } from '../../support/admin-api.ts';
import { next, TestClient } from '../../support/mqtt-client.ts';

let folder: string;
let api: AdminApi;
let open: TestClient[];

const stored = () => ({ storage: { enabled: true, dataDir: folder, walDir: join(folder, 'wal') } });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-behalf-'));
  open = [];
  api = await AdminApi.open(stored());
});

afterEach(async () => {
  for (const { mqtt } of open) await mqtt.endAsync(true);
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function connected(clientId: string, properties: object = {}): Promise<TestClient> {
  const client = await TestClient.connect(`${api.broker.url}`, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 1000, ...properties },
  });
  open.push(client);
  return client;
}

test('a client that is subscribed gets what matches, retained messages first', async () => {
  await api.broker.publish({ topic: 'a/old', payload: 'retained', retain: true });
  const client = await connected('dev/1');
  const path = '/clients/dev%2F1/subscribe';
  const answer = await api.post(path, { topic: 'a/#', qos: 1, rap: 1 });
  expect(answer).toEqual({
    status: 200,
    body: {
      node: 'promptmq@127.0.0.1',
      clientid: 'dev/1',
      topic: 'a/#',
      qos: 1,
      nl: 0,
      rap: 1,
      rh: 0,
      subid: null,
      durable: true,
    },
  });
  await api.broker.publish({ topic: 'a/new', payload: 'x', qos: 1 });
  expect(await client.messages(2)).toMatchObject([
    { topic: 'a/old', payload: 'retained', retain: true },
    { topic: 'a/new', payload: 'x', qos: 1 },
  ]);
  const gone = await api.post('/clients/dev%2F1/unsubscribe', { topic: 'a/#' });
  expect(gone).toEqual({ status: 204, body: null });
  expect((await api.get('/clients/dev%2F1/subscriptions')).body).toEqual([]);
  expect((await api.post('/clients/dev%2F1/unsubscribe', { topic: 'a/#' })).status).toBe(204);
});

test('a stored session without a connection is subscribed, also after a restart', async () => {
  await (await connected('away')).mqtt.endAsync();
  await api.broker.publish({ topic: 't/r', payload: 'retained', retain: true, qos: 1 });
  const filters = [{ topic: 't/+', qos: 1 }, { topic: 'u' }, { topic: '$share/g/v', qos: 2 }];
  const many = await api.post('/clients/away/subscribe/bulk', filters);
  expect(many.body.map(({ topic }: { topic: string }) => topic)).toEqual([
    't/+',
    'u',
    '$share/g/v',
  ]);
  expect((await api.post('/clients/away/unsubscribe/bulk', [{ topic: 'u' }])).status).toBe(204);
  await api[Symbol.asyncDispose]();
  api = await AdminApi.open(stored());
  const kept = await api.get('/clients/away/subscriptions');
  expect(kept.body).toMatchObject([
    { topic: 't/+', qos: 1 },
    { topic: '$share/g/v', qos: 2 },
  ]);
  await api.broker.publish({ topic: 't/1', payload: 'later', qos: 1 });
  const client = await connected('away');
  expect((await client.messages(2)).map(({ payload }) => payload)).toEqual(['retained', 'later']);
});

test('limits and rules of the client hold', async () => {
  await api[Symbol.asyncDispose]();
  const hooks = {
    authenticate: () => ({ allow: true, acl: { subscribe: ['mine/#'] } }),
  };
  api = await AdminApi.open({ mqtt: { maxSubscriptions: 1, maxQos: 1 } }, { hooks });
  await connected('c');
  const subscribe = async (body: object) => {
    const { status, body: answer } = await api.post('/clients/c/subscribe', body);
    return [status, status === 200 ? answer.qos : answer.message];
  };
  expect(await subscribe({ topic: 'other/#' })).toEqual([
    400,
    expect.stringContaining('c may not subscribe to other/#'),
  ]);
  expect(await subscribe({ topic: 'mine/a', qos: 2 })).toEqual([200, 1]);
  expect(await subscribe({ topic: 'mine/b' })).toEqual([
    400,
    expect.stringContaining('mqtt.max-subscriptions'),
  ]);
  expect(await subscribe({ topic: 'mine/a', qos: 0 })).toEqual([200, 0]);
});

test('listeners of the program are notified, and the client is not sent anything', async () => {
  const client = await connected('c');
  const seen: unknown[] = [];
  api.broker.on('subscribe', ({ filter }) => seen.push(filter));
  api.broker.on('unsubscribe', ({ filter }) => seen.push(filter));
  await api.post('/clients/c/subscribe', { topic: 'x' });
  await api.post('/clients/c/unsubscribe', { topic: 'x' });
  await api.broker.clients.disconnect('c');
  await next(client.mqtt, 'disconnect');
  expect(seen).toEqual(['x', 'x']);
});

test.each([
  [{}, 'topic'],
  [{ topic: '' }, 'empty'],
  [{ topic: 'a#' }, 'a#'],
  [{ topic: '$share/g' }, 'share'],
  [{ topic: '$share/g/a', nl: 1 }, 'noLocal'],
  [{ topic: 'a', qos: 3 }, 'qos'],
  [{ topic: 'a', nl: 2 }, 'nl'],
  [{ topic: 'a', rh: 3 }, 'rh'],
  [{ topic: 'a', x: 1 }, 'x'],
  [{ topic: 'a\0b' }, 'U+0000'],
])('%j is refused', async (body, what) => {
  await connected('c');
  const answer = await api.post('/clients/c/subscribe', body);
  expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining(what)]);
});

test('who is not there is not found', async () => {
  for (const path of ['subscribe', 'unsubscribe']) {
    expect((await api.post(`/clients/none/${path}`, { topic: 'a' })).status).toBe(404);
    expect((await api.post(`/clients/none/${path}/bulk`, [{ topic: 'a' }])).status).toBe(404);
  }
  expect((await api.post('/clients/c/subscribe/bulk', { topic: 'a' })).status).toBe(400);
});

test('what a client may not know of others it is not subscribed to on its behalf either', async () => {
  await using own = await AdminApi.open({ presence: { events: 'all' } });
  const client = await TestClient.connect(`${own.broker.url}`, {
    clientId: 'c',
    protocolVersion: 5,
  });
  for (const topic of ['$SYS/brokers/+/clients/#', '$share/g/$SYS/broker/clients/+/state']) {
    await expect(client.mqtt.subscribeAsync(topic)).rejects.toThrow('Not authorized');
    expect(await own.post('/clients/c/subscribe', { topic })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('no rule allows it') },
    });
  }
  expect((await own.get('/clients/c/subscriptions')).body).toEqual([]);
  await client.mqtt.endAsync(true);
});
