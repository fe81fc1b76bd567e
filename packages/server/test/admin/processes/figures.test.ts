import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiProcesses } from '../../support/api-processes.ts';

let api: ApiProcesses;

beforeEach(async () => {
  api = await ApiProcesses.start({ analytics: { enabled: true } });
});

afterEach(() => api.stop());

async function someClients(): Promise<void> {
  for (const cell of [0, 0, 1]) {
    const { mqtt } = await api.client(api.idOf(cell, `c${Math.random()}`));
    await mqtt.subscribeAsync('all/#', { qos: 1 });
    await mqtt.publishAsync('none', 'x', { qos: 1 });
  }
}

test('figures are those of all processes together', async () => {
  await someClients();
  expect(await api.get('/status')).toMatchObject({
    body: { connections: 3, sessions: 3, subscriptions: 3, pid: process.pid },
  });
  expect(await api.get('/nodes')).toMatchObject({
    body: [{ connections: 3, live_connections: 3 }],
  });
  const { body: stats } = await api.get<object>('/stats?aggregate=true');
  expect(stats).toMatchObject({ 'live_connections.count': 3, 'subscriptions.count': 3 });
  const { body: metrics } = await api.get<object>('/metrics?aggregate=true');
  expect(metrics).toMatchObject({ 'messages.received': 3, 'packets.puback.sent': 3 });
  expect(await api.get('/monitor_current')).toMatchObject({ body: { live_connections: 3 } });
});

test('what can not be added up is not there', async () => {
  await someClients();
  const { body: stats } = await api.get<object>('/stats?aggregate=true');
  for (const name of Object.keys(stats)) expect(name).not.toMatch(/\.max$|^topics/);
  const { body: current } = await api.get<object>('/monitor_current');
  expect(current).not.toHaveProperty('topics');
  expect(await api.get('/analytics?by=subscriber')).toMatchObject({
    status: 501,
    body: { message: expect.stringMatching(/not known/) },
  });
});

test('retained messages, which all have, are counted once', async () => {
  for (const cell of [0, 1]) {
    const { mqtt } = await api.client(api.idOf(cell, 'p'));
    await mqtt.publishAsync('r', 'x', { retain: true, qos: 1 });
  }
  const { body: one } = await api.get<{ count: number }>('/mqtt/retainer');
  expect(await api.get('/status')).toMatchObject({ body: { retained: one.count } });
  expect(await api.get('/stats?aggregate=true')).toMatchObject({
    body: { 'retained.count': one.count },
  });
});

test('who has most of the messages is known of all processes', async () => {
  await someClients();
  const { body } = await api.get<{ data: object[] }>('/analytics?by=topic');
  expect(body).toMatchObject({
    messages: 3,
    data: [{ key: 'none', messages: 3, share: 1 }],
  });
});

test('logs are added up, and shown one by one', async () => {
  await someClients();
  const { body } = await api.get<{ size: number; logs: { size: number; process: string }[] }>(
    '/storage',
  );
  expect(body.logs.map(({ process: name }) => name)).toEqual(['worker 0', 'worker 1']);
  expect(body.size).toBe(body.logs.reduce((sum, { size }) => sum + size, 0));
});

test('what happened is listed in the order of time, newest first', async () => {
  await someClients();
  const times = async (path: string) =>
    (await api.get<{ data: { last_ts: number }[] }>(path)).body.data.map(({ last_ts }) => last_ts);
  const all = await times('/history?limit=100');
  expect(all.length).toBeGreaterThanOrEqual(6);
  expect([...all].sort((one, other) => other - one)).toEqual(all);
  expect(await times('/history?limit=2&page=2')).toEqual(all.slice(2, 4));
});

test('of a message it is said who gets it in any process', async () => {
  const [a, b, c] = [api.idOf(0, 'a'), api.idOf(1, 'b'), api.idOf(1, 'c')];
  await (await api.client(a)).mqtt.subscribeAsync(['t', '$share/g/s'], { qos: 1 });
  await (await api.client(b)).mqtt.subscribeAsync(['#', '$share/g/s'], { qos: 1 });
  await (await api.client(c)).mqtt.subscribeAsync('$share/other/s', { qos: 1 });
  const of = async (topic: string) =>
    (
      await api.get<{ count: number; recipients: { clientid: string; why: string | null }[] }>(
        `/explain?topic=${topic}&qos=1&from=${b}`,
      )
    ).body;
  expect(await of('t')).toMatchObject({
    count: 2,
    publisher: { clientid: b, connected: true },
    recipients: [{ clientid: a }, { clientid: b }],
  });
  const shared = await of('s');
  const why = (id: string) =>
    shared.recipients.filter(({ clientid }) => clientid === id).map((one) => one.why);
  expect(why(a)).toEqual(['one-of-several']);
  expect(why(b)).toEqual([null, 'one-of-several']);
  expect(why(c)).toEqual([null]);
});
