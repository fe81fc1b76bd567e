import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Logger } from '../../src/log/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { AdminWeb, basic } from '../support/admin-web.ts';
import { ApiBroker } from '../support/api-broker.ts';

let api: ApiBroker;
let lines: { event: string; fields: object | undefined }[];

const log: Logger = {
  ...noopLogger,
  warn: (event, fields) => void lines.push({ event, fields }),
};

beforeEach(async () => {
  lines = [];
  api = await ApiBroker.start(
    { storage: 'on', admin: { maxStreams: 2, maxStreamBytes: 65_536 } },
    log,
  );
});

afterEach(() => api.stop());

test('messages of a filter are sent with who published them, and where they are in the log', async () => {
  const events = await api.events('/events?filter=a/%23&type=message');
  const client = await api.client({ clientId: 'p', username: 'alice' });
  await client.mqtt.publishAsync('b', 'other', { qos: 1 });
  await client.mqtt.publishAsync('a/b', 'text', {
    qos: 1,
    retain: true,
    properties: { contentType: 'text/plain', correlationData: Buffer.from([255]) },
  });
  await client.mqtt.publishAsync('a/c', Buffer.from([0xff, 0xfe]));
  const { id, ...event } = await events.next<{ position: number }>();
  expect(event).toEqual({
    name: 'message',
    data: {
      clientid: 'p',
      username: null,
      proto_ver: 5,
      listener_type: 'tcp',
      peername: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      topic: 'a/b',
      qos: 1,
      retain: true,
      payload: 'text',
      payload_encoding: 'plain',
      payload_size: 4,
      is_cut: false,
      properties: { content_type: 'text/plain', correlation_data_base64: '/w==' },
      matched: 0,
      position: expect.any(Number),
      ts: expect.any(Number),
    },
  });
  expect(id).toMatch(/^[\w-]{12}-1$/);
  expect(await events.next()).toMatchObject({
    id: expect.stringMatching(/-2$/),
    data: { topic: 'a/c', payload: '//4=', payload_encoding: 'base64', position: null },
  });
  events.close();
});

test('payloads are cut between characters, left out, or always in Base64', async () => {
  const cut = await api.events('/events?filter=a&type=message&payload_bytes=4');
  const none = await api.events('/events?filter=a&type=message&payload=none');
  await api.broker.publish({ topic: 'a', payload: 'abcéd' });
  expect((await cut.next()).data).toMatchObject({ payload: 'abc', payload_size: 6, is_cut: true });
  const { data } = await none.next();
  expect(data).toMatchObject({ payload_size: 6, is_cut: false });
  expect(data).not.toHaveProperty('payload');
  cut.close();
  none.close();
});

test('what happens to clients is sent, of one of them where that is asked for', async () => {
  const all = await api.events('/events');
  const one = await api.events('/events?clientid=two&type=connect,disconnect');
  const first = await api.client({ clientId: 'one' });
  await first.mqtt.subscribeAsync('a/#', { qos: 1 });
  await first.mqtt.unsubscribeAsync('a/#');
  await first.mqtt.subscribeAsync('no/+/wildcard/#/here').catch(() => {});
  const second = await api.client({ clientId: 'two' });
  await second.end();
  expect(await all.nextOf('connect')).toMatchObject({ data: { clientid: 'one', proto_ver: 5 } });
  expect(await all.nextOf('subscribe')).toMatchObject({
    data: { clientid: 'one', filter: 'a/#', qos: 1, no_local: false, retain_handling: 0 },
  });
  expect(await all.nextOf('unsubscribe')).toMatchObject({ data: { filter: 'a/#' } });
  expect(await one.next()).toMatchObject({ name: 'connect', data: { clientid: 'two' } });
  expect(await one.next()).toMatchObject({
    name: 'disconnect',
    data: { clientid: 'two', cause: 'client', reason_code: 0 },
  });
  all.close();
  one.close();
});

test('what is wrong is said', async () => {
  const refused = async (path: string) => {
    const { status, body } = await api.get<{ message: string }>(path);
    expect(status).toBe(400);
    return body.message;
  };
  expect(await refused('/events?type=message')).toMatch(/^filter: /);
  expect(await refused('/events?type=connect,bogus')).toMatch(/^type: "bogus" is none; there are /);
  expect(await refused('/events?filter=a/%23/b')).toMatch(/^filter: /);
  expect(await refused('/events?payload=hex')).toMatch(/^payload takes one of auto, /);
  expect(await refused('/events?bogus=1')).toContain('bogus');
  const response = await api.open('GET', '/events', undefined, { 'last-event-id': 'x y' });
  expect(response.statusCode).toBe(400);
  response.destroy();
});

test('of more events than a reader asks for, no more are made for a while, and it is told', async () => {
  // One in a tenth of a second.
  const own = await api.events('/events?filter=%23&type=message,subscribe&rate=10');
  const all = await api.events('/events?filter=%23&type=message');
  const client = await api.client();
  for (const topic of ['a', 'b', 'c']) await client.mqtt.publishAsync(topic, 'x', { qos: 1 });
  expect(await own.next()).toMatchObject({ name: 'message', data: { topic: 'a' } });
  const pause = await own.next<{ ms: number }>();
  expect(pause).toMatchObject({ name: 'pause', data: { type: 'message' } });
  expect(pause.data.ms).toBeGreaterThan(0);
  expect(pause.data.ms).toBeLessThanOrEqual(100);
  // There may be as many of another type.
  await client.mqtt.subscribeAsync('s');
  expect(await own.nextOf('subscribe')).toMatchObject({ data: { filter: 's' } });
  // Nobody else misses any.
  for (const topic of ['a', 'b', 'c']) {
    expect(await all.next()).toMatchObject({ name: 'message', data: { topic } });
  }
  // And then it continues.
  let topic: unknown = null;
  const later = own.nextOf('message').then(({ data }) => {
    topic = data['topic'];
  });
  while (topic === null) await client.mqtt.publishAsync('later', 'x', { qos: 1 });
  await later;
  expect(lines).not.toContainEqual(expect.objectContaining({ event: 'admin-events-limited' }));
  own.close();
  all.close();
});

test('nobody gets more events than the configuration allows, whatever is asked for', async () => {
  await api.stop();
  api = await ApiBroker.start({ admin: { maxEventRate: 10 } }, log);
  for (const asked of ['', '&rate=1000']) {
    const events = await api.events(`/events?filter=%23&type=message${asked}`);
    await api.broker.publish({ topic: 'a', payload: 'x' });
    expect((await events.next()).name).toBe('message');
    expect((await events.next()).name).toBe('pause');
    expect(lines.splice(0)).toEqual([
      { event: 'admin-events-limited', fields: { caller: 'socket', what: 'message', rate: 10 } },
    ]);
    events.close();
  }
});

test('a reader who does not read misses events and is told how many; clients get all', async () => {
  const events = await api.events('/events?filter=a&type=message&payload_bytes=10000');
  const subscriber = await api.client();
  await subscriber.mqtt.subscribeAsync('a');
  const publisher = await api.client();
  const count = 400;
  for (let sent = 0; sent < count; sent++) {
    await publisher.mqtt.publishAsync('a', 'x'.repeat(10_000), { qos: 1 });
  }
  await subscriber.messages(count);
  let shown = 0;
  let dropped = 0;
  while (shown + dropped < count) {
    const { name, data } = await events.next<{ count: number }>();
    if (name === 'dropped') dropped += data.count;
    else shown++;
  }
  expect({ shown, dropped, sum: shown + dropped }).toEqual({
    shown: expect.any(Number),
    dropped: expect.any(Number),
    sum: count,
  });
  expect(dropped).toBeGreaterThan(0);
  expect(shown).toBeGreaterThan(0);
  expect(lines).toContainEqual({
    event: 'admin-events-dropped',
    fields: { caller: 'socket', what: 'events', count: expect.any(Number) },
  });
  // What comes afterwards comes again.
  await publisher.mqtt.publishAsync('a', 'last', { qos: 1 });
  expect(await events.next()).toMatchObject({ data: { payload: 'last' } });
  events.close();
});

test('admin.max-streams may be open; a reader who goes makes room for another one', async () => {
  const first = await api.events('/events');
  await api.events('/events');
  expect(await api.get('/events')).toMatchObject({
    status: 429,
    body: { code: 'TOO_MANY_REQUESTS', message: expect.stringContaining('admin.max-streams') },
  });
  expect(lines).toEqual([
    { event: 'admin-stream-refused', fields: { caller: 'socket', what: 'events', count: 2 } },
  ]);
  first.close();
  let status = 429;
  while (status === 429) {
    const response = await api.open('GET', '/events');
    status = response.statusCode as number;
    response.destroy();
  }
  expect(status).toBe(200);
});

test('HEAD takes no place: nobody reads what would come', async () => {
  for (let count = 0; count < 3; count++) {
    expect((await api.open('HEAD', '/events')).statusCode).toBe(200);
  }
  (await api.events('/events')).close();
});

test('a stream that is refused, as half of admin.max-connections are some, takes no place', async () => {
  await using web = await AdminWeb.open({ maxConnections: 2, maxStreams: 2 });
  const abort = new AbortController();
  const headers = basic('reader');
  const open = (signal: AbortSignal | null = null) =>
    fetch(`${web.url}/api/v5/events`, { headers, signal });
  expect((await open(abort.signal)).status).toBe(200);
  for (let count = 0; count < 3; count++) expect((await open()).status).toBe(503);
  abort.abort();
  let response = await open();
  while (response.status === 503) response = await open();
  expect(response.status).toBe(200);
  await response.body?.cancel();
});

test('readers are told that the broker stops, and one who does not read holds nothing up', async () => {
  const reading = await api.events('/events');
  await api.events('/events?filter=a&type=message');
  await api.broker.publish({ topic: 'a', payload: 'x'.repeat(60_000) });
  const stopped = api.closeApi();
  expect((await reading.next()).name).toBe('stopping');
  await expect(reading.next()).rejects.toThrow('the stream has ended');
  await stopped;
});
