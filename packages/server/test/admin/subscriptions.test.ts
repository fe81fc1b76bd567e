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

const found = async (query: string): Promise<string[]> =>
  (await api.get(`/subscriptions?${query}`)).body.data.map(
    ({ clientid, topic }: { clientid: string; topic: string }) => `${clientid} ${topic}`,
  );

test('a subscription is answered with its options', async () => {
  const client = await connected('c', []);
  await client.subscribeAsync('a/+', {
    qos: 2,
    nl: true,
    rap: true,
    rh: 1,
    properties: { subscriptionIdentifier: 7 },
  });
  const { body } = await api.get('/subscriptions');
  const one = {
    node: 'promptmq@127.0.0.1',
    clientid: 'c',
    topic: 'a/+',
    qos: 2,
    nl: 1,
    rap: 1,
    rh: 1,
    subid: 7,
    durable: false,
  };
  expect(body).toEqual({ data: [one], meta: { page: 1, limit: 100, count: 1, hasnext: false } });
  expect((await api.get('/clients/c/subscriptions')).body).toEqual([one]);
  expect((await api.get('/clients/none/subscriptions')).status).toBe(404);
});

test('pages go over sessions, and through the many subscriptions of one', async () => {
  await connected('one', ['a', 'b', 'c', 'd', 'e']);
  await connected('none', []);
  await connected('two', ['a', 'f']);
  expect(await found('limit=3')).toEqual(['one a', 'one b', 'one c']);
  expect(await found('limit=3&page=2')).toEqual(['one d', 'one e', 'two a']);
  const last = await api.get('/subscriptions?limit=3&page=3');
  expect(last.body.meta).toEqual({ page: 3, limit: 3, count: 7, hasnext: false });
  expect(await found('limit=3&page=3')).toEqual(['two f']);
  expect(await found('limit=3&page=4')).toEqual([]);
  expect(await found('clientid=one&limit=2&page=3')).toEqual(['one e']);
});

test('filters choose by client, topic, QoS and share', async () => {
  await connected('x', ['t/1', 't/+/c', 'u', '$share/g/t/2', '$share/h/u']);
  await connected('y', ['t/#']);
  expect(await found('topic=t/1')).toEqual(['x t/1']);
  expect(await found('topic=t/2')).toEqual(['x $share/g/t/2']);
  expect(await found('match_topic=t/%23')).toEqual(['x t/1', 'x t/+/c', 'x $share/g/t/2', 'y t/#']);
  expect(await found('share_group=g')).toEqual(['x $share/g/t/2']);
  expect(await found('clientid=y&qos=1')).toEqual(['y t/#']);
  expect(await found('qos=0')).toEqual([]);
  expect(await found('clientid=nobody')).toEqual([]);
});

test.each(['qos=3', 'match_topic=a%23', 'share_group=a/b', 'limit=0', 'x=1'])(
  'what is wrong with %s is said',
  async (query) => {
    const { status, body } = await api.get(`/subscriptions?${query}`);
    expect([status, body.message]).toEqual([
      400,
      expect.stringContaining(query.split('=')[0] ?? ''),
    ]);
  },
);
