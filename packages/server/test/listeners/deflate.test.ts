import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encode } from '@promptmq/codec';
import { type ClientOptions, WebSocket } from 'ws';
import { createBroker, parseConfig, type RunningBroker } from '../../src/index.ts';
import { agreeOnDeflate } from '../../src/listeners/websocket/deflate-offer.ts';
import { MessageQueue } from '../../src/listeners/websocket/message-queue.ts';
import { TestClient } from '../support/mqtt-client.ts';

const MAX = 100_000;
let broker: RunningBroker;

beforeAll(async () => {
  const bind = '127.0.0.1:0';
  broker = await createBroker({
    listeners: [
      { name: 'deflating', kind: 'ws', bind, deflate: true, deflateMaxSize: MAX },
      { name: 'plain', kind: 'ws', bind },
    ],
  });
});

afterAll(() => broker.stop());

const urlOf = (name: string) => `${broker.listeners.find((one) => one.name === name)?.url}/mqtt`;

const connectBytes = encode({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  clientId: '',
  keepalive: 0,
}) as Uint8Array;

async function open(name: string, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(urlOf(name), ['mqtt'], options);
  await once(socket, 'open');
  return socket;
}

const everything = { perMessageDeflate: { threshold: 0 } };

test('MQTT.js sends and gets compressed messages, of any size', async () => {
  const client = await TestClient.connect(urlOf('deflating'), {
    wsOptions: everything,
    protocolVersion: 5,
  });
  await client.mqtt.subscribeAsync('t', { qos: 1 });
  const payloads = [1, 300, 5000, 20_000, 90_000].map((size) => 'abc'.repeat(size / 3 + 1));
  for (const payload of payloads) await client.mqtt.publishAsync('t', payload, { qos: 1 });
  await client.messages(payloads.length);
  expect(client.payloads()).toEqual(payloads);
  await client.end();
});

test('what is sent is compressed, where that makes it smaller', async () => {
  const socket = await open('deflating', everything);
  expect(socket.extensions).toBe('permessage-deflate');
  const sizes: number[] = [];
  (socket as unknown as { _socket: NodeJS.ReadableStream })._socket.on('data', (chunk: Buffer) =>
    sizes.push(chunk.length),
  );
  socket.send(connectBytes);
  await once(socket, 'message');
  const subscriptions = [{ topic: 'big', qos: 0 as const }];
  socket.send(
    encode({ cmd: 'subscribe', messageId: 1, subscriptions }, { protocolVersion: 5 }) as Uint8Array,
  );
  await once(socket, 'message');
  sizes.length = 0;
  await broker.publish({ topic: 'big', payload: 'a'.repeat(10_000) });
  const [message] = (await once(socket, 'message')) as [Buffer];
  expect(message.length).toBeGreaterThan(10_000);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200);
  socket.terminate();
});

test('messages in pieces, and uncompressed ones between, keep their order', async () => {
  const socket = await open('deflating', everything);
  const packets: Buffer[] = [];
  socket.on('message', (data: Buffer) => packets.push(data));
  socket.send(connectBytes);
  await once(socket, 'message');
  for (let id = 1; id <= 6; id++) {
    const packet = encode(
      {
        cmd: 'publish',
        topic: 't',
        payload: Buffer.alloc(50_000),
        qos: 1,
        messageId: id,
        dup: false,
        retain: false,
      } as never,
      { protocolVersion: 5 },
    ) as Uint8Array;
    const isCompressed = id % 2 === 1;
    socket.send(packet.subarray(0, 20_000), { fin: false, compress: isCompressed });
    socket.send(packet.subarray(20_000), { fin: true, compress: isCompressed });
  }
  while (packets.length < 7) await once(socket, 'message');
  expect(packets.slice(1).map((packet) => [packet[0], packet[3]])).toEqual(
    [1, 2, 3, 4, 5, 6].map((id) => [0x40, id]),
  );
  socket.terminate();
});

test.each([false, true])('a bomb is not inflated; connected: %j', async (isConnected) => {
  const socket = await open('deflating', everything);
  if (isConnected) {
    socket.send(connectBytes);
    await once(socket, 'message');
  }
  socket.send(Buffer.alloc(50_000_000));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1009);
});

test('MQTT 5 clients that compress get what a message may be inflated to', async () => {
  const socket = await open('deflating', everything);
  socket.send(connectBytes);
  const [connack] = (await once(socket, 'message')) as [Buffer];
  // Maximum Packet Size, 0x27.
  expect(connack.toString('hex')).toContain(`27${MAX.toString(16).padStart(8, '0')}`);
  socket.terminate();
});

test('what is not compressed as it says closes the connection', async () => {
  const socket = await open('deflating', everything);
  const raw = (socket as unknown as { _socket: NodeJS.WritableStream })._socket;
  raw.write(Buffer.from([0xc2, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1002);
});

test('without agreement nothing is compressed, and whoever does is closed', async () => {
  const plain = await open('plain', everything);
  expect(plain.extensions).toBe('');
  const raw = (plain as unknown as { _socket: NodeJS.WritableStream })._socket;
  raw.write(Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 0x00]));
  expect((await once(plain, 'close'))[0]).toBe(1002);
  const shy = await open('deflating', { perMessageDeflate: false });
  expect(shy.extensions).toBe('');
  shy.terminate();
});

describe('offers', () => {
  const both = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

  test.each<[string | undefined, string | null]>([
    [undefined, null],
    ['x-webkit-deflate-frame', null],
    ['permessage-deflate', both],
    ['permessage-deflate; client_max_window_bits', both],
    ['permessage-deflate; client_max_window_bits=10; server_no_context_takeover', both],
    ['permessage-deflate; server_max_window_bits=10', `${both}; server_max_window_bits=10`],
    ['permessage-deflate; server_max_window_bits="12"', `${both}; server_max_window_bits=12`],
    ['permessage-deflate; server_max_window_bits=8, permessage-deflate', both],
    ['permessage-deflate; server_max_window_bits', null],
    ['permessage-deflate; server_max_window_bits=16', null],
    ['permessage-deflate; client_max_window_bits=7', null],
    ['permessage-deflate; client_no_context_takeover=1', null],
    ['permessage-deflate; mystery', null],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits', null],
  ])('%s: %s', (offers, answer) => {
    expect(agreeOnDeflate(offers)?.answer ?? null).toBe(answer);
  });
});

test('many small messages that become large ones wait for their turn', async () => {
  const inflated: number[] = [];
  const events: boolean[] = [];
  const queue = new MessageQueue({
    inflatedBytesMax: 1_000_000,
    onInflated: (bytes) => inflated.push(bytes.length),
    onUnfit: () => inflated.push(-1),
    onBehind: (isBehind) => events.push(isBehind),
  });
  const message = deflateRawSync(Buffer.alloc(700_000), { finishFlush: constants.Z_SYNC_FLUSH });
  let isDone = false;
  for (let count = 0; count < 5; count++) {
    queue.add(message.subarray(0, -4));
    queue.end();
  }
  queue.after(() => {
    isDone = true;
  });
  // Two are more than a turn has.
  expect([inflated.length, isDone, events]).toEqual([2, false, [true]]);
  await setImmediate();
  expect(inflated.length).toBe(4);
  queue.pause();
  await setImmediate();
  expect(inflated.length).toBe(4);
  queue.resume();
  expect([inflated.length, isDone]).toEqual([5, true]);
  expect(events.at(-1)).toBe(false);
});

test('it is for listeners that take WebSockets', () => {
  const listener = { kind: 'tcp' as const, bind: ':0', deflate: true };
  expect(() => parseConfig({ listeners: [listener] })).toThrow(/^listeners\[0\]\.deflate/);
});
