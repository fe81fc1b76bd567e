import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encode, type Packet } from '@promptmq/codec';
import mqtt from 'mqtt';
import { connectBytes, PacketClient } from '../support/packet-client.ts';
import { THERE, TwoBrokers } from './two-brokers.ts';

let brokers: TwoBrokers;
let clients: PacketClient[];

beforeEach(async () => {
  clients = [];
  brokers = await TwoBrokers.start({ mqtt: { connectTimeout: '2s', maxConnectSize: '4KiB' } });
});

afterEach(async () => {
  for (const client of clients) await client.cut();
  await brokers.stop();
});

const url = () => brokers.here.running.url as string;

async function open(): Promise<PacketClient> {
  const client = await PacketClient.open(url());
  clients.push(client);
  return client;
}

async function connected(clientId: string, fields: object = {}): Promise<PacketClient> {
  const client = await open();
  client.connect(clientId, fields);
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  return client;
}

/** Of the brokers here and there. */
const counts = () =>
  [brokers.here, brokers.there].map(({ running }) => running.stats.connectionsCurrent);

describe('a front', () => {
  test('has each client served where its session is', async () => {
    await connected('one');
    await connected(`${THERE}one`);
    await connected(`${THERE}two`);
    expect(counts()).toEqual([1, 2]);
    expect(brokers.front.relayed).toBe(2);
  });

  test('a relayed client is served as any: subscriptions, QoS 2, large messages, its DISCONNECT', async () => {
    const client = await connected(`${THERE}one`);
    client.subscribe('t', 1);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [2] });
    const payload = 'x'.repeat(1_000_000);
    client.publish('t', payload, 2, 7);
    const got = await client.next();
    expect(got).toMatchObject({ cmd: 'publish', topic: 't', qos: 2 });
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 });
    expect((got as Packet & { payload: Buffer }).payload.toString() === payload).toBe(true);
    client.send({ cmd: 'disconnect', reasonCode: 0 } as Packet);
    expect(await client.next()).toBeNull();
    await until(() => counts()[1] === 0 && brokers.front.relayed === 0);
  });

  test('a client of MQTT 5 is told where its session is, others are passed on [3.2.2.3.16, 4.11]', async () => {
    brokers.reference = 'two.of.the.nodes.of.this.test.cluster.example.com:1883';
    const client = mqtt.connect(url(), {
      ...{ clientId: `${THERE}one`, protocolVersion: 5, reconnectPeriod: 0 },
    });
    client.on('error', () => {});
    const answer = await new Promise((resolve) => client.once('packetreceive', resolve));
    expect(answer).toMatchObject({
      ...{ cmd: 'connack', sessionPresent: false, reasonCode: 0x9c },
      properties: { serverReference: brokers.reference },
    });
    await client.endAsync(true);
    expect([brokers.front.sentElsewhere, brokers.front.relayed]).toEqual([1, 0]);
    const former = mqtt.connect(url(), {
      ...{ clientId: `${THERE}two`, protocolVersion: 4, reconnectPeriod: 0 },
    });
    await new Promise((resolve) => former.once('connect', resolve));
    // One that might not take the answer is passed on, too [MQTT-3.1.2-24].
    await connected(`${THERE}three`, { properties: { maximumPacketSize: 60 } });
    await connected('four');
    expect(brokers.front.relayed).toBe(2);
    await former.endAsync(true);
  });

  test('CONNECT may come in pieces, with what follows it, and the rest of the stream at any time', async () => {
    const socket = connect(Number(new URL(url()).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    const bytes = Buffer.concat([
      encodeConnect(`${THERE}one`),
      encode({ cmd: 'pingreq' }) as Uint8Array,
      encode({ cmd: 'pingreq' }) as Uint8Array,
    ]);
    for (const byte of bytes) {
      await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
    }
    await until(() => Buffer.concat(chunks).length === 8);
    expect(Buffer.concat(chunks).toString('hex')).toBe('20020000d000d000');
    expect(counts()).toEqual([0, 1]);
    socket.destroy();
    await until(() => counts()[1] === 0);
  });

  test('a client that closes without DISCONNECT has its will published', async () => {
    const watcher = await connected(`${THERE}watcher`);
    watcher.subscribe('will', 1);
    await watcher.next();
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false };
    const client = await connected(`${THERE}one`, { will });
    await client.cut();
    expect(await watcher.next()).toMatchObject({ cmd: 'publish', topic: 'will' });
  });

  test('what a client has sent before it ends its side counts', async () => {
    const watcher = await connected(`${THERE}watcher`);
    watcher.subscribe('t', 1);
    await watcher.next();
    const socket = connect(Number(new URL(url()).port), '127.0.0.1');
    const publish = {
      cmd: 'publish',
      topic: 't',
      payload: Buffer.from('last'),
      qos: 0,
      dup: false,
      retain: false,
    };
    socket.end(Buffer.concat([encodeConnect(`${THERE}one`), encode(publish as Packet) as Buffer]));
    socket.resume();
    expect(await watcher.next()).toMatchObject({ cmd: 'publish', topic: 't' });
    await once(socket, 'close');
    await until(() => counts()[1] === 1);
  });

  test('is taken over from another connection to it [MQTT-3.1.4-3]', async () => {
    const first = await connected(`${THERE}one`);
    await connected(`${THERE}one`);
    expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    expect(await first.next()).toBeNull();
    expect(counts()).toEqual([0, 1]);
  });

  test('over WebSocket a relayed client is served in frames as any', async () => {
    const wsUrl = brokers.here.running.wsUrl as string;
    const client = await mqtt.connectAsync(wsUrl, { clientId: `${THERE}ws`, reconnectPeriod: 0 });
    await client.subscribeAsync('t', { qos: 1 });
    const payload = 'y'.repeat(600_000);
    const message = new Promise<Buffer>((resolve) => {
      client.on('message', (_, bytes) => resolve(bytes));
    });
    await client.publishAsync('t', payload, { qos: 1 });
    expect((await message).toString() === payload).toBe(true);
    expect(counts()).toEqual([0, 1]);
    const found = brokers.there.running.clients.get(`${THERE}ws`);
    expect(found).toMatchObject({ protocol: 'websocket', isConnected: true });
    await client.endAsync();
  });

  test('a slow client holds up itself: what waits for it stays where its session is', async () => {
    const slow = await connected(`${THERE}slow`);
    slow.subscribe('t', 1, 0);
    await slow.next();
    slow.pause();
    const publisher = await connected(`${THERE}publisher`);
    const payload = 'x'.repeat(100_000);
    let isHeldBack = false;
    for (let count = 0; count < 1000 && !isHeldBack; count++) {
      publisher.publish('t', payload, 0, 0);
      if (count % 10 === 0) await publisher.sentSoFar();
      isHeldBack = brokers.there.running.stats.publishersHeldBack > 0;
    }
    expect(isHeldBack).toBe(true);
    const other = await connected(`${THERE}other`);
    other.subscribe('elsewhere', 1, 0);
    await other.next();
  });

  test('a client waits while the broker of its session can not be reached, then is served', async () => {
    brokers.cut();
    await until(() => !brokers.isLinked);
    const client = await open();
    client.connect(`${THERE}one`);
    client.send({ cmd: 'pingreq' });
    await until(() => brokers.waitingCount === 1);
    await connected('one');
    brokers.link();
    expect(await client.next()).toMatchObject({ cmd: 'connack' });
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
    expect(counts()).toEqual([1, 1]);
  });

  test('one that has to wait for too long is told to try again, and closed', async () => {
    brokers.cut();
    await until(() => !brokers.isLinked);
    const late = await open();
    late.connect(`${THERE}late`);
    expect(await late.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x88 });
    expect(await late.next()).toBeNull();
    expect(brokers.waitingCount).toBe(0);
    expect(brokers.refusedCount).toBe(1);
    const former = connect(Number(new URL(url()).port), '127.0.0.1');
    former.write(encodeConnect(`${THERE}former`));
    const [answer] = (await once(former, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('20020003');
    await once(former, 'close');
    expect(counts()).toEqual([0, 0]);
  });

  test('its clients are disconnected with the link, and their sessions stay', async () => {
    const client = await connected(`${THERE}one`);
    brokers.cut();
    expect(await client.next()).toBeNull();
    await until(() => counts()[1] === 0 && brokers.front.relayed === 0);
    brokers.link();
    const again = await open();
    again.connect(`${THERE}one`);
    expect(await again.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  });

  test.each([
    ['no CONNECT', Buffer.from([0xc0, 0])],
    ['a malformed one', Buffer.from([0x10, 2, 0, 9])],
    ['one that is too large', encodeConnect(`${THERE}${'x'.repeat(5000)}`)],
  ])('%s is refused by the broker here', async (_, bytes) => {
    const socket = connect(Number(new URL(url()).port), '127.0.0.1');
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    expect(counts()).toEqual([0, 0]);
    expect(brokers.there.running.stats.socketsAccepted).toBe(0);
  });

  test('who never finishes its CONNECT is closed by the time-out of the broker here', async () => {
    const socket: Socket = connect(Number(new URL(url()).port), '127.0.0.1');
    socket.resume();
    socket.write(connectBytes.subarray(0, 10));
    await once(socket, 'close');
    expect(brokers.here.running.stats.socketsRefused).toMatchObject({ timeout: 1 });
  });

  test('when the other broker stops, its clients hear of it', async () => {
    const client = await connected(`${THERE}one`);
    await brokers.there.running.stop();
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    expect(await client.next()).toBeNull();
    await brokers.front.drained(60_000);
  });
});

function encodeConnect(clientId: string): Buffer {
  const fields = { protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0, clientId };
  return encode({ cmd: 'connect', ...fields } as Packet) as Buffer;
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise(setImmediate);
}
