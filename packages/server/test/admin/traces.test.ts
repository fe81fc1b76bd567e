import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { NamedTrace, type TraceEnd } from '../../src/admin/traces/named-trace.ts';
import { noopLogger } from '../../src/log/index.ts';
import { ApiBroker } from '../support/api-broker.ts';

let api: ApiBroker;
let lines: { event: string; [field: string]: unknown }[];

beforeEach(async () => {
  lines = [];
  const note = (event: string, fields: object = {}) => void lines.push({ event, ...fields });
  api = await ApiBroker.start(
    { admin: { maxTraces: 2, maxTraceBytes: 4096, maxTraceDuration: '1h' } },
    { ...noopLogger, info: note, warn: note },
  );
});

afterEach(async () => {
  jest.useRealTimers();
  await api.stop();
});

const create = (body: object) => api.post<Record<string, unknown>>('/trace', body);

/** What a trace has, a JSON object a line. */
async function read(name: string): Promise<Record<string, unknown>[]> {
  const { body } = await api.get<{ items: string }>(`/trace/${name}/log?bytes=100000`);
  const texts = body.items.split('\n').filter((line) => line !== '');
  return texts.map((line) => JSON.parse(line));
}

test('a trace of a client has its packets, from before it connects, and no payloads or passwords', async () => {
  const { status, body } = await create({
    name: 'one',
    type: 'clientid',
    clientid: 'c',
    formatter: 'json',
    payload_encode: 'text',
  });
  expect(status).toBe(200);
  expect(body).toEqual({
    name: 'one',
    type: 'clientid',
    clientid: 'c',
    status: 'running',
    start_at: expect.stringMatching(/Z$/),
    end_at: expect.stringMatching(/Z$/),
    formatter: 'json',
    payload_encode: 'hidden',
    log_size: { 'promptmq@127.0.0.1': expect.any(Number) },
  });
  expect(Date.parse(`${body['end_at']}`) - Date.parse(`${body['start_at']}`)).toBe(600_000);
  const client = await api.client({ clientId: 'c', username: 'u', password: 'geheim' });
  await client.mqtt.publishAsync('a/b', 'verborgen', { qos: 1 });
  await client.end();
  const seen = await read('one');
  const packets = seen.filter(({ event }) => event === 'packet').map(({ packet }) => packet);
  expect(packets).toEqual(expect.arrayContaining(['connect', 'connack', 'publish', 'puback']));
  expect(seen.every(({ clientid }) => clientid === 'c')).toBe(true);
  expect(JSON.stringify(seen)).not.toMatch(/geheim|verborgen/);
});

test('a trace of topics has messages, subscriptions and refusals that match, and no others', async () => {
  await create({ name: 'one', type: 'topic', topic: 'a/#', formatter: 'json' });
  const client = await api.client({ clientId: 'c' });
  await client.mqtt.subscribeAsync('a/+');
  await client.mqtt.subscribeAsync('b/+');
  await client.mqtt.publishAsync('a/b', 'verborgen', { qos: 1 });
  await client.mqtt.publishAsync('b/b', 'x', { qos: 1 });
  await client.mqtt.unsubscribeAsync('a/+');
  await client.mqtt.unsubscribeAsync('b/+');
  const seen = await read('one');
  expect(seen).toMatchObject([
    { event: 'subscribe', clientid: 'c', filter: 'a/+' },
    { event: 'publish', clientid: 'c', topic: 'a/b', qos: 1, payload_size: 9, matched: 1 },
    { event: 'unsubscribe', clientid: 'c', filter: 'a/+' },
  ]);
  expect(JSON.stringify(seen)).not.toContain('verborgen');
});

test('a trace of an address has packets of those who are there, and of those who come', async () => {
  const there = await api.client({ clientId: 'there' });
  await create({ name: 'one', type: 'ip_address', ip_address: '127.0.0.1', formatter: 'json' });
  await create({ name: 'two', type: 'ip_address', ip_address: '192.0.2.1', formatter: 'json' });
  await there.mqtt.publishAsync('a', '', { qos: 1 });
  const comes = await api.client({ clientId: 'comes' });
  await comes.mqtt.publishAsync('a', '', { qos: 1 });
  const publishers = (await read('one')).filter(({ packet }) => packet === 'publish');
  expect(publishers.map(({ clientid }) => clientid)).toEqual(['there', 'comes']);
  expect(await read('two')).toEqual([]);
});

test('it is read in parts of whole lines, and downloaded as text', async () => {
  await create({ name: 'one', type: 'topic', topic: 'a' });
  for (const payload of ['1', '2', '3']) await api.broker.publish({ topic: 'a', payload });
  type Part = { items: string; meta: { position: number; bytes: number } };
  let whole = '';
  for (let position = 0; ; ) {
    const { body } = await api.get<Part>(`/trace/one/log?bytes=200&position=${position}`);
    if (body.items === '') break;
    expect(body.items.endsWith('\n')).toBe(true);
    expect(body.meta.bytes).toBe(Buffer.byteLength(body.items));
    whole += body.items;
    position = body.meta.position;
  }
  expect(whole.match(/ publish clientid=null username=null topic="a" /g)).toHaveLength(3);
  const file = await api.open('GET', '/trace/one/download');
  expect(file.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': 'attachment; filename="one.log"',
  });
  let text = '';
  for await (const chunk of file.setEncoding('utf8')) text += chunk;
  expect(text).toBe(whole);
  expect((await api.get('/trace/one/log_detail')).body).toEqual([
    { node: 'promptmq@127.0.0.1', size: Buffer.byteLength(whole), mtime: expect.any(Number) },
  ]);
});

test('who has stopped or deleted it adds nothing to it', async () => {
  await create({ name: 'one', type: 'topic', topic: 'a' });
  await api.broker.publish({ topic: 'a', payload: '' });
  expect((await api.ask('PUT', '/trace/one/stop')).body).toEqual({ name: 'one', enable: false });
  await api.broker.publish({ topic: 'a', payload: '' });
  const [trace] = (await api.get<{ status: string; log_size: object }[]>('/trace')).body;
  expect(trace?.status).toBe('stopped');
  const { body } = await api.get<{ items: string }>('/trace/one/log');
  expect(body.items.split('\n')).toHaveLength(2);
  expect(lines).toContainEqual({ event: 'admin-trace-ended', name: 'one', why: 'request' });
  expect((await api.ask('DELETE', '/trace/one')).status).toBe(204);
  for (const [method, path] of [
    ['GET', '/trace/one/log'],
    ['GET', '/trace/one/log_detail'],
    ['GET', '/trace/one/download'],
    ['PUT', '/trace/one/stop'],
    ['DELETE', '/trace/one'],
  ] as const) {
    expect((await api.ask(method, path)).status).toBe(404);
  }
  await create({ name: 'two', type: 'topic', topic: 'a' });
  expect((await api.ask('DELETE', '/trace')).status).toBe(204);
  expect((await api.get('/trace')).body).toEqual([]);
});

test('there are no more than admin.max-traces, and none has more than admin.max-trace-bytes', async () => {
  await create({ name: 'one', type: 'topic', topic: 'a' });
  expect((await create({ name: 'one', type: 'topic', topic: 'b' })).status).toBe(409);
  await create({ name: 'two', type: 'topic', topic: 'b' });
  expect(await create({ name: 'three', type: 'topic', topic: 'c' })).toMatchObject({
    status: 429,
    body: { message: expect.stringContaining('admin.max-traces') },
  });
  expect(lines).toContainEqual({ event: 'admin-trace-refused', caller: 'socket', count: 2 });
  for (let count = 0; count < 60; count++) await api.broker.publish({ topic: 'a', payload: '' });
  const [one] = (await api.get<{ status: string; log_size: Record<string, number> }[]>('/trace'))
    .body;
  expect(one?.status).toBe('stopped');
  expect(one?.log_size['promptmq@127.0.0.1']).toBeGreaterThan(3500);
  expect(one?.log_size['promptmq@127.0.0.1']).toBeLessThanOrEqual(4096);
  expect(lines).toContainEqual({ event: 'admin-trace-ended', name: 'one', why: 'full' });
  expect(api.broker.stats.internalErrors.get('listening')).toBe(0);
});

test.each([
  [{ type: 'topic', topic: 'a' }, /^name is missing/],
  [{ name: '../x', type: 'topic', topic: 'a' }, /^name/],
  [{ name: 'one', type: 'ruleid' }, /^type takes one of clientid, topic, ip_address/],
  [{ name: 'one', type: 'topic', clientid: 'a' }, /^topic is missing/],
  [{ name: 'one', type: 'topic', topic: 'a/#/b' }, /^topic/],
  [{ name: 'one', type: 'topic', topic: 'x'.repeat(65_536) }, /^topic/],
  [{ name: 'one', type: 'ip_address', ip_address: 'here' }, /^ip_address/],
  [{ name: 'one', type: 'topic', topic: 'a', end_at: 'tomorrow' }, /^end_at/],
  [{ name: 'one', type: 'topic', topic: 'a', end_at: 1 }, /^end_at: it has to be later/],
  [{ name: 'one', type: 'topic', topic: 'a', end_at: 9e12 }, /admin\.max-trace-duration/],
  [{ name: 'one', type: 'topic', topic: 'a', start_at: 9e12 }, /^start_at/],
])('%j is answered 400', async (body, why) => {
  const answer = await create(body);
  expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(why) } });
});

test('a trace that is full as soon as it begins follows nothing', () => {
  let follows = 0;
  const target = { type: 'clientid', clientid: 'c' } as const;
  const now = Date.now();
  const trace = new NamedTrace(
    { name: 'one', target, format: 'text', startAt: now, endAt: now + 3000 },
    10,
    (one) => {
      follows++;
      one.add({ event: 'not-connected' });
      return () => void follows--;
    },
    () => {},
  );
  expect([trace.status, trace.size, follows]).toEqual(['stopped', 0, 0]);
});

test('a trace begins at its start and ends at its end', () => {
  jest.useFakeTimers();
  const now = Date.now();
  const ended: TraceEnd[] = [];
  let follows = 0;
  const target = { type: 'topic', topic: 'a' } as const;
  const trace = new NamedTrace(
    { name: 'one', target, format: 'text', startAt: now + 1000, endAt: now + 3000 },
    1000,
    () => {
      follows++;
      return () => void follows--;
    },
    (why) => ended.push(why),
  );
  expect([trace.status, follows]).toEqual(['waiting', 0]);
  jest.advanceTimersByTime(1000);
  expect([trace.status, follows]).toEqual(['running', 1]);
  trace.add({ event: 'x', field: 'ä' });
  jest.advanceTimersByTime(2000);
  expect([trace.status, follows, ended]).toEqual(['stopped', 0, ['time']]);
  trace.add({ event: 'y' });
  trace.stop();
  expect(ended).toEqual(['time']);
  const text = trace.read(0, 1000).toString();
  expect(text).toMatch(/^20\S+Z x field="ä"\n$/);
  expect(trace.size).toBe(Buffer.byteLength(text));
});
