import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiProcesses } from '../../support/api-processes.ts';

let api: ApiProcesses;

beforeEach(async () => {
  api = await ApiProcesses.start();
});

afterEach(() => api.stop());

test('what is asked of a client is asked of its process', async () => {
  for (const cell of [0, 1]) {
    const id = api.idOf(cell, 'c');
    const client = await api.client(id, { username: 'u' });
    expect(await api.get(`/clients/${id}`)).toMatchObject({
      status: 200,
      body: { clientid: id, connected: true },
    });
    expect(await api.post(`/clients/${id}/subscribe`, { topic: 'a/b', qos: 1 })).toMatchObject({
      status: 200,
      body: { topic: 'a/b' },
    });
    expect(await api.get(`/clients/${id}/subscriptions`)).toMatchObject({
      body: [{ topic: 'a/b', qos: 1 }],
    });
    expect(await api.get(`/why?clientid=${id}&topic=x`)).toMatchObject({
      body: { cause: { code: 'not-subscribed' } },
    });
    const access = { clientid: id, action: 'publish', topic: 'a' };
    expect(await api.post('/acl/test', access)).toMatchObject({ body: { allowed: true } });
    const closed = client.closed();
    expect(await api.ask('DELETE', `/clients/${id}`)).toMatchObject({ status: 204 });
    await closed;
  }
  expect(await api.get('/clients/nobody')).toMatchObject({
    status: 404,
    body: { code: 'CLIENTID_NOT_FOUND' },
  });
});

test('clients of several processes are disconnected with one request', async () => {
  const ids = [api.idOf(1, 'one'), api.idOf(0, 'two')];
  const closed: Promise<void>[] = [];
  for (const id of ids) closed.push((await api.client(id)).closed());
  const asked = [ids[0], 'nobody', ids[1]];
  expect(await api.post('/clients/kickout/bulk?report=true', asked)).toEqual({
    status: 200,
    body: { data: ids },
  });
  await Promise.all(closed);
  expect(await api.post('/clients/kickout/bulk', asked)).toMatchObject({ status: 204 });
});

test('a client whose process is away is not one that is not there', async () => {
  api.serve(0);
  expect(await api.get(`/clients/${api.idOf(1, 'c')}`)).toEqual({
    status: 503,
    body: { code: 'PROCESS_AWAY', message: "worker 1 isn't there just now; ask again" },
  });
  expect(await api.get(`/clients/${api.idOf(0, 'c')}`)).toMatchObject({ status: 404 });
});

test('packets of a client are shown, also when its process comes again', async () => {
  const id = api.idOf(1, 'c');
  const events = await api.events(`/clients/${id}/trace`);
  expect((await events.next()).name).toBe('not-connected');
  api.serve(0);
  api.serve(0, 1);
  expect((await events.next()).name).toBe('not-connected');
  await api.client(id);
  expect(await events.nextOf('packet')).toMatchObject({ data: { packet: 'connect' } });
  events.close();
});

test('why a client got nothing is answered also where the publisher is of another process', async () => {
  const subscriber = await api.client(api.idOf(0, 'subscriber'));
  await subscriber.mqtt.subscribeAsync('plant/#', { qos: 1 });
  for (const cell of [0, 1]) {
    const will = {
      topic: `plant/${cell}`,
      payload: Buffer.from('gone'),
      qos: 1 as const,
      retain: false,
    };
    const publisher = await api.client(api.idOf(cell, 'publisher'), { will });
    // Its will is not published then.
    await publisher.mqtt.endAsync();
    const asked = `/why?clientid=${api.idOf(0, 'subscriber')}&topic=plant/${cell}`;
    const answer = await api.get<{ cause: { code: string; text: string } }>(asked);
    expect([cell, answer.status, answer.body.cause.code]).toEqual([cell, 200, 'will-discarded']);
    expect(answer.body.cause.text).toContain(api.idOf(cell, 'publisher'));
  }
  const wrong = `/why?clientid=${api.idOf(0, 'subscriber')}&topic=plant/%2B`;
  expect(await api.get(wrong)).toMatchObject({ status: 400 });
});
