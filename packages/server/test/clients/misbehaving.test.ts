import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { encode, type Packet } from '@promptmq/codec';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { TestClient } from '../support/mqtt-client.ts';

let broker: RunningBroker;

beforeEach(async () => {
  broker = await createBroker({
    mqtt: { maxOutputBuffer: '256KB', connectTimeout: '200ms', maxPacketSize: '1MB' },
  });
});

afterEach(() => broker.stop());

function openSocket(): Socket {
  return connectSocket({ host: '127.0.0.1', port: Number(new URL(`${broker.url}`).port) });
}

function bytesOf(packet: Packet): Uint8Array {
  return encode(packet, { protocolVersion: 4 }) as Uint8Array;
}

function connectPacket(clientId: string): Packet {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 0,
  };
}

test('1,000 clients are connected at once and each gets its own messages', async () => {
  const clients = await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      TestClient.connect(`${broker.url}`, { clientId: `client-${index}` }),
    ),
  );
  expect(broker.stats.connectionsCurrent).toBe(1000);
  await Promise.all(
    clients.map((client, index) => client.mqtt.subscribeAsync([`own/${index}`, 'all'], { qos: 1 })),
  );
  await Promise.all(
    clients.map((client, index) =>
      client.mqtt.publishAsync(`own/${(index + 1) % 1000}`, `${(index + 1) % 1000}`, { qos: 1 }),
    ),
  );
  await clients[0]?.mqtt.publishAsync('all', 'everyone', { qos: 1 });
  for (const [index, client] of clients.entries()) {
    await client.messages(2);
    expect(client.payloads().sort()).toEqual([`${index}`, 'everyone'].sort());
  }
  await Promise.all(clients.map((client) => client.end()));
});

test('a subscriber that never reads costs bounded memory and disturbs nobody', async () => {
  const deaf = openSocket();
  deaf.pause();
  deaf.write(bytesOf(connectPacket('deaf')));
  deaf.write(
    bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood', qos: 0 }] }),
  );
  const subscriber = await TestClient.connect(`${broker.url}`);
  await subscriber.mqtt.subscribeAsync('flood', { qos: 1 });
  const publisher = await TestClient.connect(`${broker.url}`);
  const payload = Buffer.alloc(100_000, 'x');
  for (let index = 0; index < 200; index++) {
    await publisher.mqtt.publishAsync('flood', payload, { qos: 1 });
  }
  await subscriber.messages(200);
  expect(broker.stats.dropped['slow-subscriber']).toBeGreaterThan(50);
  deaf.destroy();
  await subscriber.end();
  await publisher.end();
});

test('a client that says nothing is closed after the connect timeout', async () => {
  const socket = openSocket();
  await once(socket, 'close');
});

test('garbage closes the connection and nothing else', async () => {
  const bystander = await TestClient.connect(`${broker.url}`);
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    '\0\0\0\0',
    '\x10\xff\xff\xff\xff\xff',
    '\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0\xf0',
  ]) {
    const socket = openSocket();
    socket.on('error', () => {});
    socket.resume();
    socket.end(Buffer.from(bytes, 'latin1'));
    await once(socket, 'close');
  }
  await bystander.mqtt.subscribeAsync('still/here', { qos: 1 });
  await bystander.mqtt.publishAsync('still/here', 'yes', { qos: 1 });
  await bystander.messages(1);
  await bystander.end();
});

test('a packet that declares more than the maximum is refused before it comes [MQTT-3.2.2-15]', async () => {
  const socket = openSocket();
  socket.write(bytesOf(connectPacket('greedy')));
  await once(socket, 'data');
  socket.resume();
  socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
  await once(socket, 'end');
  socket.destroy();
});

test('a killed client is gone: its session ends and its subscriptions with it', async () => {
  const socket = openSocket();
  socket.write(bytesOf(connectPacket('killed')));
  socket.write(
    bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 1 }] }),
  );
  const [first] = await once(socket, 'data');
  if (first.length < 9) await once(socket, 'data');
  expect(broker.stats.subscriptionsCurrent).toBe(1);
  const observer = await TestClient.connect(`${broker.url}`);
  socket.resetAndDestroy();
  // What the broker makes of the reset comes before what it makes of a later packet.
  while (broker.stats.sessionsCurrent > 1) {
    await observer.mqtt.publishAsync('tick', '', { qos: 1 });
  }
  expect(broker.stats.subscriptionsCurrent).toBe(0);
  await observer.end();
});

test('stopping tells MQTT 5 clients that the server is shutting down (0x8B)', async () => {
  const client = await TestClient.connect(`${broker.url}`, { protocolVersion: 5 });
  const disconnect = new Promise<{ reasonCode?: number }>((resolve) => {
    client.mqtt.once('disconnect', resolve);
  });
  const closed = client.closed();
  await broker.stop();
  expect((await disconnect).reasonCode).toBe(0x8b);
  await closed;
});

test('a port that is taken is an error, and leaves nothing open', async () => {
  const bind = new URL(`${broker.url}`).host;
  await expect(createBroker({ server: { bind } })).rejects.toThrow('EADDRINUSE');
});
