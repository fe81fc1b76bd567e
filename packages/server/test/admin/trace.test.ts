import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/index.ts';
import { ApiBroker, type EventReader } from '../support/api-broker.ts';
import { TestClient } from '../support/mqtt-client.ts';

const LOOPBACK = {
  server: { bind: '127.0.0.1:0', wsBind: '127.0.0.1:0' },
  storage: { enabled: false },
  metrics: { enabled: false },
} as const;

let api: ApiBroker;

beforeEach(async () => {
  api = await ApiBroker.start({ mqtt: { maxOutputBuffer: '1GB' } });
});

afterEach(() => api.stop());

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

const traceOf = (clientId: string): Promise<EventReader> =>
  api.events(`/clients/${encodeURIComponent(clientId)}/trace`);

/** The next of a trace, without its time. */
async function lineOf(trace: EventReader): Promise<Line> {
  const { name, data } = await trace.next<Line>();
  const { ts, ...line } = data;
  expect([typeof ts, line.event]).toEqual(['number', name]);
  return line;
}

test('a trace waits for the client, then tells every packet without payloads and secrets', async () => {
  const trace = await traceOf('c 1');
  expect(await lineOf(trace)).toEqual({ event: 'not-connected' });
  const client = await TestClient.connect(api.broker.url as string, {
    clientId: 'c 1',
    protocolVersion: 5,
    username: 'alice',
    password: 'hidden-password',
    properties: { userProperties: { token: 'hidden-token' } },
  });
  await client.mqtt.subscribeAsync('a/#', { qos: 1 });
  await client.mqtt.publishAsync('a/b', 'hidden-payload', {
    qos: 1,
    properties: { contentType: 'text/plain', userProperties: { key: 'hidden-value' } },
  });
  await client.messages(1);
  await client.end();
  const lines: Line[] = [];
  do lines.push(await lineOf(trace));
  while (lines.at(-1)?.event !== 'disconnected');
  expect(JSON.stringify(lines)).not.toContain('hidden');
  expect(lines).toMatchObject([
    {
      direction: 'in',
      packet: 'connect',
      username: 'alice',
      passwordSize: 15,
      properties: { userPropertySizes: { token: 12 } },
    },
    { direction: 'out', packet: 'connack', reasonCode: 0 },
    { event: 'connected', protocol: 'tcp', version: 5, user: null },
    { direction: 'in', packet: 'subscribe', subscriptions: [{ topic: 'a/#', qos: 1 }] },
    { direction: 'out', packet: 'suback', granted: [1] },
    { direction: 'in', packet: 'publish', topic: 'a/b', qos: 1, payloadSize: 14 },
    {
      direction: 'out',
      packet: 'publish',
      topic: 'a/b',
      qos: 1,
      packetId: 1,
      payloadSize: 14,
      properties: { contentType: 'text/plain', userPropertySizes: { key: 12 } },
    },
    { direction: 'out', packet: 'puback' },
    { direction: 'in', packet: 'puback', packetId: 1 },
    { direction: 'in', packet: 'disconnect' },
    { event: 'disconnected', cause: 'client', reasonCode: 0 },
  ]);
  trace.close();
});

test('a packet that is refused is shown, with the reason', async () => {
  const trace = await traceOf('c');
  const client = await TestClient.connect(api.broker.url as string, { clientId: 'c' });
  const closed = client.closed();
  client.mqtt.stream.write(Uint8Array.of(0xc1, 0));
  await closed;
  expect(await trace.nextOf('packet-refused')).toMatchObject({ data: { reasonCode: 0x81 } });
  expect(await trace.nextOf('disconnected')).toMatchObject({ data: { cause: 'protocol' } });
  trace.close();
});

test('a CONNECT that is refused is shown, with its answer', async () => {
  api.broker.reconfigure(parseConfig({ ...LOOPBACK, auth: { allowAnonymous: false } }));
  const trace = await traceOf('c');
  const options = { clientId: 'c', protocolVersion: 5 } as const;
  await expect(TestClient.connect(api.broker.url as string, options)).rejects.toThrow();
  expect(await lineOf(trace)).toEqual({ event: 'not-connected' });
  expect(await lineOf(trace)).toMatchObject({ direction: 'in', packet: 'connect' });
  expect(await lineOf(trace)).toMatchObject({
    direction: 'out',
    packet: 'connack',
    reasonCode: 0x87,
    properties: { reasonString: 'anonymous clients are not allowed' },
  });
  trace.close();
});

test('who traces a client that is connected hears of it at once; others are not told of', async () => {
  const client = await TestClient.connect(api.broker.url as string, { clientId: 'a' });
  const other = await TestClient.connect(api.broker.url as string, { clientId: 'b' });
  const trace = await traceOf('a');
  expect(await lineOf(trace)).toMatchObject({ event: 'connected', version: 4 });
  await other.mqtt.publishAsync('t', 'x', { qos: 1 });
  await client.mqtt.publishAsync('t', 'x', { qos: 1 });
  expect(await lineOf(trace)).toMatchObject({ packet: 'publish', topic: 't' });
  // When the reader has gone, nothing of the client is looked at any more.
  trace.close();
  await client.end();
  await other.end();
});

test('a reader that does not read misses lines, which are counted, and the broker continues', async () => {
  const trace = await traceOf('c');
  const client = await TestClient.connect(api.broker.url as string, { clientId: 'c' });
  const topic = 'x'.repeat(2000);
  const published = 3000;
  for (let index = 0; index < published; index++) client.mqtt.publish(`${topic}${index}`, '');
  await client.mqtt.publishAsync('last', '', { qos: 1 });
  // Room again: what comes now is shown again.
  const dropped = await trace.nextOf<{ count: number }>('dropped');
  expect(dropped.data.count).toBeGreaterThan(0);
  await client.end();
  expect(await trace.nextOf('disconnected')).toMatchObject({ data: { cause: 'client' } });
  expect(api.broker.stats.packetsReceived[3]).toBe(published + 1);
  trace.close();
});
