import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { AdminApi } from '../../support/admin-api.ts';
import { next } from '../../support/mqtt-client.ts';

let api: AdminApi;
let open: MqttClient[];

beforeEach(async () => {
  api = await AdminApi.open();
  open = [];
});

afterEach(async () => {
  for (const client of open) await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

async function connected(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(`${api.broker.url}`, {
    clientId,
    protocolVersion: 5,
    reconnectPeriod: 0,
    properties: { sessionExpiryInterval: 100 },
    ...options,
  });
  open.push(client);
  return client;
}

const pathOf = (clientId: string) => `/clients/${encodeURIComponent(clientId)}`;

test('a client that is kicked is disconnected, and its session continues', async () => {
  const client = await connected('c1');
  const disconnected = next(client, 'disconnect');
  expect(await api.delete('/clients/c1')).toEqual({ status: 204, body: null });
  expect(await disconnected).toMatchObject({ reasonCode: 0x98 });
  expect((await api.get('/clients/c1')).body.connected).toBe(false);
});

test('cleanSession ends the session, preventWillMessage drops the will', async () => {
  const watcher = await connected('watcher');
  await watcher.subscribeAsync('will/#');
  const seen: string[] = [];
  watcher.on('message', (topic) => seen.push(topic));
  for (const clientId of ['quiet', 'loud']) {
    await connected(clientId, {
      will: { topic: `will/${clientId}`, payload: Buffer.from('x'), qos: 0, retain: false },
    });
  }
  const quiet = await api.delete('/clients/quiet?cleanSession=true&preventWillMessage=true');
  expect(quiet.status).toBe(204);
  expect((await api.get('/clients/quiet')).status).toBe(404);
  const heard = next(watcher, 'message');
  expect((await api.delete('/clients/loud?cleanSession=true')).status).toBe(204);
  await heard;
  expect(seen).toEqual(['will/loud']);
  expect((await api.delete('/clients/loud')).status).toBe(404);
  expect((await api.delete('/clients/watcher?cleanSession=1')).status).toBe(400);
});

test('many are kicked at once; those that are not there are left out', async () => {
  const ends = [];
  for (const clientId of ['a', 'b', 'c']) ends.push(next(await connected(clientId), 'disconnect'));
  expect((await api.post('/clients/kickout/bulk', ['a', 'c', 'none'])).status).toBe(204);
  await Promise.all([ends[0], ends[2]]);
  expect((await api.get('/clients?conn_state=connected')).body.data).toMatchObject([
    { clientid: 'b' },
  ]);
  for (const body of [undefined, 'a', ['a', 1], { clientid: 'a' }]) {
    expect((await api.post('/clients/kickout/bulk', body)).status).toBe(400);
  }
});

test('each is sent the reason that is named, and it is said for which there was something to do', async () => {
  const end = next(await connected('a'), 'disconnect');
  await connected('b');
  const path = '/clients/kickout/bulk?report=true&reasonCode=0x8b&cleanSession=true';
  expect(await api.post(path, ['a', 'none'])).toEqual({ status: 200, body: { data: ['a'] } });
  expect(await end).toMatchObject({ reasonCode: 0x8b });
  expect((await api.get('/clients/a')).status).toBe(404);
  expect(await api.post(path, ['a'])).toEqual({ status: 200, body: { data: [] } });
  expect((await api.delete('/clients/b?reasonCode=135')).status).toBe(204);
  for (const code of ['x', '0x', '4', '256', '-1']) {
    expect((await api.delete(`/clients/b?reasonCode=${code}`)).status).toBe(400);
  }
});

test.each([
  'a/b',
  '../../status',
  '..%2fstatus',
  '50%',
  '%2e%2e',
  'ä€😀',
  'line\nfeed\ttab',
  '<script>alert(1)</script>',
  'a?b#c&d=e',
  '"\'\\',
  'kickout/bulk',
  '__proto__',
  ' leading and trailing ',
])('a client called %j is found and kicked by its own path', async (clientId) => {
  const client = await connected(clientId);
  const found = await api.get(pathOf(clientId));
  expect([found.status, found.body.clientid]).toEqual([200, clientId]);
  const listed = await api.get(`/clients?clientid=${encodeURIComponent(clientId)}`);
  expect(listed.body.data).toMatchObject([{ clientid: clientId }]);
  expect((await api.get(`${pathOf(clientId)}/subscriptions`)).body).toEqual([]);
  const disconnected = next(client, 'disconnect');
  expect((await api.delete(pathOf(clientId))).status).toBe(204);
  await disconnected;
});

test.each(['.', '..'])(
  'a client called %j, which no path can name, is found in the list, and kicked with others',
  async (clientId) => {
    const client = await connected(clientId);
    const listed = await api.get(`/clients?clientid=${clientId}`);
    expect(listed.body.data).toMatchObject([{ clientid: clientId }]);
    const disconnected = next(client, 'disconnect');
    expect((await api.post('/clients/kickout/bulk', [clientId])).status).toBe(204);
    await disconnected;
  },
);

test.each(['%', '%ff', '%c3%28', '%00'])('the path /clients/%s is answered', async (path) => {
  const answer = await api.get(`/clients/${path}`);
  expect([answer.status, typeof answer.body.code]).toEqual([404, 'string']);
});
