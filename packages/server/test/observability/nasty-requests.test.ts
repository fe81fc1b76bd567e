import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';

const HEAD = 'HTTP/1.1\r\nHost: x\r\n';

/** What a program may send that means no good, or is broken. */
const NASTY: Readonly<Record<string, string>> = {
  'a path that is no URL': `GET // ${HEAD}\r\n`,
  'an authority without a name': `GET //: ${HEAD}\r\n`,
  'an address that is none': `GET //[ ${HEAD}\r\n`,
  'a port that is none': `GET http://a:b:c/status ${HEAD}\r\n`,
  'a host that is none': `GET http://[::1/status ${HEAD}\r\n`,
  'percent signs without digits': `GET /%/%zz/%c0%80?client=%&top=%e0%a4%a ${HEAD}\r\n`,
  'an asterisk': `OPTIONS * ${HEAD}\r\n`,
  'no path': `GET ? ${HEAD}\r\n`,
  'parameters without end': `GET /status?${'top=1&'.repeat(1000)} ${HEAD}\r\n`,
  'a name of a property': `GET /api/v5/clients/__proto__/trace ${HEAD}\r\n`,
  'names of a prototype': `GET /__proto__ ${HEAD}\r\n`,
  'bytes that are no text': 'GET /\x80\xff\xfe HTTP/1.1\r\nHost: \xff\r\n\r\n',
  'a host that is no host': 'GET /metrics HTTP/1.1\r\nHost: [::\r\n\r\n',
  'no host': 'GET /metrics HTTP/1.1\r\n\r\n',
  'HTTP/1.0': 'GET /status HTTP/1.0\r\n\r\n',
  'HTTP/0.9': 'GET /status\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a version that is none': 'GET / HTTP/9.9\r\n\r\n',
  TLS: '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00',
  MQTT: '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a',
  nothing: '',
  'an empty line': '\r\n',
  'ends of line alone': '\n\n\n\r\r\r',
  zeros: '\0'.repeat(1000),
  'half a request': 'GET /met',
  'half a header': `GET /metrics ${HEAD}X: `,
  'a header of 20 KB': `GET /metrics ${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`,
  '5,000 headers': `GET /metrics ${HEAD}${'a: b\r\n'.repeat(5000)}\r\n`,
  'a path of 20 KB': `GET /${'x'.repeat(20_000)} ${HEAD}\r\n`,
  'a header without a name': `GET / ${HEAD}: x\r\n\r\n`,
  'a header over several lines': `GET / ${HEAD}X: a\r\n b\r\n\r\n`,
  'an unknown method': `BREW / ${HEAD}\r\n`,
  CONNECT: 'CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n',
  TRACE: `TRACE / ${HEAD}\r\n`,
  'a body with GET': `GET /status ${HEAD}Content-Length: 5\r\n\r\nhello`,
  'half a body': `POST /status ${HEAD}Content-Length: 1000000\r\n\r\nhello`,
  'a length below 0': `POST / ${HEAD}Content-Length: -1\r\n\r\n`,
  'a length that is none': `POST / ${HEAD}Content-Length: many\r\n\r\n`,
  'two lengths': `POST / ${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'a chunk that is none': `POST / ${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'an endless chunk': `POST / ${HEAD}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
  'a length and chunks': `POST / ${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  'an expectation': `GET /status ${HEAD}Expect: 100-continue\r\n\r\n`,
  'an expectation that is none': `GET /status ${HEAD}Expect: everything\r\n\r\n`,
  'an upgrade': `GET /status ${HEAD}Connection: Upgrade\r\nUpgrade: nothing\r\n\r\n`,
  'an upgrade to WebSocket': `GET // ${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  'a range': `GET /metrics ${HEAD}Range: bytes=9-1\r\n\r\n`,
  'an Accept of 7 KB': `GET /metrics ${HEAD}Accept: ${'a/b;q=1,'.repeat(900)}\r\n\r\n`,
  'too many requests at once': `GET /status ${HEAD}\r\n`.repeat(1000),
  'requests after one that closes': `GET /metrics ${HEAD}Connection: close\r\n\r\nGET // ${HEAD}\r\n`,
  'a trace of nobody': `GET /api/v5/clients//trace ${HEAD}\r\n`,
  'traces at once': `GET /api/v5/clients/c/trace ${HEAD}\r\n`.repeat(20),
  'a host of the API that is no host': 'GET /api/v5/status HTTP/1.1\r\nHost: [::\r\n\r\n',
  'the API without a host': 'GET /api/v5/status HTTP/1.0\r\n\r\n',
  'a path of the API that is no URL': `GET /api/v5//[%zz%c0 ${HEAD}\r\n`,
  'half a body for the API': `POST /api/v5/publish ${HEAD}Content-Length: 1000000\r\n\r\n{"to`,
  'a body for the API that is no JSON': `POST /api/v5/publish ${HEAD}Content-Length: 3\r\n\r\n{"a`,
  'a method that the API has not': `BREW /api/v5/status ${HEAD}\r\n`,
  'streams without reading': `GET /api/v5/events?type=connect ${HEAD}\r\n`.repeat(3),
};

let folder: string;
let broker: Command;
let servers: Readonly<Record<string, NetConnectOpts>>;
let metricsUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-nasty-'));
  broker = new Command(
    ['--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0', '--metrics-bind', '127.0.0.1:0'],
    folder,
  );
  await broker.waitFor(/ ready pid=/);
  const port = (protocol: string) =>
    Number(
      new RegExp(`listening protocol=${protocol} address=127.0.0.1:(\\d+)`).exec(
        broker.output,
      )?.[1],
    );
  metricsUrl = `http://127.0.0.1:${port('http')}`;
  servers = {
    admin: { path: join(folder, 'data', 'admin.sock') },
    metrics: { host: '127.0.0.1', port: port('http') },
    WebSocket: { host: '127.0.0.1', port: port('ws') },
  };
});

afterAll(async () => {
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  rmSync(folder, { recursive: true });
});

async function open(server: string): Promise<Socket> {
  const socket = connect(servers[server] as NetConnectOpts);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function ask(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path, agent: false }, resolve).on('error', reject);
  });
}

/** Both answer as if nothing had been. */
async function expectServing(): Promise<void> {
  expect((await fetch(`${metricsUrl}/health`)).status).toBe(200);
  const status = await ask((servers['admin'] as { path: string }).path, '/api/v5/status');
  expect(await json(status)).toMatchObject({ pid: broker.child.pid });
  expect(broker.child.exitCode).toBeNull();
}

describe.each(['admin', 'metrics', 'WebSocket'])('%s', (server) => {
  test.each(Object.keys(NASTY))(
    '%s ends nothing, whether its sender stays, closes or resets',
    async (name) => {
      const bytes = Buffer.from(NASTY[name] as string, 'latin1');
      const stays = await open(server);
      stays.write(bytes);
      const ends = await open(server);
      ends.on('data', () => {});
      ends.end(bytes);
      const resets = await open(server);
      // What waits unread makes a reset of it where the system has one.
      resets.write(bytes, () => (server === 'admin' ? resets.destroy() : resets.resetAndDestroy()));
      const bytewise = await open(server);
      for (const byte of bytes.subarray(0, 200)) bytewise.write(Uint8Array.of(byte));
      await expectServing();
      for (const socket of [stays, ends, bytewise]) socket.destroy();
    },
  );
});

test('no path, method or header is an error of the broker', async () => {
  const paths = ['//', '//[', 'http://a:b:c/', '/%', '?', '/__proto__', '/api/v5/%'];
  for (const server of ['admin', 'metrics']) {
    for (const path of paths) {
      const socket = await open(server);
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await once(socket, 'close');
      expect(`${path} ${answer}`).toMatch(/ HTTP\/1\.1 40[04] /);
    }
  }
  expect(broker.output).not.toMatch(/-failed /);
});

test('a trace that nobody reads while its client goes and the broker stops ends nothing', async () => {
  const stuck = new Command(
    [
      '--bind',
      '127.0.0.1:0',
      '--ws-bind',
      'none',
      '--metrics-bind',
      'none',
      '--data-dir',
      'd',
      '--wal-dir',
      'w',
    ],
    folder,
  );
  const [, port] = await stuck.waitFor(/listening protocol=mqtt address=127.0.0.1:(\d+)/);
  await stuck.waitFor(/ ready pid=/);
  const trace = await ask(join(folder, 'd', 'admin.sock'), '/api/v5/clients/c/trace');
  trace.pause();
  trace.on('error', () => {});
  const client = connect(Number(port), '127.0.0.1');
  const name = Buffer.from('\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01c', 'latin1');
  const topic = 'x'.repeat(60_000);
  const publish = Buffer.concat([
    Buffer.from([0x30, ...lengthOf(topic.length + 2), topic.length >> 8, topic.length & 255]),
    Buffer.from(topic),
  ]);
  client.on('error', () => {});
  client.write(
    Buffer.concat([
      name,
      ...Array.from({ length: 40 }, () => publish),
      Buffer.from('\xc0\0', 'latin1'),
    ]),
  );
  client.resume();
  await stuck.waitFor(/client-connected/);
  stuck.child.kill('SIGTERM');
  expect(await stuck.exitCode()).toBe(0);
  expect(stuck.errors).toBe('');
  trace.destroy();
});

function lengthOf(size: number): number[] {
  return size < 128 ? [size] : [(size & 127) | 128, ...lengthOf(size >> 7)];
}

/**
 * On a connection of its own. `fetch` would take one that an earlier test left open: that one is idle, and may be cut
 * to make room just when the request is on its way.
 */
async function getAlone(path: string): Promise<{ status: number | undefined; text: string }> {
  const request = get(`${metricsUrl}${path}`, { agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece as string;
  return { status: response.statusCode, text };
}

test('health answers while more connections are open than metrics.max-connections, and what was cut is counted', async () => {
  const idle: Socket[] = [];
  for (let index = 0; index < 70; index++) idle.push(await open('metrics'));
  expect((await getAlone('/health')).status).toBe(200);
  expect((await getAlone('/ready')).status).toBe(200);
  const { text } = await getAlone('/metrics');
  const cut = /^promptmq_http_connections_cut_total\{why="room"\} (\d+)$/m.exec(text)?.[1];
  expect(Number(cut)).toBeGreaterThan(6);
  for (const socket of idle) socket.destroy();
});
