import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { hashPassword } from '@promptmq/auth';
import { connect as connectMqtt, type IClientOptions, type IConnackPacket } from 'mqtt';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
let broker: RunningBroker | null = null;
let logged: { event: string }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-reconfigure-'));
  logged = [];
});

afterEach(async () => {
  await broker?.stop();
  broker = null;
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What `createBroker` adds, so that only what a test changes is different. */
function complete(options: ConfigInput): ConfigInput {
  return {
    storage: { enabled: false },
    metrics: { enabled: false, bind: '127.0.0.1:0' },
    admin: { bind: 'none', keyFile: 'none' },
    ...options,
    server: { bind: '127.0.0.1:0', wsBind: '127.0.0.1:0', ...options.server },
  };
}

async function start(options: ConfigInput = {}): Promise<RunningBroker> {
  const info = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  broker = await createBroker(complete(options), { logger: { ...noopLogger, info } });
  return broker;
}

/** Starts a broker; returns where it listens. */
async function startAt(options: ConfigInput): Promise<string> {
  return (await start(options)).url as string;
}

/** The answer to CONNECT of a client that leaves at once. */
function connackOf(url: string, options: IClientOptions): Promise<IConnackPacket> {
  return new Promise((resolve) => {
    const client = connectMqtt(url, options);
    client.on('connect', (connack) => client.end(() => resolve(connack)));
  });
}

function change(options: ConfigInput) {
  return (broker as RunningBroker).reconfigure(parseConfig(complete(options)));
}

test('what CONNACK said holds for the connection; the next one hears what is in force [MQTT-3.2.2-11]', async () => {
  const url = await startAt({ mqtt: { maxQos: 2, retainAvailable: true } });
  const client = await TestClient.connect(url, { protocolVersion: 5 });
  change({ mqtt: { maxQos: 0, retainAvailable: false } });
  await client.mqtt.publishAsync('t', 'x', { qos: 2, retain: true });
  const { properties } = await connackOf(url, { protocolVersion: 5 });
  expect(properties).toMatchObject({ maximumQoS: 0, retainAvailable: false });
  await client.end();
});

test('a session that was granted no time after its connection gets none with DISCONNECT', async () => {
  const options = {
    ...{ protocolVersion: 5 as const, clientId: 'client', clean: false },
    properties: { sessionExpiryInterval: 3600 },
  };
  const url = await startAt({ mqtt: { maxSessionExpiry: '0s' } });
  const client = await TestClient.connect(url, options);
  change({ mqtt: { maxSessionExpiry: 'none' } });
  await client.mqtt.endAsync(false, {
    reasonCode: 0,
    properties: { sessionExpiryInterval: 3600 },
  });
  expect((await connackOf(url, options)).sessionPresent).toBe(false);
});

test('limits change under a connected client, which stays', async () => {
  const { url } = await start({ mqtt: { maxSubscriptions: 1 } });
  const client = await TestClient.connect(`${url}`, { protocolVersion: 5 });
  await client.mqtt.subscribeAsync('a');
  await expect(client.mqtt.subscribeAsync('b')).rejects.toThrow('Quota exceeded');
  expect(change({ mqtt: { maxSubscriptions: 2, maxQueuedMessages: 5 } })).toEqual({
    changed: ['mqtt.max-queued-messages', 'mqtt.max-subscriptions'],
    needRestart: [],
  });
  await client.mqtt.subscribeAsync('b');
  await client.mqtt.publishAsync('b', 'x', { qos: 1 });
  expect(await client.messages(1)).toMatchObject([{ topic: 'b' }]);
  await client.end();
});

test('the limit of a session that is there already changes, too', async () => {
  const { url, stats } = await start({ mqtt: { maxQueuedMessages: 1 } });
  const options = { clientId: 'c', clean: false };
  const client = await TestClient.connect(`${url}`, options);
  await client.mqtt.subscribeAsync('t', { qos: 1 });
  await client.end();
  const publisher = await TestClient.connect(`${url}`);
  for (const payload of ['1', '2']) await publisher.mqtt.publishAsync('t', payload, { qos: 1 });
  expect(stats.dropped['queue-full']).toBe(1);
  change({ mqtt: { maxQueuedMessages: 3 } });
  for (const payload of ['3', '4', '5'])
    await publisher.mqtt.publishAsync('t', payload, { qos: 1 });
  expect(stats.dropped['queue-full']).toBe(2);
  await publisher.end();
  const again = await TestClient.connect(`${url}`, options);
  await again.messages(3);
  expect(again.payloads()).toEqual(['1', '3', '4']);
  await again.end();
});

test('what needs a restart is named and keeps its value', async () => {
  const { url } = await start();
  expect(
    change({ server: { bind: '127.0.0.1:1', readBuffer: '8KiB' }, mqtt: { maxInflight: 3 } }),
  ).toEqual({
    changed: ['mqtt.max-inflight'],
    needRestart: ['server.bind', 'server.read-buffer'],
  });
  // It is still not in force when it is asked for again.
  expect(change({ server: { readBuffer: '8KiB' } }).needRestart).toEqual(['server.read-buffer']);
  await (await TestClient.connect(`${url}`)).end();
});

describe('files', () => {
  test('certificates are changed for new connections; those that are there continue', async () => {
    const [first, second] = [new CertificateAuthority('First'), new CertificateAuthority('Second')];
    const keep = ({ cert, key }: { cert: string; key: string }) => ({
      cert: write('cert.pem', cert),
      key: write('key.pem', key),
    });
    const server = { tlsBind: '127.0.0.1:0', tls: keep(first.issue('localhost')) };
    const { tlsUrl } = await start({ server });
    const client = await TestClient.connect(`${tlsUrl}`, { ca: [first.cert] });
    keep(second.issue('localhost'));
    expect(change({ server }).changed).toEqual([]);
    const other = await TestClient.connect(`${tlsUrl}`, { ca: [second.cert] });
    const refused = connectTls({ port: Number(new URL(`${tlsUrl}`).port), ca: first.cert });
    await once(refused, 'error');
    await client.mqtt.subscribeAsync('t');
    await other.mqtt.publishAsync('t', 'x');
    await client.messages(1);
    await Promise.all([client.end(), other.end()]);
  });

  test('credentials are changed; whose user is gone is disconnected, whose is not stays', async () => {
    const stays = `c:${await hashPassword('3')}\n`;
    const auth = {
      allowAnonymous: false,
      passwordFile: write('passwords', `a:${await hashPassword('1')}\n${stays}`),
    };
    const { url } = await start({ auth });
    const a = { username: 'a', password: '1' };
    const gone = await TestClient.connect(`${url}`, a);
    const client = await TestClient.connect(`${url}`, { username: 'c', password: '3' });
    const closed = gone.closed();
    write('passwords', `b:${await hashPassword('2')}\n${stays}`);
    change({ auth });
    await closed;
    await expect(TestClient.connect(`${url}`, a)).rejects.toThrow();
    await (await TestClient.connect(`${url}`, { username: 'b', password: '2' })).end();
    await client.mqtt.publishAsync('t', 'x', { qos: 1 });
    await client.end();
  });

  test('rules are changed for connected clients, who lose what is forbidden now', async () => {
    const auth = {
      aclFile: write('acl.yaml', 'rules:\n  - publish: "#"\n    subscribe: [a, b]\n'),
    };
    const { url, stats } = await start({ auth });
    const client = await TestClient.connect(`${url}`, { protocolVersion: 5 });
    await client.mqtt.subscribeAsync(['a', 'b']);
    write('acl.yaml', 'rules:\n  - publish: [b, c]\n    subscribe: b\n');
    change({ auth });
    expect(stats.subscriptionsCurrent).toBe(1);
    await expect(client.mqtt.publishAsync('a', 'x', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await client.mqtt.publishAsync('b', 'x', { qos: 1 });
    expect(await client.messages(1)).toMatchObject([{ topic: 'b' }]);
    await client.end();
  });

  test('one that is broken changes nothing at all', async () => {
    const aclFile = write('acl.yaml', 'rules:\n  - publish: a\n');
    const { url } = await start({ auth: { aclFile } });
    const client = await TestClient.connect(`${url}`, { protocolVersion: 5 });
    write('acl.yaml', 'rules:\n  - publsh: b\n');
    expect(() => change({ auth: { aclFile }, mqtt: { maxQos: 0 } })).toThrow(ConfigError);
    await client.mqtt.publishAsync('a', 'x', { qos: 1 });
    await expect(client.mqtt.publishAsync('b', 'x', { qos: 1 })).rejects.toThrow();
    await client.end();
  });
});

test('packets of the clients that are named are logged, without payloads and passwords', async () => {
  const traced = () => logged.filter(({ event }) => event === 'packet');
  const { url } = await start({ log: { traceClients: 'c' } });
  const options = { clientId: 'c', username: 'u', password: 'secret', protocolVersion: 5 } as const;
  const client = await TestClient.connect(`${url}`, options);
  const other = await TestClient.connect(`${url}`, { clientId: 'd' });
  await client.mqtt.subscribeAsync('t', { qos: 1 });
  await client.mqtt.publishAsync('t', 'hidden', { qos: 0 });
  await client.messages(1);
  await other.mqtt.publishAsync('t', 'hidden', { qos: 1 });
  await client.messages(2);
  expect(traced().map((line) => Object.values(line).slice(1, 4).join(' '))).toEqual([
    'c in connect',
    'c out connack',
    'c in subscribe',
    'c out suback',
    'c in publish',
    'c out publish',
    'c out publish',
  ]);
  expect(traced()[4]).toMatchObject({ topic: 't', payloadSize: 6 });
  expect(traced()[5]).toMatchObject({ topic: 't', payloadSize: 6, qos: 0 });
  expect(traced()[6]).toMatchObject({ topic: 't', payloadSize: 6, qos: 1 });
  expect(JSON.stringify(logged)).not.toMatch(/hidden|secret/);
  change({ log: { traceClients: 'd' } });
  const before = traced().length;
  await other.mqtt.publishAsync('u', 'x', { qos: 1 });
  expect(traced().slice(before)).toMatchObject([
    { clientId: 'd', direction: 'in', packet: 'publish' },
    { clientId: 'd', direction: 'out', packet: 'puback' },
  ]);
  await Promise.all([client.end(), other.end()]);
});

test('the sync mode of the storage changes while it is used', async () => {
  const storage = (syncMode: 'immediate' | 'periodic') => ({
    dataDir: join(folder, 'data'),
    walDir: join(folder, 'wal'),
    wal: { syncMode },
  });
  const { url } = await start({ storage: storage('immediate') });
  const options = { clientId: 'c', clean: false };
  const client = await TestClient.connect(`${url}`, options);
  await client.mqtt.subscribeAsync('t', { qos: 1 });
  for (const syncMode of ['periodic', 'immediate'] as const) {
    expect(change({ storage: storage(syncMode) })).toEqual({
      changed: ['storage.wal.sync-mode'],
      needRestart: [],
    });
    await client.mqtt.publishAsync('t', syncMode, { qos: 1 });
  }
  await client.messages(2);
  expect(client.payloads()).toEqual(['periodic', 'immediate']);
  await client.end();
});

test('overlapping subscriptions are delivered as the configuration says now', async () => {
  const { url } = await start();
  const client = await TestClient.connect(url as string);
  await client.mqtt.subscribeAsync(['a/+', 'a/#', 'a/b'], { qos: 0 });
  await client.mqtt.publishAsync('a/b', '1', { qos: 1 });
  expect(await client.messages(1)).toHaveLength(1);
  const each = change({ mqtt: { overlappingSubscriptions: 'each' } });
  expect(each).toEqual({ changed: ['mqtt.overlapping-subscriptions'], needRestart: [] });
  await client.mqtt.publishAsync('a/b', '2', { qos: 1 });
  await client.messages(4);
  change({ mqtt: { overlappingSubscriptions: 'merge' } });
  await client.mqtt.publishAsync('a/b', '3', { qos: 1 });
  await client.mqtt.publishAsync('a/b', '4', { qos: 1 });
  await client.messages(6);
  expect(client.payloads()).toEqual(['1', '2', '2', '2', '3', '4']);
  await client.end();
});

test('a full queue gives way as the configuration says now', async () => {
  const { url } = await start({ mqtt: { maxQueuedMessages: 1 } });
  const away = await TestClient.connect(url as string, { clientId: 'away', clean: false });
  await away.mqtt.subscribeAsync('t', { qos: 1 });
  await away.end();
  const publisher = await TestClient.connect(url as string, { protocolVersion: 5 });
  const publish = (payload: string) => publisher.mqtt.publishAsync('t', payload, { qos: 1 });
  await publish('first');
  await publish('newest, dropped');
  change({ mqtt: { maxQueuedMessages: 1, queueOverflow: 'reject' } });
  await expect(publish('refused')).rejects.toMatchObject({ code: 0x97 });
  change({ mqtt: { maxQueuedMessages: 1, queueOverflow: 'drop-oldest' } });
  await publish('last');
  const back = await TestClient.connect(url as string, { clientId: 'away', clean: false });
  await back.messages(1);
  expect(back.payloads()).toEqual(['last']);
  await back.end();
  await publisher.end();
});

test('a WebSocket frame may be as large as the largest packet is now', async () => {
  const { wsUrl } = await start({ mqtt: { maxPacketSize: 1000 } });
  const payload = Buffer.alloc(2_000_000);
  const before = await TestClient.connect(wsUrl as string);
  const closed = before.closed();
  before.mqtt.publish('t', payload);
  await closed;
  change({ mqtt: { maxPacketSize: '3MB' } });
  const after = await TestClient.connect(wsUrl as string);
  await after.mqtt.publishAsync('t', payload, { qos: 1 });
  await after.end();
});

test('the log is compacted as the configuration says now', async () => {
  const storage = { enabled: true, dataDir: join(folder, 'data'), walDir: join(folder, 'wal') };
  const wal = { segmentSize: '1MiB' };
  const late = { maxWalSize: '1GB', checkInterval: '1h' };
  const compacted = new Promise<void>((resolve) => {
    const info = (event: string) => {
      if (event === 'storage-compacted') resolve();
    };
    void createBroker(complete({ storage: { ...storage, wal, compaction: late } }), {
      logger: { ...noopLogger, info },
    }).then(async (started) => {
      broker = started;
      const client = await TestClient.connect(started.url as string);
      const payload = Buffer.alloc(100_000);
      for (let count = 0; count < 40; count++) {
        await client.mqtt.publishAsync('t', payload, { qos: 1, retain: true });
      }
      await client.end();
      const soon = { maxWalSize: '1MiB', checkInterval: '100ms' };
      const { needRestart } = change({ storage: { ...storage, wal, compaction: soon } });
      expect(needRestart).toEqual([]);
    });
  });
  await compacted;
});
