import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectAsync } from 'mqtt';
import { AdminApi } from '../../support/admin-api.ts';
import { PacketClient } from '../../support/packet-client.ts';

let folder: string;
let api: AdminApi;
let open: PacketClient[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-messages-'));
  open = [];
});

afterEach(async () => {
  for (const client of open) await client.cut();
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const stored = () => ({ storage: { enabled: true, dataDir: folder, walDir: join(folder, 'wal') } });

/** A session without a connection that has subscribed to `t/#`. */
async function leave(clientId: string): Promise<void> {
  const client = await connectAsync(`${api.broker.url}`, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 1000 },
  });
  await client.subscribeAsync('t/#', { qos: 2 });
  await client.endAsync();
}

async function publish(count: number): Promise<void> {
  const client = await connectAsync(`${api.broker.url}`, { clientId: 'publisher' });
  for (let n = 0; n < count; n++) await client.publishAsync(`t/${n}`, `message ${n}`, { qos: 1 });
  await client.endAsync();
}

/** A client that acknowledges nothing. */
async function silent(clientId: string, fields: object = {}): Promise<PacketClient> {
  const client = await PacketClient.open(`${api.broker.url}`);
  open.push(client);
  client.connect(clientId, fields);
  await client.next();
  return client;
}

const topicsOf = (answer: { body: { data: { topic: string | null }[] } }) =>
  answer.body.data.map(({ topic }) => topic);

describe.each(['in memory', 'stored'])('a queue %s', (where) => {
  beforeEach(async () => {
    api = await AdminApi.open(where === 'stored' ? stored() : {});
    await leave('gone');
    await publish(5);
  });

  test('is answered in its order, and stays as it is', async () => {
    const { body } = await api.get('/clients/gone/mqueue_messages');
    expect(body.data[1]).toEqual({
      msgid: expect.any(String),
      topic: 't/1',
      qos: 1,
      retain: false,
      from_clientid: 'publisher',
      payload: Buffer.from('message 1').toString('base64'),
      payload_size: 9,
      packet_id: null,
      state: 'queued',
      shared_filter: null,
    });
    expect(topicsOf({ body })).toEqual(['t/0', 't/1', 't/2', 't/3', 't/4']);
    expect(body.meta).toEqual({ start: body.data[0].msgid, position: 'none', count: 5 });
    const again = await api.get('/clients/gone/mqueue_messages');
    expect(again.body).toEqual(body);
    const inflight = await api.get('/clients/gone/inflight_messages');
    expect(inflight.body).toEqual({
      data: [],
      meta: { start: 'none', position: 'none', count: 0 },
    });
  });

  test('is paged by position, and by the bytes of payloads', async () => {
    const first = await api.get('/clients/gone/mqueue_messages?limit=2&payload=plain');
    expect(first.body.data[0].payload).toBe('message 0');
    const { position } = first.body.meta;
    const second = await api.get(`/clients/gone/mqueue_messages?limit=2&position=${position}`);
    expect(topicsOf(second)).toEqual(['t/2', 't/3']);
    const last = await api.get(
      `/clients/gone/mqueue_messages?limit=2&position=${second.body.meta.position}`,
    );
    expect([topicsOf(last), last.body.meta.position]).toEqual([['t/4'], 'none']);
    const small = await api.get('/clients/gone/mqueue_messages?max_payload_bytes=20&payload=none');
    expect(topicsOf(small)).toEqual(['t/0', 't/1']);
    expect(small.body.data[0]).not.toHaveProperty('payload');
    const tiny = await api.get('/clients/gone/mqueue_messages?max_payload_bytes=1');
    expect(topicsOf(tiny)).toEqual(['t/0']);
  });
});

test('what was sent is inflight, what the client does not take yet is in the queue', async () => {
  api = await AdminApi.open(stored());
  await leave('c');
  await publish(4);
  await silent('c', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 2 } });
  const inflight = await api.get('/clients/c/inflight_messages?payload=plain');
  expect(inflight.body.data).toMatchObject([
    { topic: 't/0', payload: 'message 0', packet_id: expect.any(Number), state: 'sent' },
    { topic: 't/1', payload: 'message 1', packet_id: expect.any(Number), state: 'sent' },
  ]);
  expect(topicsOf(await api.get('/clients/c/mqueue_messages'))).toEqual(['t/2', 't/3']);
  const second = await api.get('/clients/c/inflight_messages?limit=1&position=1');
  expect([topicsOf(second), second.body.meta]).toEqual([
    ['t/1'],
    { start: '2', position: 'none', count: 2 },
  ]);
});

test('messages that wait as the bytes that will be sent are shown, too', async () => {
  api = await AdminApi.open();
  const client = await silent('c', { clean: true, properties: { receiveMaximum: 1 } });
  client.subscribe('t/#', 1, 1);
  await client.next();
  await publish(3);
  const queue = await api.get('/clients/c/mqueue_messages?payload=plain');
  expect(queue.body.data).toMatchObject([
    { topic: 't/1', payload: 'message 1', qos: 1 },
    { topic: 't/2', payload: 'message 2', qos: 1 },
  ]);
  const second = await api.get('/clients/c/mqueue_messages?limit=1&position=q1');
  expect(topicsOf(second)).toEqual(['t/2']);
  const inflight = await api.get('/clients/c/inflight_messages');
  expect(inflight.body.data).toMatchObject([{ topic: null, state: 'sent' }]);
});

test('what is wrong is said', async () => {
  api = await AdminApi.open();
  await leave('c');
  for (const query of ['position=x', 'limit=1001', 'payload=hex', 'max_payload_bytes=1GB', 'y=1']) {
    const { status, body } = await api.get(`/clients/c/mqueue_messages?${query}`);
    expect([status, body.message]).toEqual([
      400,
      expect.stringContaining(query.split('=')[0] ?? ''),
    ]);
  }
  expect((await api.get('/clients/c/inflight_messages?position=q1')).status).toBe(400);
  expect((await api.get('/clients/none/mqueue_messages')).status).toBe(404);
  expect((await api.get('/clients/none/inflight_messages')).status).toBe(404);
});
