import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { createBroker } from '../../src/embed/create-broker.ts';
import { AdminApi } from '../support/admin-api.ts';
import { SteeredClock } from '../support/steered-clock.ts';

let clock: SteeredClock;
let api: AdminApi;
let client: MqttClient;

beforeEach(async () => {
  clock = new SteeredClock();
  api = await AdminApi.open({ metrics: { sysInterval: 0 } }, {}, { runtime: clock });
  client = await connectAsync(`${api.broker.url}`, { clientId: 'c', protocolVersion: 5 });
});

afterEach(async () => {
  await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

/** Publishes one message of each QoS, and waits for it to come back. */
async function exchange(): Promise<void> {
  await client.subscribeAsync('a', { qos: 2 });
  for (const qos of [0, 1, 2] as const) {
    const came = new Promise((resolve) => client.once('message', resolve));
    await client.publishAsync('a', 'xyz', { qos });
    await came;
  }
}

test('the current figures are those of the last seconds, as rates', async () => {
  await exchange();
  clock.advance(5);
  const { status, body } = await api.get('/monitor_current');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    connections: 1,
    live_connections: 1,
    sessions: 1,
    subscriptions: 1,
    topics: 1,
    retained_msg_count: 0,
    queued_messages: 0,
    unsynced_bytes: 0,
    overload_level: 0,
  });
  expect(body.seconds).toBeGreaterThan(4.9);
  expect(body.received_msg_rate * body.seconds).toBeCloseTo(3, 1);
  expect(body.sent_msg_rate * body.seconds).toBeCloseTo(3, 1);
  expect(body.received_qos2_rate * body.seconds).toBeCloseTo(1, 1);
  expect(body.acknowledged_rate * body.seconds).toBeCloseTo(2, 1);
  expect(Object.keys(body.dropped_rate_by_reason)).toContain('queue-full');
  const node = (await api.get('/status')).body.node;
  const ofNode = await api.get(`/monitor_current/nodes/${node}`);
  expect(Object.keys(ofNode.body)).toEqual(Object.keys(body));
  const other = await api.get('/monitor_current/nodes/other@1');
  expect([other.status, other.body.code]).toEqual([404, 'NOT_FOUND']);
});

test('a sample is kept each 10 seconds for an hour, and each minute for a day', async () => {
  expect((await api.get('/monitor')).body).toEqual([]);
  await exchange();
  clock.advance(10);
  const [first, ...others] = (await api.get('/monitor')).body;
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    received: 3,
    sent: 3,
    received_qos0: 1,
    received_qos1: 1,
    received_qos2: 1,
    acknowledged: 2,
    live_connections: 1,
    dropped: 0,
    dropped_by_reason: { expired: 0 },
  });
  expect(first.seconds).toBeGreaterThanOrEqual(10);
  clock.advance(50);
  const minute = (await api.get('/monitor?latest=7200')).body;
  expect(minute).toMatchObject([{ received: 3, acknowledged: 2, live_connections: 1 }]);
  // Keep alive is no part of this.
  await client.endAsync(true);
  clock.advance(2 * 86_400);
  const hour = (await api.get('/monitor?latest=3600')).body;
  expect(hour.length).toBe(360);
  expect(hour[0].received).toBe(0);
  expect(hour[1].time_stamp - hour[0].time_stamp).toBeGreaterThanOrEqual(9_999);
  expect((await api.get('/monitor?latest=30')).body.length).toBe(3);
  expect((await api.get('/monitor?latest=86400')).body.length).toBe(1440);
});

test('what can not be asked for is refused with the field', async () => {
  for (const query of ['latest=0', 'latest=86401', 'latest=x', 'latest=1.5']) {
    const { status, body } = await api.get(`/monitor?${query}`);
    expect([query, status, body.code]).toEqual([query, 400, 'BAD_REQUEST']);
    expect(body.message).toContain('latest');
  }
});

test('stats and metrics are a list with an object for each node, or one object', async () => {
  await exchange();
  const [stats] = (await api.get('/stats')).body;
  expect(stats).toMatchObject({
    node: 'promptmq@127.0.0.1',
    'connections.count': 1,
    'live_connections.count': 1,
    'live_connections.max': 1,
    'sessions.max': 1,
    'subscriptions.count': 1,
    'topics.count': 1,
  });
  const metrics = (await api.get('/metrics?aggregate=true')).body;
  expect(metrics).toMatchObject({
    'messages.received': 3,
    'messages.qos1.sent': 1,
    'packets.connect.received': 1,
    'packets.puback.sent': 1,
    'client.connected': 1,
    'messages.dropped': 0,
  });
  expect(metrics).not.toHaveProperty('node');
  expect((await api.get('/stats?aggregate=maybe')).status).toBe(400);
});

test('nothing is sampled before somebody can ask, or when that is turned off', async () => {
  const quiet = new SteeredClock();
  const alone = await createBroker();
  expect(alone.monitor.isRunning).toBe(false);
  expect(alone.monitor.current().values.connections).toBe(0);
  alone.monitor.start();
  expect(alone.monitor.isRunning).toBe(true);
  await alone.stop();
  expect(alone.monitor.isRunning).toBe(false);
  alone.monitor.start();
  expect(alone.monitor.isRunning).toBe(false);
  const off = await AdminApi.open({ monitor: { enabled: false } }, {}, { runtime: quiet });
  quiet.advance(60);
  expect((await off.get('/monitor')).body).toEqual([]);
  expect((await off.get('/monitor_current')).body.seconds).toBe(0);
  await off[Symbol.asyncDispose]();
  expect(quiet.timerCount).toBe(0);
});
