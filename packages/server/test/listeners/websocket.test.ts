import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import { WebSocket } from 'ws';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { FrameReader } from '../../src/listeners/websocket/frame-reader.ts';
import { PacketClient } from '../support/packet-client.ts';

let broker: RunningBroker;

beforeAll(async () => {
  broker = await createBroker({
    server: { wsMaxFrameSize: '1MB' },
    mqtt: { maxPacketSize: '10KB' },
  });
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

function upgradeRequest(origin = ''): string {
  return (
    'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    (origin === '' ? '' : `Origin: ${origin}\r\n`) +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Protocol: mqtt\r\n\r\n'
  );
}

/** A masked frame of up to 125 bytes. */
function frameOf(payload: Uint8Array, first = 0x82): Buffer {
  const mask = [0x12, 0x34, 0x56, 0x78];
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] as number));
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, ...mask]), masked]);
}

/** A WebSocket that reads MQTT packets. */
class WebSocketClient {
  readonly socket: WebSocket;
  readonly closed: Promise<unknown[]>;
  readonly packets: Packet[] = [];
  #waiting: (() => void) | null = null;

  constructor(path: string, protocols: string[] = ['mqtt'], { wsUrl } = broker) {
    this.socket = new WebSocket(`${wsUrl}${path}`, protocols);
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

test('a frame may be larger than the largest packet [MQTT-6.0.0-2]', async () => {
  const client = await new WebSocketClient('/mqtt').open();
  const pings = Array.from({ length: 10_000 }, () => pingBytes);
  client.socket.send(Buffer.concat([connectBytes, ...pings]));
  expect(await client.received(10_001)).toContain('pingresp');
  client.socket.close();
  await client.closed;
});

describe('the header of a frame', () => {
  /** A WebSocket of which the test writes the bytes. */
  async function openRaw(origin = ''): Promise<Socket> {
    const socket = connectSocket(Number(new URL(`${broker.wsUrl}`).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(upgradeRequest(origin));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    return socket;
  }

  async function allBytesOf(socket: Socket): Promise<Buffer> {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    return Buffer.concat(chunks);
  }

  /** The header of a masked binary frame with 8 bytes of size. */
  function header(size: number, first = 0x82): Buffer {
    const bytes = Buffer.alloc(14);
    bytes[0] = first;
    bytes[1] = 0xff;
    bytes.writeBigUInt64BE(BigInt(size), 2);
    return bytes;
  }

  test('of 200 MB is refused before CONNECT, without a byte of the frame', async () => {
    const refusedBefore = broker.stats.socketsRefused.websocket;
    const socket = await openRaw();
    socket.end(header(200_000_000));
    expect((await allBytesOf(socket)).toString('hex')).toBe('880203f1'); // Close, 1009
    expect(broker.stats.socketsRefused.websocket).toBe(refusedBefore + 1);
  });

  test('above server.ws-max-frame-size is refused after CONNECT, with the reason', async () => {
    const socket = await openRaw();
    socket.write(frameOf(connectBytes));
    await once(socket, 'data');
    socket.end(header(1_000_001));
    const bytes = (await allBytesOf(socket)).toString('hex');
    expect(bytes).toMatch(/^82..e0..95/); // DISCONNECT, 0x95
    expect(bytes).toMatch(/880203f1$/);
  });

  test.each([
    ['without a mask', Buffer.from('8200', 'hex')],
    ['with reserved bits', header(1, 0xc2)],
    ['with an unknown opcode', header(1, 0x83)],
    ['of an unknown control frame', header(1, 0x8b)],
    ['of a control frame that is too long', header(126, 0x89)],
    ['of a fragmented control frame', Buffer.from('098000000000', 'hex')],
    ['of a continuation without beginning', header(1, 0x80)],
  ])('%s closes the connection with 1002', async (_name, bytes) => {
    const socket = await openRaw();
    socket.end(bytes);
    expect((await allBytesOf(socket)).toString('hex')).toBe('880203ea');
  });
});

test('the frame limit is the Maximum Packet Size that MQTT 5 clients get', async () => {
  const limited = await createBroker({ server: { wsMaxFrameSize: '1MB' } });
  const client = await new WebSocketClient('/mqtt', ['mqtt'], limited).open();
  client.socket.send(connectBytes);
  await client.received(1);
  expect(client.packets[0]).toMatchObject({ properties: { maximumPacketSize: 1_000_000 } });
  client.socket.close();
  await client.closed;
  await limited.stop();
});

test('packets, pings and fragments may come in any pieces', async () => {
  const bytes = Buffer.concat([
    frameOf(connectBytes.subarray(0, 3), 0x02),
    frameOf(Buffer.from('hi'), 0x89),
    frameOf(connectBytes.subarray(3), 0x80),
    frameOf(pingBytes),
    frameOf(Buffer.alloc(0)),
    frameOf(pingBytes),
    frameOf(Buffer.from([0x03, 0xe8]), 0x88),
  ]);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const socket = connectSocket(Number(new URL(`${broker.wsUrl}`).port), '127.0.0.1');
    socket.setNoDelay(true);
    socket.write(upgradeRequest());
    await once(socket, 'data');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (let start = 0; start < bytes.length; start += size) {
      await new Promise((resolve) => socket.write(bytes.subarray(start, start + size), resolve));
    }
    await once(socket, 'close');
    const received = Buffer.concat(chunks).toString('hex');
    expect(received).toContain('8a026869'); // Pong
    expect(received).toContain('8202d000');
    expect(received).toMatch(/880203e8$/);
  }
});

test('large payloads are unmasked wherever they lie', () => {
  const packet = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7) & 0xff));
  for (let before = 0; before < 9; before++) {
    for (const split of [0, 1, 2, 3, 1024, 1500]) {
      const header = Buffer.from([0x82, 0xfe, 5000 >> 8, 5000 & 0xff, 9, 8, 7, 6]);
      const masked = packet.map((byte, index) => byte ^ (header[4 + (index & 3)] as number));
      const small = frameOf(Buffer.alloc(before, 1));
      const bytes = Buffer.concat([small, header, masked, frameOf(pingBytes)]);
      const received: Uint8Array[] = [];
      const reader = new FrameReader({
        frameBytesMax: 10_000,
        onPayload: (payload) => received.push(payload),
        takesDeflated: false,
        onDeflated: () => {},
        onDeflatedEnd: () => {},
        onPing: () => {},
        onCloseFrame: () => {},
        onViolation: (_code, why) => expect(why).toBe(''),
      });
      const at = small.length + header.length + split;
      for (const part of [bytes.subarray(0, at), bytes.subarray(at)])
        reader.push(Buffer.from(part));
      expect(Buffer.concat(received)).toEqual(
        Buffer.concat([Buffer.alloc(before, 1), packet, pingBytes]),
      );
    }
  }
});

test.each([
  ['mqttv3.1', ['mqttv3.1'], 'mqttv3.1'],
  ['both', ['mqttv3.1', 'mqtt'], 'mqtt'],
])('a client that offers %s is served', async (_name, protocols, chosen) => {
  const client = await new WebSocketClient('/mqtt/', protocols).open();
  expect(client.socket.protocol).toBe(chosen);
  client.socket.close();
  await client.closed;
});

test('only pages of the allowed origins may connect, and what is no page', async () => {
  const limited = await createBroker({
    server: { wsAllowedOrigins: ['https://example.com', 'http://localhost:3000/'] },
  });
  const statusFor = async (origin: string) => {
    const socket = connectSocket(Number(new URL(`${limited.wsUrl}`).port), '127.0.0.1');
    socket.write(upgradeRequest(origin));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString('latin1').slice(9, 12);
  };
  expect(await statusFor('https://example.com')).toBe('101');
  expect(await statusFor('HTTP://LOCALHOST:3000')).toBe('101');
  expect(await statusFor('')).toBe('101');
  expect(await statusFor('https://example.com.evil.test')).toBe('403');
  expect(await statusFor('null')).toBe('403');
  await limited.stop();
});

describe('each packet is sent in a frame of its own', () => {
  /** The packets of each frame that came. */
  async function framesOf(
    count: number,
    publish: (client: PacketClient) => void,
    { url, wsUrl } = broker,
  ) {
    const subscriber = new WebSocket(`${wsUrl}/mqtt`, ['mqtt']);
    const frames: Buffer[] = [];
    let wake = () => {};
    subscriber.on('message', (data: Buffer) => {
      frames.push(data);
      wake();
    });
    const received = async (wanted: number) => {
      while (frames.length < wanted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await once(subscriber, 'open');
    const subscribe = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 2 }] };
    subscriber.send(
      Buffer.concat([
        connectBytes,
        encode(subscribe as Packet, { protocolVersion: 5 }) as Uint8Array,
      ]),
    );
    await received(2);
    const publisher = await PacketClient.open(`${url}`);
    publisher.connect('publisher', { clean: true, properties: {} });
    publish(publisher);
    await received(2 + count);
    subscriber.terminate();
    await publisher.cut();
    return frames.map((frame) => {
      const decoder = new PacketDecoder({ protocolVersion: 5, receiver: 'client' });
      return decoder.push(Uint8Array.from(frame)).map(({ cmd }) => cmd);
    });
  }

  test.each([0, 1, 2] as const)('many small ones at QoS %d', async (qos) => {
    const frames = await framesOf(12, (publisher) => {
      for (let id = 1; id <= 12; id++) publisher.publish('a', `${id}`, qos, id);
    });
    expect(frames).toEqual([['connack'], ['suback'], ...Array(12).fill(['publish'])]);
  });

  test('those of all header sizes, of which large ones are not copied', async () => {
    const large = await createBroker({ mqtt: { maxPacketSize: '1MB' } });
    // 7 bytes or more come before the payload: frames of 125 and 126, 65,535 and 65,536 bytes are among them.
    const around = (size: number) => Array.from({ length: 12 }, (_, less) => size - less);
    const sizes = [...around(126), ...around(65_536), 16_384, 300_000];
    const publishAll = (publisher: PacketClient) => {
      for (const size of sizes) publisher.publish('a', 'x'.repeat(size), 0, 0);
    };
    const frames = await framesOf(sizes.length, publishAll, large);
    await large.stop();
    expect(frames.slice(2)).toEqual(sizes.map(() => ['publish']));
  });

  test('retained messages, which follow SUBACK', async () => {
    const publisher = await PacketClient.open(`${broker.url}`);
    publisher.connect('retaining');
    const retained = ['r/1', 'r/2', 'r/3'];
    for (const [id, topic] of retained.entries()) {
      publisher.publish(topic, 'x', 1, id + 1, { retain: true });
    }
    await publisher.sentSoFar();
    const frames = await framesOf(3, () => {});
    expect(frames).toEqual([['connack'], ['suback'], ['publish'], ['publish'], ['publish']]);
    for (const [id, topic] of retained.entries()) {
      publisher.publish(topic, '', 1, id + 11, { retain: true });
    }
    await publisher.sentSoFar();
    await publisher.cut();
  });
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

test.each([
  ['POST', '1.1', '/mqtt', 405, 'by GET'],
  ['HEAD', '1.1', '/mqtt', 405, 'by GET'],
  ['GET', '1.0', '/mqtt', 400, 'HTTP/1.0'],
  ['GET', '1.1', '//mqtt//', 101, ''],
  ['GET', '1.1', '//', 101, ''],
  ['GET', '1.1', '/mq/tt', 404, '/mqtt'],
])('%s by HTTP/%s of %s is answered %i', async (method, version, path, status, why) => {
  const socket = connectSocket(Number(new URL(broker.wsUrl as string).port), '127.0.0.1');
  socket.write(
    `${method} ${path} HTTP/${version}\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Protocol: mqtt\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toContain(`HTTP/1.1 ${status} `);
  expect(String(answer)).toContain(why);
  socket.destroy();
});

test('a plain HTTP request is answered with what this is', async () => {
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
