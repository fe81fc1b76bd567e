import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { AdminApi } from '../support/admin-api.ts';

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

async function connected(clientId: string, filters: readonly string[]): Promise<MqttClient> {
  const client = await connectAsync(`${api.broker.url}`, { clientId, protocolVersion: 5 });
  open.push(client);
  for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 });
  return client;
}

const filtersOf = async (query: string): Promise<string[]> =>
  (await api.get(`/topics?${query}`)).body.data.map(({ topic }: { topic: string }) => topic);

test('filters are listed once each, in pages, and found by themselves', async () => {
  await connected('one', ['a', 'b/+', 'b/+/c', '#', '$share/g/s/1']);
  await connected('two', ['a', 'b/+', 'b/+/c/d']);
  const all = ['a', 's/1', 'b/+', 'b/+/c', '#', 'b/+/c/d'].toSorted();
  expect((await filtersOf('')).toSorted()).toEqual(all);
  const paged = [];
  for (const page of [1, 2, 3]) paged.push(...(await filtersOf(`limit=2&page=${page}`)));
  expect(paged.toSorted()).toEqual(all);
  const last = await api.get('/topics?limit=2&page=3');
  expect(last.body.meta).toEqual({ page: 3, limit: 2, count: 6, hasnext: false });
  expect(await filtersOf('topic=b/%2B')).toEqual(['b/+']);
  expect(await filtersOf('topic=b')).toEqual([]);
  expect(await filtersOf('node=other')).toEqual([]);
  const one = await api.get('/topics/b%2F%2B%2Fc');
  expect(one.body).toEqual([{ topic: 'b/+/c', node: 'promptmq@127.0.0.1' }]);
  const none = await api.get('/topics/b%2Fx');
  expect([none.status, none.body.code]).toEqual([404, 'TOPIC_NOT_FOUND']);
});

test('filters that are gone by then are not on the next page', async () => {
  const client = await connected('one', ['x', 'a/+', 'b/+', 'c/+', 'd/+']);
  const { topics } = api.broker;
  const first = topics.filters({ limit: 2 });
  const rest = ['a/+', 'b/+', 'c/+', 'd/+'].filter((one) => !first.filters.includes(one));
  await client.unsubscribeAsync(rest);
  expect(topics.filters({ cursor: first.cursor })).toEqual({ filters: [], cursor: null });
  expect(() => topics.filters({ cursor: first.cursor })).toThrow('begin again');
});

test('groups are listed with their members, and with who is next', async () => {
  await connected('m1', ['$share/g/t']);
  await connected('m2', ['$share/g/t', '$share/h/u']);
  const { body } = await api.get('/shared_groups');
  const member = { qos: 1, connected: true, ready: true, mqueue_len: 0, inflight_cnt: 0 };
  expect(body.data).toEqual([
    {
      share_group: 'g',
      topic: 't',
      members_cnt: 2,
      members: [
        { clientid: 'm1', ...member },
        { clientid: 'm2', ...member },
      ],
      next: 'm1',
    },
    expect.objectContaining({ share_group: 'h', topic: 'u', next: 'm2' }),
  ]);
  await api.broker.publish({ topic: 't', payload: 'x' });
  expect((await api.get('/shared_groups?limit=1')).body).toMatchObject({
    data: [{ next: 'm2' }],
    meta: { page: 1, limit: 1, hasnext: true },
  });
  expect((await api.get('/shared_groups?limit=1&page=2')).body.data[0].share_group).toBe('h');
});

test('levels are known of retained messages and of late topics', async () => {
  const client = await connected('pub', []);
  for (const topic of ['p/l1/a', 'p/l1/b', 'p/l1', 'p/deep/er/still', 'p/deep/er/1', 'q']) {
    await client.publishAsync(topic, 'xyz', { retain: true, qos: 1 });
  }
  await client.publishAsync('p/late/x', 'x', { qos: 1 });
  const levels = async (query: string) => {
    const { body } = await api.get(`/topic_tree?${query}`);
    return Object.fromEntries(
      body.data.map((one: Record<string, unknown>) => [one.level, one]),
    ) as Record<string, Record<string, unknown>>;
  };
  const first = await levels('');
  expect(first.p).toEqual({
    level: 'p',
    topic: 'p',
    retained_topics: 5,
    counted: true,
    recent_topics: 6,
    recent: false,
    whole: false,
    retained: null,
  });
  expect(first.q?.retained).toEqual({ payload_size: 3, qos: 1, from_clientid: 'pub' });
  const below = await levels('prefix=p');
  expect(Object.keys(below).toSorted()).toEqual(['deep', 'l1', 'late']);
  expect(below.l1).toMatchObject({ topic: 'p/l1', retained_topics: 3, retained: { qos: 1 } });
  expect(below.late).toMatchObject({ retained_topics: 0, recent_topics: 1, retained: null });
  expect(Object.keys(await levels('prefix=p/deep'))).toEqual(['er']);
  expect(Object.keys(await levels('prefix=p/deep/er')).toSorted()).toEqual(['1', 'still']);
  expect(await levels('prefix=p/deep/er/still')).toEqual({});
  expect(await levels('prefix=p/de')).toEqual({});
  const cut = await api.get('/topic_tree?prefix=p&limit=2');
  expect([cut.body.data.length, cut.body.meta]).toEqual([2, { hasnext: true }]);
  expect((await api.get('/topic_tree?prefix=p/%23')).status).toBe(400);

  const deep = await api.get('/topic_tree?prefix=p&depth=10&payload_bytes=2');
  const byTopic = (data: { topic: string; whole: boolean }[]) =>
    Object.fromEntries(data.map((one) => [one.topic, one]));
  const all = byTopic(deep.body.data);
  const topics = [
    'p/deep',
    'p/deep/er',
    'p/deep/er/1',
    'p/deep/er/still',
    'p/l1',
    'p/l1/a',
    'p/l1/b',
    'p/late',
  ];
  expect(Object.keys(all).toSorted()).toEqual([...topics, 'p/late/x']);
  expect(deep.body.data.every(({ whole }: { whole: boolean }) => whole)).toBe(true);
  expect(all['p/l1/b']).toMatchObject({
    recent: true,
    retained: { payload: 'eHk=', payload_size: 3 },
  });
  expect(all['p/late/x']).toMatchObject({ recent: true, recent_topics: 1, retained: null });
  const two = byTopic((await api.get('/topic_tree?prefix=p&depth=2')).body.data);
  expect([two['p/deep']?.whole, two['p/deep/er']?.whole, two['p/l1/a']?.whole]).toEqual([
    true,
    false,
    true,
  ]);
  // A topic that is alone below a level follows it, however deep it is.
  for (let n = 0; n < 3; n++) await client.publishAsync(`r/${n}/a/b/c`, 'x', { retain: n > 0 });
  const alone = await api.get('/topic_tree?prefix=r&depth=2');
  expect(alone.body.data.map((one: { topic: string }) => one.topic).toSorted()).toEqual([
    ...['r/0', 'r/0/a/b/c', 'r/1', 'r/1/a/b/c', 'r/2', 'r/2/a/b/c'],
  ]);
  expect(byTopic(alone.body.data)['r/0/a/b/c']).toMatchObject({
    ...{ level: 'c', recent: true, whole: true, retained_topics: 0, retained: null },
  });
  expect(byTopic(alone.body.data)['r/1/a/b/c']).toMatchObject({ retained: { payload_size: 1 } });
  const half = await api.get('/topic_tree?prefix=r&depth=2&limit=3');
  expect(half.body.data.map((one: { whole: boolean }) => one.whole)).toEqual([true, true, false]);
  expect(half.body.meta.hasnext).toBe(true);
  // What doesn't fit in whole is left out, and said to be there.
  const some = await api.get('/topic_tree?prefix=p&depth=10&limit=4');
  const found = byTopic(some.body.data);
  expect([some.body.data.length <= 4, some.body.meta.hasnext]).toEqual([true, false]);
  expect(Object.values(found).some(({ whole }) => !whole)).toBe(true);
  expect((await api.get('/topic_tree?depth=11')).status).toBe(400);
});
