import { afterEach, expect, test } from '@jest/globals';
import mqtt from 'mqtt';
import type { TestBroker, TestFaults } from '../../src/testing/index.ts';
import { PacketClient } from '../support/packet-client.ts';
import {
  client,
  closeAll,
  happened,
  messagesOf,
  testBroker,
} from '../support/test-broker-client.ts';

afterEach(closeAll);

const session = { clean: false, properties: { sessionExpiryInterval: 3600 } };

/** A client that does nothing by itself, connected. */
async function packetClient(t: TestBroker, clientId: string): Promise<PacketClient> {
  const connected = await PacketClient.open(t.url);
  connected.connect(clientId);
  await connected.next();
  return connected;
}

test('drop: a packet that was sent does not arrive, so many times', async () => {
  const t = await testBroker();
  const dropped = t.faults.drop('PUBACK', { client: 'dev-1', times: 1 });
  const device = await packetClient(t, 'dev-1');
  const other = await packetClient(t, 'dev-2');
  device.publish('a', '1', 1, 1);
  device.publish('a', '2', 1, 2);
  other.publish('a', '3', 1, 1);
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
  expect(await other.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(dropped.hits).toBe(1);
  expect(t.log).toMatch('dev-1 < PUBACK id=1 0x10 [lost]\n');
  await device.cut();
  await other.cut();
});

test('drop: what a client sends does not reach the broker, of the topic and direction that was asked for', async () => {
  const t = await testBroker();
  t.faults.drop('PUBLISH', { topic: 'a/#', direction: 'in', skip: 1 });
  const device = await packetClient(t, 'dev-1');
  device.subscribe('#', 9);
  await device.next();
  const alias = { properties: { topicAlias: 1 } };
  device.publish('a/b', '1', 0, 0, alias);
  device.publish('', '2', 0, 0, alias);
  device.publish('b', '3', 0, 0);
  const messages = await device.sentSoFar();
  expect(messages).toMatchObject([{ topic: 'a/b' }, { topic: 'b' }]);
  expect(t.received().map((message) => message.text())).toEqual(['1', '3']);
  await device.cut();
});

test('a fault that is undone happens no more', async () => {
  const t = await testBroker();
  const device = await packetClient(t, 'dev-1');
  const fault = t.faults.drop(['PUBACK', 'PUBREC']);
  device.publish('a', '1', 1, 1);
  device.publish('a', '2', 2, 2);
  expect(await device.sentSoFar()).toEqual([]);
  fault.undo();
  fault.undo();
  device.publish('a', '3', 1, 3);
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 3 });
  t.faults.drop('PUBACK');
  t.faults.clear();
  device.publish('a', '4', 1, 4);
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 4 });
  expect(fault.hits).toBe(2);
  await device.cut();
});

test('duplicate: a packet arrives twice', async () => {
  const t = await testBroker();
  const watcher = await client(t, 'watcher');
  await watcher.subscribeAsync('#', { qos: 1 });
  const messages = messagesOf(watcher);
  t.faults.duplicate('PUBLISH', { client: 'watcher', where: ({ cmd }) => cmd === 'publish' });
  const device = await client(t, 'dev-1');
  await device.publishAsync('a', 'x', { qos: 1 });
  await t.settle();
  expect(messages).toEqual(['a x', 'a x']);
});

test('delay: a packet arrives later by the clock, and what comes after it waits', async () => {
  const t = await testBroker({ clock: 'fake' });
  const device = await packetClient(t, 'dev-1');
  t.faults.delay('PUBACK', '3s', { times: 1 });
  device.publish('a', '1', 1, 1);
  device.publish('a', '2', 1, 2);
  device.subscribe('b', 3);
  await t.settle();
  await t.clock.advance('2999ms');
  t.clear();
  await t.clock.advance('1ms');
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
  expect(await device.next()).toMatchObject({ cmd: 'suback' });
  await device.cut();
});

test('delay: undone, what was held goes on at once', async () => {
  const t = await testBroker({ clock: 'fake' });
  const fault = t.faults.delay('CONNACK', '1h');
  const connecting = PacketClient.open(t.url);
  const device = await connecting;
  device.connect('dev-1');
  await t.settle();
  expect(t.log).toMatch(
    'dev-1 < CONNACK 0x00 receiveMaximum=1000 topicAliasMaximum=10 [held for 1h]',
  );
  fault.undo();
  expect(await device.next()).toMatchObject({ cmd: 'connack' });
  await device.cut();
});

test('cut: after a packet the broker has it, before it hasn’t; the will is published', async () => {
  const t = await testBroker();
  const watcher = await client(t, 'watcher');
  await watcher.subscribeAsync('w');
  const messages = messagesOf(watcher);
  for (const how of [{ after: 'PUBLISH' }, { before: 'PUBLISH' }] as const) {
    t.faults.cut({ client: 'dev-1', ...how });
    const device = await client(t, 'dev-1', { will: { topic: 'w', payload: Buffer.from('gone') } });
    const closed = happened(device, 'close');
    device.publish('a', Object.keys(how)[0] as string, { qos: 1 });
    await closed;
    await t.settle();
  }
  expect(t.received('a').map((message) => message.text())).toEqual(['after']);
  expect(messages).toEqual(['w gone', 'w gone']);
  // Once is enough: a client that comes again gets through.
  const device = await client(t, 'dev-1');
  await device.publishAsync('a', 'third', { qos: 1 });
});

test('cut: the exchange of QoS 2 is continued where it was cut [MQTT-4.4.0-1]', async () => {
  const t = await testBroker();
  t.faults.cut({ client: 'dev-1', after: 'PUBREC' });
  const device = await client(t, 'dev-1', { ...session, reconnectPeriod: 1 });
  await device.publishAsync('a', 'x', { qos: 2 });
  expect(t.received('a')).toHaveLength(1);
  expect(t.log).toMatch(/PUBREC id=1.* \[cut after\]\ndev-1 -- cut\ndev-1 > CONNECT/);
});

test('cut: now, one client or all', async () => {
  const t = await testBroker();
  const clients = [];
  for (const name of ['a', 'b', 'c']) clients.push(await client(t, name));
  const closed = clients.map((one) => happened(one, 'close'));
  expect(t.faults.cut({ client: 'a' }).hits).toBe(1);
  await closed[0];
  expect(clients.map((one) => one.connected)).toEqual([false, true, true]);
  expect(t.faults.cut().hits).toBe(2);
  await Promise.all(closed);
  expect(t.faults.cut().hits).toBe(0);
});

test('halfOpen: nothing gets through, and the broker notices by the keep alive', async () => {
  const t = await testBroker({ clock: 'fake' });
  const will = { topic: 'w', payload: Buffer.from('gone') };
  const device = await client(t, 'dev-1', { ...session, keepalive: 60, will });
  const watcher = await client(t, 'watcher');
  await watcher.subscribeAsync('w');
  const messages = messagesOf(watcher);
  const fault = t.faults.halfOpen('dev-1');
  device.publish('a', 'x');
  await t.settle();
  expect(t.received('a')).toEqual([]);
  await t.clock.advance('2m');
  expect(messages).toEqual(['w gone']);
  expect(device.connected).toBe(true);
  // Another connection of it is whole.
  const again = await client(t, 'dev-1', session);
  await again.publishAsync('a', 'y', { qos: 1 });
  const closed = happened(device, 'close');
  fault.undo();
  await closed;
});

test('halfOpen: what was sent arrives when the connection is whole again; and a client that gave up is noticed', async () => {
  const t = await testBroker({ clock: 'fake' });
  const fault = t.faults.halfOpen('dev-1');
  const device = await client(t, 'dev-1');
  const published = device.publishAsync('a', 'x', { qos: 1 });
  await t.settle();
  expect([fault.hits, t.received('a').length]).toEqual([1, 0]);
  fault.undo();
  await published;

  const other = await client(t, 'dev-2', session);
  const open = t.faults.halfOpen('dev-2');
  const closed = happened(other, 'close');
  other.stream.destroy();
  await closed;
  await t.settle();
  expect(t.broker.clients.get('dev-2')?.isConnected).toBe(true);
  open.undo();
  await t.settle();
  expect(t.broker.clients.get('dev-2')?.isConnected).toBe(false);
});

test('refuse: a packet is answered with a reason code, and does not reach the broker', async () => {
  const t = await testBroker();
  const device = await packetClient(t, 'dev-1');
  const fault = t.faults.refuse('PUBLISH', 0x97, { client: 'dev-1' });
  t.faults.refuse('SUBSCRIBE', 0x87);
  t.faults.refuse('UNSUBSCRIBE', 0x83);
  device.publish('a', '0', 0, 0);
  device.publish('a', '1', 1, 1);
  device.publish('a', '2', 2, 2);
  device.subscribe('a', 3);
  device.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a', 'b'] });
  expect(await device.sentSoFar()).toMatchObject([
    { cmd: 'puback', messageId: 1, reasonCode: 0x97 },
    { cmd: 'pubrec', messageId: 2, reasonCode: 0x97 },
    { cmd: 'suback', messageId: 3, granted: [0x87] },
    { cmd: 'unsuback', messageId: 4, granted: [0x83, 0x83] },
  ]);
  expect([t.received(), fault.hits]).toEqual([[], 3]);
  expect(t.log).toMatch(
    'dev-1 > PUBLISH a qos=1 id=1 "1" [refused]\ndev-1 < PUBACK id=1 0x97 [by a fault]',
  );
  await device.cut();
});

test.each([
  [5, 0x88, /Server unavailable|0x88|136/i],
  [4, 0x88, /Server unavailable/i],
  [4, 0x87, /Not authorized/i],
] as const)(
  'refuse: CONNECT of version %d with 0x%x, once',
  async (protocolVersion, code, message) => {
    const t = await testBroker();
    t.faults.refuse('CONNECT', code, { times: 1 });
    await expect(
      mqtt.connectAsync(t.url, { clientId: 'd', protocolVersion, reconnectPeriod: 0 }, false),
    ).rejects.toThrow(message);
    await client(t, 'd', { protocolVersion });
  },
);

test('refuse: where MQTT 3.1.1 has no answer, the connection is closed', async () => {
  const t = await testBroker();
  t.faults.refuse('PUBLISH', 0x97);
  const device = await client(t, 'd', { protocolVersion: 4 });
  const closed = happened(device, 'close');
  device.publish('a', 'x', { qos: 1 });
  await closed;
  expect(t.received()).toEqual([]);
});

test('slowReader: a client takes so many bytes a second, and the broker notices that much waits', async () => {
  const t = await testBroker({ clock: 'fake' });
  const reader = await client(t, 'reader');
  await reader.subscribeAsync('a');
  const messages = messagesOf(reader);
  const fault = t.faults.slowReader('reader', '1KB/s');
  const publisher = await client(t, 'pub');
  for (let number = 0; number < 5; number++)
    await publisher.publishAsync('a', 'x'.repeat(1018), { qos: 1 });
  // A byte of flags, two of length, three of topic, one of properties: of 1,025 bytes each.
  await t.clock.advance('2s');
  expect(messages).toHaveLength(1);
  await t.clock.advance('2s');
  expect(messages).toHaveLength(3);
  fault.undo();
  await t.settle();
  expect(messages).toHaveLength(5);
});

test('split: everything arrives byte by byte, in both directions', async () => {
  const t = await testBroker();
  t.faults.split(1);
  const chunks: number[] = [];
  const device = await client(t, 'dev-1');
  device.stream.on('data', (chunk: Buffer) => chunks.push(chunk.length));
  await device.subscribeAsync('a', { qos: 2 });
  const arrived = happened(device, 'message');
  await device.publishAsync('a', 'hello', { qos: 2 });
  expect(String((await arrived)[1])).toBe('hello');
  expect(Math.max(...chunks)).toBe(1);
});

test('random: the same seed has the same faults, another one others', async () => {
  const logs: string[] = [];
  for (const seed of [1, 1, 2]) {
    const t = await testBroker({ clock: 'fake', storage: true });
    const fault = t.faults.random({ seed, rate: 0.2, kinds: ['cut', 'split', 'duplicate'] });
    const device = await client(t, 'dev-1', { ...session, reconnectPeriod: 1 }).catch(() => null);
    if (device !== null) {
      for (let number = 0; number < 30; number++) {
        await device.publishAsync('a', String(number), { qos: 1 });
      }
    }
    expect(fault.hits).toBeGreaterThan(3);
    logs.push(t.log);
    await t.stop();
  }
  expect(logs[1]).toBe(logs[0]);
  expect(logs[2]).not.toBe(logs[0]);
});

test('random: with what a network does, QoS 1 arrives all the same', async () => {
  const t = await testBroker({ seed: 3, storage: true });
  const fault = t.faults.random({ rate: 0.15, delay: '2ms', client: 'dev-1' });
  const device = mqtt.connect(t.url, {
    ...session,
    clientId: 'dev-1',
    protocolVersion: 5,
    reconnectPeriod: 1,
  });
  device.on('error', () => {});
  for (let number = 0; number < 30; number++) {
    await device.publishAsync('a', String(number), { qos: 1 });
  }
  const numbers = new Set(t.received('a').map((message) => message.text()));
  expect([...numbers]).toEqual(Array.from({ length: 30 }, (_, number) => String(number)));
  expect(fault.hits).toBeGreaterThan(5);
  await device.endAsync(true);
});

test.each<[string, (faults: TestFaults) => void]>([
  [
    'faults.drop: "PUBLSH" is not the name of a packet: CONNECT, CONNACK',
    (f) => f.drop('PUBLSH' as 'PUBLISH'),
  ],
  [
    'faults.drop: there is no option clientId: there are client, direction',
    (f) => f.drop('PUBACK', { clientId: 'x' } as object),
  ],
  [
    'faults.drop: client: 1 is not a client identifier',
    (f) => f.drop('PUBACK', { client: 1 as unknown as string }),
  ],
  [
    "faults.drop: direction: \"up\" is not 'in' (what a client sends) or 'out'",
    (f) => f.drop('PUBACK', { direction: 'up' as 'in' }),
  ],
  [
    'faults.drop: topic: "a/#/b" is not a topic filter',
    (f) => f.drop('PUBLISH', { topic: 'a/#/b' }),
  ],
  ['faults.drop: times: 0 is not a whole number from 1', (f) => f.drop('PUBLISH', { times: 0 })],
  ['faults.drop: skip: -1 is not a whole number from 0', (f) => f.drop('PUBLISH', { skip: -1 })],
  [
    'faults.drop: where: true is not a function',
    (f) => f.drop('PUBLISH', { where: true as never }),
  ],
  [
    "faults.delay: 3 is not a duration such as '100ms'",
    (f) => f.delay('CONNACK', 3 as unknown as string),
  ],
  ['faults.cut: after or before, not both', (f) => f.cut({ after: 'PUBREC', before: 'PUBREC' })],
  ['faults.cut: times is for a cut after or before a packet', (f) => f.cut({ times: 2 })],
  [
    'faults.halfOpen: undefined is not a client identifier',
    (f) => f.halfOpen(undefined as unknown as string),
  ],
  [
    'faults.refuse: "PUBACK" is not a packet that can be refused: CONNECT, PUBLISH',
    (f) => f.refuse('PUBACK' as 'PUBLISH', 0x80),
  ],
  [
    'faults.refuse: reason code: 0 is not a whole number from 128 to 255',
    (f) => f.refuse('PUBLISH', 0),
  ],
  [
    "faults.slowReader: \"fast\" is not a rate such as '100B/s', '1KB/s' or '1MB/s', above 0",
    (f) => f.slowReader('x', 'fast'),
  ],
  ['faults.slowReader: "0B/s" is not a rate', (f) => f.slowReader('x', '0B/s')],
  ['faults.split: 0 is not a whole number from 1 to 65535', (f) => f.split(0)],
  ['faults.random: rate: 2 is not a number above 0 and up to 1', (f) => f.random({ rate: 2 })],
  [
    'faults.random: kinds: "melt" is not one of cut, delay, split, drop, duplicate',
    (f) => f.random({ rate: 1, kinds: ['melt' as 'cut'] }),
  ],
  ['faults.random: kinds: [] is not a list of cut', (f) => f.random({ rate: 1, kinds: [] })],
  ['faults.random: seed: 1.5 is not a whole number', (f) => f.random({ rate: 1, seed: 1.5 })],
])('%s', async (message, act) => {
  const t = await testBroker();
  expect(() => act(t.faults)).toThrow(
    expect.objectContaining({ code: 'bad-argument', message: expect.stringContaining(message) }),
  );
});
