import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import { WebSocket } from 'ws';
import { createBroker, type RunningBroker } from '../../src/index.ts';

let broker: RunningBroker;

beforeAll(async () => {
  broker = await createBroker({ mqtt: { maxPacketSize: '10KB' } });
});

afterAll(() => broker.stop());

const connectBytes = encode({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  clientId: '',
  keepalive: 0,
}) as Uint8Array;
const pingBytes = Uint8Array.of(0xc0, 0);

/** A WebSocket that reads MQTT packets. */
class WebSocketClient {
  readonly socket: WebSocket;
  readonly closed: Promise<unknown[]>;
  readonly packets: Packet[] = [];
  #waiting: (() => void) | null = null;

  constructor(path: string, protocols: string[] = ['mqtt']) {
    this.socket = new WebSocket(`${broker.wsUrl}${path}`, protocols);
    this.closed = once(this.socket, 'close');
    const decoder = new PacketDecoder({ protocolVersion: 5, receiver: 'client' });
    this.socket.on('message', (data: Buffer) => {
      this.packets.push(...decoder.push(data));
      this.#waiting?.();
    });
  }

  async open(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  async received(count: number): Promise<string[]> {
    while (this.packets.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.packets.map(({ cmd }) => cmd);
  }
}

test.each(['/mqtt', '/', '/mqtt?token=x'])(
  'it serves at %s with the subprotocol mqtt [MQTT-6.0.0-4]',
  async (path) => {
    const client = await new WebSocketClient(path, ['other', 'mqtt']).open();
    expect(client.socket.protocol).toBe('mqtt');
    client.socket.send(connectBytes);
    expect(await client.received(1)).toEqual(['connack']);
    client.socket.close();
    await client.closed;
  },
);

test('packets may be split over frames, and a frame may hold several [MQTT-6.0.0-2]', async () => {
  const client = await new WebSocketClient('/mqtt').open();
  for (const byte of connectBytes) client.socket.send(Uint8Array.of(byte));
  client.socket.send(Buffer.concat([pingBytes, pingBytes, pingBytes.subarray(0, 1)]));
  client.socket.send(pingBytes.subarray(1));
  expect(await client.received(4)).toEqual(['connack', 'pingresp', 'pingresp', 'pingresp']);
  client.socket.close();
  await client.closed;
});

test('a text frame closes the connection [MQTT-6.0.0-1]', async () => {
  const client = await new WebSocketClient('/mqtt').open();
  client.socket.send(connectBytes);
  await client.received(1);
  client.socket.send('text');
  expect((await client.closed)[0]).toBe(1003);
  expect(broker.stats.connectionsCurrent).toBe(0);
});

test('a frame may be larger than the largest packet, but has a limit [MQTT-6.0.0-2]', async () => {
  const client = await new WebSocketClient('/mqtt').open();
  const pings = Array.from({ length: 10_000 }, () => pingBytes);
  client.socket.send(Buffer.concat([connectBytes, ...pings]));
  expect(await client.received(10_001)).toContain('pingresp');
  client.socket.send(new Uint8Array(1_100_000));
  expect((await client.closed)[0]).toBe(1009);
});

test('a DISCONNECT with its reason comes before the close', async () => {
  const client = await new WebSocketClient('/mqtt').open();
  client.socket.send(Buffer.concat([connectBytes, connectBytes]));
  expect(await client.received(2)).toEqual(['connack', 'disconnect']);
  await client.closed;
});

test.each([
  ['another subprotocol [MQTT-6.0.0-3]', '/mqtt', ['other'], 400],
  ['no subprotocol', '/mqtt', [], 400],
  ['another path', '/other', ['mqtt'], 404],
])('%s is refused', async (_name, path, protocols, status) => {
  const socket = new WebSocket(`${broker.wsUrl}${path}`, protocols);
  const [, response] = await once(socket, 'unexpected-response');
  expect(response.statusCode).toBe(status);
  response.resume();
  socket.on('error', () => {});
  socket.terminate();
});

test('a plain HTTP request is told what this is', async () => {
  const get = request(`${broker.wsUrl}/mqtt`.replace('ws:', 'http:'));
  get.end();
  const [response] = await once(get, 'response');
  expect(response.statusCode).toBe(426);
  response.resume();
  await once(response, 'close');
});

test('a socket that is cut in the middle of the handshake hurts nobody', async () => {
  const socket = connectSocket(Number(new URL(`${broker.wsUrl}`).port));
  socket.write('GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  await once(socket, 'data');
  socket.resetAndDestroy();
  const client = await new WebSocketClient('/mqtt').open();
  client.socket.close();
  await client.closed;
});
