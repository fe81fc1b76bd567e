import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import {
  type ClientOrigin,
  type ConfigInput,
  createBroker,
  EmbedError,
  type RunningBroker,
} from '../../src/index.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { connectBytes } from '../support/packet-client.ts';

let broker: RunningBroker;
let server: Server;
let address: string;
/** What the server says of who comes. */
let origin: ClientOrigin;
const sockets: Socket[] = [];

/** A program with a page, a WebSocket of its own, and the broker at /deep/mqtt. */
async function start(options: ConfigInput = {}): Promise<void> {
  broker = await createBroker({ server: { bind: null, wsBind: null }, ...options });
  const echo = new WebSocketServer({ noServer: true });
  server = createServer((_request, response) => response.end('a page'));
  server.setTimeout(60_000);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.push(socket);
    if (request.url?.startsWith('/deep/mqtt')) {
      broker.handleUpgrade(request, socket, head, origin);
    } else {
      echo.handleUpgrade(request, socket, head, (client) => {
        client.on('message', (data) => client.send(data));
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  origin = {};
});

afterEach(async () => {
  await broker.stop();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const UPGRADE =
  'GET /deep/mqtt?x=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Protocol: mqtt\r\n\r\n';

/** All that the server answers until it closes. */
async function answerTo(request: string): Promise<string> {
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(request);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

function page(): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`http://${address}/`, { agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(text);
    }).on('error', reject);
  });
}

test('MQTT, pages and another WebSocket have one port', async () => {
  await start();
  const clients = await Promise.all(
    ([4, 5] as const).map((protocolVersion) =>
      TestClient.connect(`ws://${address}/deep/mqtt`, {
        protocolVersion,
        clientId: `c${protocolVersion}`,
      }),
    ),
  );
  const [first, second] = clients as [TestClient, TestClient];
  await second.mqtt.subscribeAsync('large', { qos: 2 });
  const payload = Buffer.alloc(3_000_000, 'x');
  await first.mqtt.publishAsync('large', payload, { qos: 2 });
  await second.messages(1);
  expect(second.payloads()[0]?.length).toBe(payload.length);
  expect(await page()).toBe('a page');
  const other = new WebSocket(`ws://${address}/echo`);
  await once(other, 'open');
  other.send('hello');
  expect(`${(await once(other, 'message'))[0]}`).toBe('hello');
  other.terminate();
  expect(broker.clients.get('c5')).toMatchObject({
    protocol: 'websocket',
    remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    userName: null,
  });
  await Promise.all(clients.map((client) => client.end()));
});

test('the server’s own time-out for idle sockets ends with the upgrade', async () => {
  await start();
  const client = await TestClient.connect(`ws://${address}/deep/mqtt`);
  expect(sockets[0]?.timeout).toBe(0);
  await client.end();
});

test('the program may say who it is', async () => {
  await start();
  origin = { userName: 'alice', remoteAddress: '192.0.2.7:1234' };
  const client = await TestClient.connect(`ws://${address}/deep/mqtt`, { clientId: 'c' });
  expect(broker.clients.get('c')).toMatchObject(origin);
  await client.end();
});

test('what comes together with the request is read', async () => {
  await start();
  // A frame masked by zeros.
  const frame = Buffer.concat([
    Buffer.of(0x82, 0x80 | connectBytes.length, 0, 0, 0, 0),
    connectBytes,
  ]);
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  sockets.push(socket);
  socket.write(Buffer.concat([Buffer.from(UPGRADE), frame]));
  let answer = '';
  while (!answer.endsWith('\x82\x04\x20\x02\x00\x00')) {
    answer += (await once(socket, 'data'))[0].toString('latin1');
  }
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
});

test.each<[string, string, string, RegExp]>([
  ['no subprotocol', 'Sec-WebSocket-Protocol: mqtt\r\n', '', /^HTTP\/1\.1 400 /],
  ['another one', 'Protocol: mqtt', 'Protocol: wamp', /^HTTP\/1\.1 400 /],
  [
    'another version',
    'Version: 13',
    'Version: 8',
    /^HTTP\/1\.1 426 [\s\S]*Sec-WebSocket-Version: 13/,
  ],
  ['no key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n', '', /^HTTP\/1\.1 400 /],
  ['another protocol', 'Upgrade: websocket', 'Upgrade: h2c', /^HTTP\/1\.1 426 /],
  ['another method', 'GET', 'DELETE', /^HTTP\/1\.1 405 /],
  ['HTTP/1.0', 'HTTP/1.1', 'HTTP/1.0', /^HTTP\/1\.1 400 /],
  ['an origin that isn’t allowed', 'Host: x', 'Host: x\r\nOrigin: http://evil', /^HTTP\/1\.1 403 /],
])('%s is answered and closed', async (_, part, other, expected) => {
  await start({ server: { bind: null, wsBind: null, wsAllowedOrigins: ['http://good'] } });
  expect(await answerTo(UPGRADE.replace(part, other))).toMatch(expected);
  expect(broker.stats.socketsRefused.http).toBe(1);
  expect(broker.stats.socketsAccepted).toBe(0);
});

test('who sends no CONNECT in time is closed', async () => {
  await start({ mqtt: { connectTimeout: '100ms' } });
  expect(await answerTo(UPGRADE)).toMatch(/^HTTP\/1\.1 101 /);
  expect(broker.stats.socketsRefused.timeout).toBe(1);
});

test('one socket too many is answered 503, until there is room', async () => {
  await start({ mqtt: { maxConnections: 1 } });
  const idle = Array.from({ length: 102 }, () => answerTo(UPGRADE));
  while (broker.stats.socketsAccepted < 102) await new Promise(setImmediate);
  expect(await answerTo(UPGRADE)).toMatch(/^HTTP\/1\.1 503 [\s\S]*too many open sockets/);
  expect(broker.stats.socketsRefused.limit).toBe(1);
  for (const socket of sockets) socket.destroy();
  await Promise.allSettled(idle);
  const client = await TestClient.connect(`ws://${address}/deep/mqtt`);
  await client.end();
});

test('a broker that stops says so to its clients; what comes later is answered 503', async () => {
  await start();
  const client = await TestClient.connect(`ws://${address}/deep/mqtt`, { protocolVersion: 5 });
  const told = new Promise((resolve) => client.mqtt.once('disconnect', resolve));
  const closed = client.closed();
  await broker.stop();
  expect(await told).toMatchObject({ reasonCode: 0x8b });
  await closed;
  expect(await answerTo(UPGRADE)).toMatch(/^HTTP\/1\.1 503 [\s\S]*the broker has stopped/);
  expect(await page()).toBe('a page');
});

test('what doesn’t come from an upgrade event is refused', async () => {
  await start();
  const request = { headers: {}, method: 'GET' } as unknown as IncomingMessage;
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  sockets.push(socket);
  for (const [argument, call] of [
    ['request', () => broker.handleUpgrade({} as IncomingMessage, socket, Buffer.alloc(0))],
    ['socket', () => broker.handleUpgrade(request, {} as Duplex, Buffer.alloc(0))],
    ['head', () => broker.handleUpgrade(request, socket, 'x' as unknown as Buffer)],
    ['userName', () => broker.handleUpgrade(request, socket, Buffer.alloc(0), { userName: '' })],
  ] as const) {
    expect(call).toThrow(EmbedError);
    expect(call).toThrow(new RegExp(`^broker\\.handleUpgrade: ${argument} takes`));
  }
  expect(socket.destroyed).toBe(false);
});
