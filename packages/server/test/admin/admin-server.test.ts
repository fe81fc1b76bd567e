import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdminServer, type AdminStatus, adminRequest, adminStream } from '../../src/admin/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { TestClient } from '../support/mqtt-client.ts';

const LOOPBACK = {
  server: { bind: '127.0.0.1:0', wsBind: '127.0.0.1:0' },
  storage: { enabled: false },
  metrics: { enabled: false },
} as const;

let folder: string;
let socketPath: string;
let broker: RunningBroker;
let admin: AdminServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-'));
  socketPath = join(folder, 'data', 'admin.sock');
  broker = await createBroker({ mqtt: { maxOutputBuffer: '1GB' } });
  admin = await AdminServer.start(broker, socketPath);
});

afterEach(async () => {
  await admin.close();
  await broker.stop();
  rmSync(folder, { recursive: true });
});

interface Line {
  readonly event: string;
  readonly direction?: string;
  readonly packet?: string;
  readonly count?: number;
  readonly [field: string]: unknown;
}

/** A trace whose lines can be waited for. */
class Trace {
  readonly response: IncomingMessage;
  /** Made when the first line is asked for: until then nothing is read. */
  #lines: AsyncIterator<string> | null = null;

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.on('error', () => {});
  }

  static async open(clientId: string): Promise<Trace> {
    const path = `/trace?client=${encodeURIComponent(clientId)}`;
    return new Trace((await adminStream(socketPath, path)) as IncomingMessage);
  }

  async next(): Promise<Line> {
    this.#lines ??= createInterface({ input: this.response })[Symbol.asyncIterator]();
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the trace has ended');
    const { time, ...line } = JSON.parse(value);
    expect(new Date(time).toISOString()).toBe(time);
    return line;
  }

  async nextOf(event: string): Promise<Line> {
    for (;;) {
      const line = await this.next();
      if (line.event === event) return line;
    }
  }
}

test('a trace waits for the client, then tells every packet without payloads and secrets', async () => {
  const trace = await Trace.open('c 1');
  expect(await trace.next()).toEqual({ event: 'not-connected' });
  const client = await TestClient.connect(broker.url as string, {
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
  do lines.push(await trace.next());
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
  trace.response.destroy();
});

test('a packet that is refused is shown, with the reason', async () => {
  const trace = await Trace.open('c');
  const client = await TestClient.connect(broker.url as string, { clientId: 'c' });
  const closed = client.closed();
  client.mqtt.stream.write(Uint8Array.of(0xc1, 0));
  await closed;
  expect(await trace.nextOf('packet-refused')).toMatchObject({ reasonCode: 0x81 });
  expect(await trace.nextOf('disconnected')).toMatchObject({ cause: 'protocol' });
  trace.response.destroy();
});

test('a CONNECT that is refused is shown, with its answer', async () => {
  broker.reconfigure(parseConfig({ ...LOOPBACK, auth: { allowAnonymous: false } }));
  const trace = await Trace.open('c');
  const options = { clientId: 'c', protocolVersion: 5 } as const;
  await expect(TestClient.connect(broker.url as string, options)).rejects.toThrow();
  expect(await trace.next()).toEqual({ event: 'not-connected' });
  expect(await trace.next()).toMatchObject({ direction: 'in', packet: 'connect' });
  expect(await trace.next()).toMatchObject({
    direction: 'out',
    packet: 'connack',
    reasonCode: 0x87,
    properties: { reasonString: 'anonymous clients are not allowed' },
  });
  trace.response.destroy();
});

test('who traces a client that is connected hears of it at once; others are not told of', async () => {
  const client = await TestClient.connect(broker.url as string, { clientId: 'a' });
  const other = await TestClient.connect(broker.url as string, { clientId: 'b' });
  const trace = await Trace.open('a');
  expect(await trace.next()).toMatchObject({ event: 'connected', version: 4 });
  await other.mqtt.publishAsync('t', 'x', { qos: 1 });
  await client.mqtt.publishAsync('t', 'x', { qos: 1 });
  expect(await trace.next()).toMatchObject({ packet: 'publish', topic: 't' });
  // When the reader has gone, nothing of the client is looked at any more.
  trace.response.destroy();
  await client.end();
  await other.end();
});

test('a reader that does not read misses lines, which are counted, and the broker continues', async () => {
  const trace = await Trace.open('c');
  const client = await TestClient.connect(broker.url as string, { clientId: 'c' });
  const topic = 'x'.repeat(2000);
  const published = 3000;
  for (let index = 0; index < published; index++) client.mqtt.publish(`${topic}${index}`, '');
  await client.mqtt.publishAsync('last', '', { qos: 1 });
  // Room again: what comes now is shown again.
  const dropped = await trace.nextOf('lines-dropped');
  expect(dropped.count).toBeGreaterThan(0);
  await client.end();
  expect(await trace.nextOf('disconnected')).toMatchObject({ cause: 'client' });
  expect(broker.stats.packetsReceived[3]).toBe(published + 1);
  trace.response.destroy();
});

test('the end of the broker ends a trace', async () => {
  const trace = await Trace.open('c');
  expect((await trace.next()).event).toBe('not-connected');
  await admin.close();
  expect((await trace.next()).event).toBe('stopping');
  await expect(trace.next()).rejects.toThrow('the trace has ended');
});

test('status tells the clients for which most waits, most first', async () => {
  const options = { protocolVersion: 5, properties: { sessionExpiryInterval: 100 } } as const;
  for (const [clientId, qos] of [
    ['few', 1],
    ['many', 1],
  ] as const) {
    const client = await TestClient.connect(broker.url as string, { clientId, ...options });
    await client.mqtt.subscribeAsync([clientId, 'both'], { qos });
    await client.end();
  }
  const publisher = await TestClient.connect(broker.url as string);
  await publisher.mqtt.publishAsync('both', 'xx', { qos: 1 });
  await publisher.mqtt.publishAsync('many', 'xx', { qos: 1 });
  const status = (await adminRequest(socketPath, '/status')) as AdminStatus;
  expect(status).toMatchObject({ pid: process.pid, connections: 1, sessions: 3, subscriptions: 4 });
  expect(status.slowSubscribers).toMatchObject([
    { clientId: 'many', isConnected: false, queuedMessages: 2 },
    { clientId: 'few', isConnected: false, queuedMessages: 1 },
  ]);
  expect(await adminRequest(socketPath, '/status?top=1')).toMatchObject({
    slowSubscribers: [{ clientId: 'many' }],
  });
  await publisher.end();
});

test('only the user of the broker can open the socket', () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

test.each([
  ['/trace', 'client takes a client identifier'],
  ['/status?top=x', 'top takes a whole number from 0 to 10000'],
  ['/status?top=10001', 'top takes a whole number from 0 to 10000'],
  ['/other', 'there are /status, /trace, /clients/list'],
])('%s is refused', async (path, why) => {
  await expect(adminRequest(socketPath, path)).rejects.toThrow(`the broker refuses: ${why}`);
});

test('at most 16 traces are open at a time, and one that ends makes room', async () => {
  const traces: Trace[] = [];
  for (let index = 0; index < 16; index++) {
    traces.push(await Trace.open('c'));
    await traces.at(-1)?.next();
  }
  await expect(Trace.open('c')).rejects.toThrow('16 traces are open already');
  for (const { response } of traces) response.destroy();
});

test('a socket of a broker that was killed is taken over, one that is in use is not', async () => {
  await expect(AdminServer.start(broker, socketPath)).rejects.toThrow('another process listens on');
  const stale = join(folder, 'stale.sock');
  await leaveSocket(stale);
  const second = await AdminServer.start(broker, stale);
  expect(await adminRequest(stale, '/status')).toMatchObject({ pid: process.pid });
  await second.close();
  expect(await adminRequest(stale, '/status')).toBeNull();
});

/** Makes a socket on which nobody listens, as a process that was killed leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  const listened = join(folder, 'listened.sock');
  await new Promise<void>((resolve) => server.listen(listened, resolve));
  // Under its other name it isn't removed with the server.
  renameSync(listened, path);
  await new Promise((resolve) => server.close(resolve));
}

test('a file that is no socket is left where it is', async () => {
  const path = join(folder, 'precious.txt');
  writeFileSync(path, 'kept');
  await expect(AdminServer.start(broker, path)).rejects.toThrow('is there, and is no socket');
  expect(readFileSync(path, 'utf8')).toBe('kept');
});

test('a path that no socket can have is refused', async () => {
  const path = join(folder, 'x'.repeat(100));
  await expect(AdminServer.start(broker, path)).rejects.toThrow(
    'that the path of a socket may have',
  );
});
