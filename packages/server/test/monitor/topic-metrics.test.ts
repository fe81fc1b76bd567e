import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { AdminApi } from '../support/admin-api.ts';
import { SteeredClock } from '../support/steered-clock.ts';

let clock: SteeredClock;
let api: AdminApi;
let client: MqttClient;

beforeEach(async () => {
  clock = new SteeredClock();
  api = await AdminApi.open({ metrics: { topics: ['a/#'] } }, {}, { runtime: clock });
  client = await connectAsync(`${api.broker.url}`, { clientId: 'c', protocolVersion: 5 });
});

afterEach(async () => {
  await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

test('messages are counted by filter, by QoS, with those that go out and those that nobody wants', async () => {
  await client.subscribeAsync('a/b', { qos: 1 });
  await client.subscribeAsync('$share/g/a/b', { qos: 0 });
  expect((await api.post('/mqtt/topic_metrics', { topic: '+/b' })).status).toBe(200);
  await client.publishAsync('a/b', 'xx', { qos: 1 });
  await client.publishAsync('a/b', 'xx', { qos: 2 });
  await client.publishAsync('a/c', 'xxxx', { qos: 1 });
  clock.advance(10);
  clock.advance(10);
  const { body } = await api.get('/mqtt/topic_metrics');
  expect(body).toMatchObject([
    {
      topic: 'a/#',
      is_configured: true,
      metrics: {
        'message.in.count': 3,
        'message.qos0.in.count': 0,
        'message.qos1.in.count': 2,
        'message.qos2.in.count': 1,
        'message.out.count': 4,
        'message.qos0.out.count': 2,
        'message.qos1.out.count': 2,
        'message.qos2.out.count': 0,
        'message.dropped.count': 1,
        'message.in.rate': 0,
        'bytes.in.count': 8,
      },
    },
    { topic: '+/b', is_configured: false, metrics: { 'message.in.count': 2 } },
  ]);
  await client.publishAsync('a/b', 'xx', { qos: 1 });
  clock.advance(10);
  const [one] = (await api.get('/mqtt/topic_metrics')).body;
  expect(one.metrics['message.in.rate']).toBeCloseTo(0.1, 1);
  const alone = await api.get(`/mqtt/topic_metrics/${encodeURIComponent('+/b')}`);
  expect(alone.body.metrics['message.in.count']).toBe(3);
});

test('filters that were added are reset and removed; those of the configuration are not', async () => {
  await api.post('/mqtt/topic_metrics', { topic: 'x' });
  await client.publishAsync('x', '1', { qos: 1 });
  const reset = await api.ask('PUT', '/mqtt/topic_metrics', { action: 'reset', topic: 'x' });
  expect(reset.status).toBe(204);
  const { body } = await api.get('/mqtt/topic_metrics/x');
  expect(body.metrics['message.in.count']).toBe(0);
  expect(body.reset_time).toMatch(/Z$/);
  expect((await api.ask('PUT', '/mqtt/topic_metrics', { action: 'reset' })).status).toBe(204);
  expect((await api.delete('/mqtt/topic_metrics/x')).status).toBe(204);
  const answers = await Promise.all([
    api.delete('/mqtt/topic_metrics/x'),
    api.delete(`/mqtt/topic_metrics/${encodeURIComponent('a/#')}`),
    api.get('/mqtt/topic_metrics/x'),
    api.post('/mqtt/topic_metrics', { topic: 'a/#' }),
    api.post('/mqtt/topic_metrics', { topic: 'a/#/b' }),
    api.post('/mqtt/topic_metrics', { topic: '$share/g/a' }),
    api.post('/mqtt/topic_metrics', {}),
    api.ask('PUT', '/mqtt/topic_metrics', { action: 'reset', topic: 'x' }),
    api.ask('PUT', '/mqtt/topic_metrics', { action: 'stop' }),
  ]);
  expect(answers.map(({ status, body: { code } }) => [status, code])).toEqual([
    [404, 'TOPIC_NOT_FOUND'],
    [409, 'CONFIGURED'],
    [404, 'TOPIC_NOT_FOUND'],
    [400, 'BAD_TOPIC'],
    [400, 'BAD_TOPIC'],
    [400, 'BAD_TOPIC'],
    [400, 'BAD_REQUEST'],
    [404, 'TOPIC_NOT_FOUND'],
    [400, 'BAD_REQUEST'],
  ]);
  // Those that were added stay when the configuration is loaded again.
  await api.post('/mqtt/topic_metrics', { topic: 'y' });
  const { broker } = api;
  broker.reconfigure({ ...broker.config, metrics: { ...broker.config.metrics, topics: ['b'] } });
  const listed = (await api.get('/mqtt/topic_metrics')).body;
  expect(listed.map(({ topic }: { topic: string }) => topic)).toEqual(['b', 'y']);
});

test('at most 512 filters are counted', () => {
  const { monitor } = api.broker;
  for (let number = 1; number < 512; number++) {
    expect(monitor.addTopicMetric(`t/${number}`)).toBe('done');
  }
  expect(monitor.addTopicMetric('t/512')).toBe('too-many');
});
