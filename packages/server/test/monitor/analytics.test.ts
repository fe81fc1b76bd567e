import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { AdminApi } from '../support/admin-api.ts';
import { SteeredClock } from '../support/steered-clock.ts';

let clock: SteeredClock;
let api: AdminApi;
let open: MqttClient[];

async function start(analytics: object = {}): Promise<void> {
  clock = new SteeredClock();
  const metrics = { topics: ['a/#'] };
  api = await AdminApi.open({ metrics, analytics }, {}, { runtime: clock });
}

async function connected(clientId: string): Promise<MqttClient> {
  const client = await connectAsync(`${api.broker.url}`, { clientId, protocolVersion: 5 });
  open.push(client);
  return client;
}

beforeEach(() => {
  open = [];
});

afterEach(async () => {
  for (const client of open) await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

const keysOf = (body: { data: { key: string; messages: number }[] }) =>
  body.data.map(({ key, messages }) => [key, messages]);

test('the most are known by topic, prefix, publisher, subscriber and filter', async () => {
  await start({ enabled: true });
  const loud = await connected('loud');
  const quiet = await connected('quiet');
  await quiet.subscribeAsync('a/#');
  await loud.subscribeAsync('$share/g/a/1/x');
  for (let count = 0; count < 6; count++) await loud.publishAsync('a/1/x', '1234', { qos: 1 });
  for (let count = 0; count < 3; count++) await loud.publishAsync('a/1/y', '1', { qos: 1 });
  await quiet.publishAsync('b', 'x'.repeat(100), { qos: 1 });

  const topics = (await api.get('/analytics')).body;
  expect(topics).toMatchObject({ by: 'topic', sort: 'messages', stands_for: 1, messages: 10 });
  expect(topics.bytes).toBe(6 * 4 + 3 + 100);
  expect(keysOf(topics)).toEqual([
    ['a/1/x', 6],
    ['a/1/y', 3],
    ['b', 1],
  ]);
  expect(topics.data[0]).toMatchObject({ bytes: 24, share: 0.6, least: 6, most: 6 });
  expect(topics.sizes).toEqual([
    { up_to: 1, messages: 3 },
    { up_to: 4, messages: 6 },
    { up_to: 128, messages: 1 },
  ]);
  expect(topics.over_time).toMatchObject([{ messages: 10 }]);
  const byBytes = (await api.get('/analytics?sort=bytes&limit=1')).body;
  expect(byBytes.data).toMatchObject([{ key: 'b', bytes: 100, messages: 1 }]);
  const ofPrefix = (await api.get('/analytics?by=prefix')).body;
  expect(keysOf(ofPrefix)).toEqual([
    ['a/1/#', 9],
    ['b', 1],
  ]);
  expect(keysOf((await api.get('/analytics?by=publisher')).body)).toEqual([
    ['loud', 9],
    ['quiet', 1],
  ]);
  // Who subscribed to a shared group, and got what it was given.
  expect(keysOf((await api.get('/analytics?by=subscriber')).body)).toEqual([
    ['quiet', 9],
    ['loud', 6],
  ]);
  expect(keysOf((await api.get('/analytics?by=filter')).body)).toEqual([['a/#', 9]]);
});

test('minutes pass, and a window has those that are in it', async () => {
  await start({ enabled: true });
  const client = await connected('c');
  await client.publishAsync('old', '1', { qos: 1 });
  clock.advance(10 * 60);
  await client.publishAsync('new', '1', { qos: 1 });
  clock.advance(60);
  await client.publishAsync('new', '12', { qos: 1 });
  expect(keysOf((await api.get('/analytics?window=5m')).body)).toEqual([['new', 2]]);
  const hour = (await api.get('/analytics?window=1h&key=new')).body;
  expect(hour.data).toMatchObject([{ key: 'new', messages: 2, bytes: 3 }]);
  expect(hour.over_time).toMatchObject([
    { messages: 0 },
    { messages: 1, bytes: 1 },
    { messages: 1, bytes: 2 },
  ]);
  expect(hour.seconds).toBeGreaterThanOrEqual(660);
  clock.advance(2 * 3600);
  expect((await api.get('/analytics?window=1h')).body.data).toEqual([]);
  for (let minute = 0; minute < 70; minute++) {
    await client.publishAsync('many', '1', { qos: 1 });
    clock.advance(60);
  }
  const last = (await api.get('/analytics?window=1h')).body;
  expect(last.over_time.length).toBe(61);
});

test('what was counted of one filter is known minute by minute', async () => {
  await start({ enabled: true });
  const client = await connected('c');
  await client.publishAsync('a/1', '12', { qos: 1 });
  clock.advance(60);
  await client.publishAsync('b', '1', { qos: 1 });
  await client.publishAsync('a/2', '1', { qos: 1 });
  await client.publishAsync('a/2', '1', { qos: 1 });
  const key = encodeURIComponent('a/#');
  const { body } = await api.get(`/analytics?by=filter&key=${key}`);
  expect(body.data).toMatchObject([{ key: 'a/#', messages: 3, bytes: 4, least: 3, most: 3 }]);
  expect(body.over_time).toMatchObject([
    { messages: 1, bytes: 2 },
    { messages: 2, bytes: 2 },
  ]);
});

test('by default messages are looked at from the first question on, until nobody has asked for 15 minutes', async () => {
  await start();
  const client = await connected('c');
  await client.publishAsync('before', '1', { qos: 1 });
  expect((await api.get('/analytics')).body).toMatchObject({ messages: 0, data: [] });
  await client.publishAsync('after', '1', { qos: 1 });
  clock.advance(14 * 60);
  expect(keysOf((await api.get('/analytics?window=1h')).body)).toEqual([['after', 1]]);
  clock.advance(16 * 60);
  await client.publishAsync('unseen', '1', { qos: 1 });
  expect(keysOf((await api.get('/analytics?window=1h')).body)).toEqual([]);
});

test('when it is off, nothing is looked at and that is said; a reload turns it on', async () => {
  await start({ enabled: false });
  const client = await connected('c');
  await client.publishAsync('a', '1', { qos: 1 });
  expect((await api.get('/analytics')).body).toMatchObject({ since: null, seconds: 0, data: [] });
  const { broker } = api;
  const { analytics } = broker.config;
  broker.reconfigure({ ...broker.config, analytics: { ...analytics, enabled: true } });
  await client.publishAsync('a', '1', { qos: 1 });
  expect(keysOf((await api.get('/analytics')).body)).toEqual([['a', 1]]);
});

test('memory is bounded: few are followed, long names are cut, and the bounds say what that costs', async () => {
  await start({ enabled: true, entries: 10, depth: 1 });
  const client = await connected('c');
  for (let number = 0; number < 50; number++) {
    await client.publishAsync(`t/${number}`, '1', { qos: 1 });
    await client.publishAsync('often', '1', { qos: 1 });
  }
  const { body } = await api.get('/analytics?limit=1000');
  expect(body.data.length).toBe(10);
  expect(body.data[0]).toMatchObject({ key: 'often', messages: 50, least: 50, most: 50 });
  for (const { least, most } of body.data.slice(1)) {
    expect(least).toBeLessThanOrEqual(1);
    expect(most).toBeGreaterThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(100 / 10);
  }
  await client.publishAsync(`${'x'.repeat(1000)}/${'y'.repeat(1000)}`, '1', { qos: 1 });
  const long = (await api.get('/analytics?limit=1000')).body.data;
  const cut = `${'x'.repeat(256)}…`;
  expect(long.map(({ key }: { key: string }) => key)).toContain(cut);
  for (const key of ['x'.repeat(1000), cut]) {
    const { data } = (await api.get(`/analytics?key=${encodeURIComponent(key)}`)).body;
    expect(data).toMatchObject([{ key: cut }]);
  }
});

test('the program that publishes has no client identifier, and what the broker says of itself is not counted', async () => {
  await start({ enabled: true });
  await api.broker.publish({ topic: 'a', payload: '1' });
  const { body } = await api.get('/analytics?by=publisher');
  expect(body.messages).toBe(1);
  expect(keysOf(body)).toEqual([['', 1]]);
});

test('what can not be asked for is refused with the field', async () => {
  await start();
  for (const [field, value] of [
    ['by', 'user'],
    ['window', '2h'],
    ['sort', 'size'],
    ['limit', '0'],
    ['limit', '1001'],
  ]) {
    const { status, body } = await api.get(`/analytics?${field}=${value}`);
    expect([field, status, body.code]).toEqual([field, 400, 'BAD_REQUEST']);
    expect(body.message).toContain(field);
  }
});
