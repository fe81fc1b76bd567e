import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { AdminApi } from '../support/admin-api.ts';

let api: AdminApi;
let client: MqttClient;

beforeEach(async () => {
  api = await AdminApi.open();
  client = await connectAsync(`${api.broker.url}`, { clientId: 'pub', protocolVersion: 5 });
});

afterEach(async () => {
  await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

const retain = (topic: string, payload: string | Buffer, properties = {}) =>
  client.publishAsync(topic, payload, { retain: true, qos: 1, properties });

const messagePath = (topic: string) => `/mqtt/retainer/message/${encodeURIComponent(topic)}`;

const topicsOf = async (query: string): Promise<string[]> =>
  (await api.get(`/mqtt/retainer/messages?${query}`)).body.data.map(
    ({ topic }: { topic: string }) => topic,
  );

test('a retained message is answered with payload and properties', async () => {
  await retain('a/b', Buffer.from([0, 255]), {
    contentType: 'x/y',
    messageExpiryInterval: 1000,
    userProperties: { k: 'v' },
    correlationData: Buffer.from('id'),
  });
  const { status, body } = await api.get(messagePath('a/b'));
  expect(status).toBe(200);
  expect(body).toEqual({
    topic: 'a/b',
    qos: 1,
    from_clientid: 'pub',
    payload_size: 2,
    expires_in: expect.any(Number),
    payload: 'AP8=',
    properties: {
      content_type: 'x/y',
      payload_format_indicator: null,
      response_topic: null,
      correlation_data: 'aWQ=',
      user_properties: { k: 'v' },
    },
  });
  const list = await api.get('/mqtt/retainer/messages');
  const { payload, properties, ...summary } = body;
  expect(list.body).toEqual({
    data: [summary],
    meta: { page: 1, limit: 100, count: 1, hasnext: false },
  });
  expect((await api.get('/mqtt/retainer')).body).toMatchObject({ enable: true });
});

test('a list has as much of the payloads as is asked for', async () => {
  await retain('a/b', 'hello');
  const list = await api.get('/mqtt/retainer/messages?payload_bytes=2');
  expect(list.body.data).toMatchObject([{ topic: 'a/b', payload: 'aGU=', payload_size: 5 }]);
  expect((await api.get('/mqtt/retainer/messages?payload_bytes=1025')).status).toBe(400);
});

test('what the program has published is of no client', async () => {
  await api.broker.publish({ topic: 'p', payload: 'x', retain: true });
  expect((await api.get(messagePath('p'))).body.from_clientid).toBeNull();
});

test('pages have each message once, one after the other or asked for at random', async () => {
  for (let n = 0; n < 25; n++) await retain(`t/${n}`, 'x');
  await retain('other', 'x');
  const all: string[] = [];
  for (const page of [1, 2, 3]) all.push(...(await topicsOf(`topic=t/%23&limit=10&page=${page}`)));
  expect(all.toSorted()).toEqual(Array.from({ length: 25 }, (_, n) => `t/${n}`).toSorted());
  expect(await topicsOf('topic=t/%23&limit=10&page=3')).toEqual(all.slice(20));
  expect(await topicsOf('topic=t/%23&limit=10&page=2')).toEqual(all.slice(10, 20));
  expect(await topicsOf('topic=t/%23&limit=10&page=4')).toEqual([]);
  const last = await api.get('/mqtt/retainer/messages?topic=t/%23&limit=10&page=3');
  expect(last.body.meta).toEqual({ page: 3, limit: 10, count: 25, hasnext: false });
});

test('with a cursor each is listed once, whatever comes meanwhile, with all of it where that is asked for', async () => {
  const large = 'é'.repeat(3000);
  for (let n = 0; n < 25; n++) await retain(`t/${n}`, large, { contentType: 'text/plain' });
  const read = (cursor: string) =>
    api.get(
      `/mqtt/retainer/messages?topic=t/%23&limit=10&cursor=${cursor}&payload_bytes=100000&properties=true`,
    );
  const all: string[] = [];
  for (let cursor = 'none', pages = 1; ; pages++) {
    const { body } = await read(cursor);
    all.push(...body.data.map(({ topic }: { topic: string }) => topic));
    for (const { payload, payload_size, properties } of body.data) {
      expect(Buffer.from(payload, 'base64').toString()).toBe(large);
      expect([payload_size, properties.content_type]).toEqual([6000, 'text/plain']);
    }
    cursor = body.meta.cursor;
    if (cursor === 'none') {
      expect(body.meta).toEqual({ limit: 10, cursor: 'none', hasnext: false });
      break;
    }
    expect(body.meta).toEqual({ limit: 10, cursor, hasnext: true });
    await retain(`t/new${pages}`, 'x');
  }
  expect(all.toSorted()).toEqual(Array.from({ length: 25 }, (_, n) => `t/${n}`).toSorted());
  expect(await read('gone')).toMatchObject({ status: 410, body: { code: 'CURSOR_EXPIRED' } });
});

test('a page with a cursor ends when its payloads have 4 MB', async () => {
  for (let n = 0; n < 7; n++) await retain(`big/${n}`, Buffer.alloc(1_000_000));
  const path = '/mqtt/retainer/messages?topic=big/%2B&cursor=';
  const first = await api.get(`${path}none`);
  expect([first.body.data.length, first.body.meta.hasnext]).toEqual([4, true]);
  const second = await api.get(`${path}${first.body.meta.cursor}`);
  expect([second.body.data.length, second.body.meta.hasnext]).toEqual([3, false]);
});

test('one is removed by its topic, others by a filter', async () => {
  for (const topic of ['a/1', 'a/2', 'b/1', 'c']) await retain(topic, 'x');
  expect((await api.delete(messagePath('a/1'))).status).toBe(204);
  expect((await api.delete(messagePath('a/1'))).status).toBe(404);
  expect((await api.get(messagePath('a/1'))).status).toBe(404);
  expect((await api.delete('/mqtt/retainer/messages?topic=%2B/1')).status).toBe(204);
  expect((await topicsOf('')).toSorted()).toEqual(['a/2', 'c']);
  expect(await api.delete('/mqtt/retainer/messages?report=true')).toEqual({
    status: 200,
    body: { count: 2 },
  });
  expect(await topicsOf('')).toEqual([]);
});

test('what is wrong is said', async () => {
  expect((await api.delete('/mqtt/retainer/messages?topic=a%23')).status).toBe(400);
  expect((await api.delete('/mqtt/retainer/messages?filter=a')).status).toBe(400);
  expect((await api.get(messagePath('a/+'))).status).toBe(400);
  expect((await api.get('/mqtt/retainer/messages?topic=$share/g/a')).status).toBe(400);
});

test.each(['a//b', '/', '../x', '%41', 'ä/😀', '<b>', 'a?b', 'tab\there'])(
  'the topic %j has its own path',
  async (topic) => {
    await retain(topic, 'x');
    expect((await api.get(messagePath(topic))).body.topic).toBe(topic);
    expect((await api.delete(messagePath(topic))).status).toBe(204);
  },
);
