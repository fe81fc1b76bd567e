import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { descriptorsForSockets } from '../../src/service/open-files.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { Command } from '../support/command.ts';
import { openSocketCount, untilOpenSockets } from '../support/descriptors.ts';
import { connectBytes, PacketClient } from '../support/packet-client.ts';

const COUNT = 5;
const PROXY_HEADER = 'PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n';
const UPGRADE =
  'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Protocol: mqtt\r\n\r\n';

type Kind = 'tcp' | 'unix' | 'tls' | 'ws' | 'wss';

const authority = new CertificateAuthority();
let folder: string;
let clientHello: Buffer;
let broker: RunningBroker | null = null;
const logged: { event: string; reason?: string; why?: string }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-before-'));
  const { cert, key } = authority.issue('localhost');
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  clientHello = await captureClientHello();
});

afterEach(async () => {
  await broker?.stop();
  broker = null;
  logged.length = 0;
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What a client sends first, from a server that doesn't answer. */
async function captureClientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connectTls({ port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  await once(server, 'close');
  return bytes;
}

async function start(connectTimeout: string, proxyProtocol: 'off' | 'any'): Promise<void> {
  const warn = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  broker = await createBroker(
    {
      server: {
        bind: ['127.0.0.1:0', `unix:${join(folder, 'mqtt.sock')}`],
        tlsBind: '127.0.0.1:0',
        wssBind: '127.0.0.1:0',
        tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
        proxyProtocol,
      },
      mqtt: { connectTimeout },
      log: { clientLinesPerSecond: 10_000 },
    },
    { logger: { ...noopLogger, warn } },
  );
}

async function open(kind: Kind): Promise<Socket> {
  const { url, wsUrl, tlsUrl, wssUrl } = broker as RunningBroker;
  const urls = { tcp: url, ws: wsUrl, tls: tlsUrl, wss: wssUrl };
  const socket =
    kind === 'unix'
      ? connect(join(folder, 'mqtt.sock'))
      : connect(Number(new URL(`${urls[kind]}`).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The stream that MQTT or HTTP would go over. */
async function secured(kind: Kind, socket: Socket): Promise<Socket> {
  if (kind !== 'tls' && kind !== 'wss') return socket;
  const secure: TLSSocket = connectTls({ socket, ca: authority.cert });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

async function upgraded(kind: Kind, socket: Socket): Promise<Socket> {
  const stream = await secured(kind, socket);
  stream.write(UPGRADE);
  await once(stream, 'data');
  return stream;
}

/** A masked binary frame. */
function frameOf(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

interface State {
  readonly name: string;
  readonly kinds: readonly Kind[];
  /** What the log says of a client that goes no further. */
  readonly late: string;
  readonly isBehindProxy?: boolean;
  /** Brings a new connection there; a PROXY protocol header has been sent where one has to come. */
  readonly reach: (kind: Kind, socket: Socket) => unknown;
}

const ALL: readonly Kind[] = ['tcp', 'unix', 'tls', 'ws', 'wss'];
const TLS: readonly Kind[] = ['tls', 'wss'];
const WEB: readonly Kind[] = ['ws', 'wss'];

const STATES: readonly State[] = [
  {
    name: 'nothing was sent',
    kinds: ALL,
    late: 'nothing came within mqtt.connect-timeout',
    reach: () => {},
  },
  {
    name: 'half a ClientHello',
    kinds: TLS,
    late: 'the TLS handshake took longer than mqtt.connect-timeout',
    reach: (_kind, socket) => socket.write(clientHello.subarray(0, 20)),
  },
  {
    name: 'a ClientHello, and no word after the answer',
    kinds: TLS,
    late: 'the TLS handshake took longer than mqtt.connect-timeout',
    reach: async (_kind, socket) => {
      socket.write(clientHello);
      await once(socket, 'data');
    },
  },
  {
    name: 'TLS, then nothing',
    kinds: ['tls'],
    late: 'no CONNECT came within mqtt.connect-timeout',
    reach: secured,
  },
  {
    name: 'TLS, then no HTTP',
    kinds: ['wss'],
    late: 'no whole HTTP request within mqtt.connect-timeout',
    reach: secured,
  },
  {
    name: 'half an HTTP request',
    kinds: WEB,
    late: 'no whole HTTP request within mqtt.connect-timeout',
    reach: async (kind, socket) => (await secured(kind, socket)).write(UPGRADE.slice(0, 60)),
  },
  {
    name: 'an upgrade, then no CONNECT',
    kinds: WEB,
    late: 'no CONNECT came within mqtt.connect-timeout',
    reach: upgraded,
  },
  {
    name: 'half a WebSocket frame',
    kinds: WEB,
    late: 'no CONNECT came within mqtt.connect-timeout',
    reach: async (kind, socket) =>
      (await upgraded(kind, socket)).write(frameOf(connectBytes).subarray(0, 5)),
  },
  {
    name: 'half a CONNECT in a frame',
    kinds: WEB,
    late: 'the CONNECT did not come whole within mqtt.connect-timeout',
    reach: async (kind, socket) =>
      (await upgraded(kind, socket)).write(frameOf(connectBytes.subarray(0, 5))),
  },
  {
    name: 'half a CONNECT',
    kinds: ['tcp', 'unix', 'tls'],
    late: 'the CONNECT did not come whole within mqtt.connect-timeout',
    reach: async (kind, socket) => (await secured(kind, socket)).write(connectBytes.subarray(0, 5)),
  },
];

const CASES = [false, true].flatMap((isBehindProxy) =>
  STATES.flatMap((state) =>
    state.kinds.map(
      (kind) =>
        [
          `${kind}${isBehindProxy ? ' behind a proxy' : ''}: ${state.name}`,
          kind,
          isBehindProxy,
          state,
        ] as const,
    ),
  ),
);

async function reachAll(kind: Kind, isBehindProxy: boolean, { reach }: State): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let count = 0; count < COUNT; count++) {
    const socket = await open(kind);
    if (isBehindProxy) socket.write(PROXY_HEADER);
    await reach(kind, socket);
    sockets.push(socket);
  }
  return sockets;
}

describe('a connection that goes no further is ended at mqtt.connect-timeout, and its descriptor is free', () => {
  test.each(CASES)('%s', async (_name, kind, isBehindProxy, state) => {
    await start('300ms', isBehindProxy ? 'any' : 'off');
    const before = openSocketCount();
    const sockets = await reachAll(kind, isBehindProxy, state);
    const closed = sockets.map((socket) => {
      socket.resume();
      return socket.closed || once(socket, 'close');
    });
    await Promise.all(closed);
    await untilOpenSockets(before);
    const late = { event: 'connection-refused', reason: 'timeout', why: state.late };
    expect(logged).toEqual(sockets.map(() => expect.objectContaining(late)));
    expect(broker?.stats.socketsRefused.timeout).toBe(COUNT);
  });

  test.each(ALL)('%s: half a PROXY protocol header', async (kind) => {
    await start('300ms', 'any');
    const before = openSocketCount();
    const socket = await open(kind);
    socket.write(PROXY_HEADER.slice(0, 10));
    socket.resume();
    await once(socket, 'close');
    await untilOpenSockets(before);
    expect(logged.map(({ why }) => why)).toEqual([
      'no whole PROXY protocol header within mqtt.connect-timeout',
    ]);
  });
});

describe.each(['closed', 'reset'] as const)(
  'a connection that its peer has %s is closed at once',
  (how) => {
    test.each(CASES)('%s', async (_name, kind, isBehindProxy, state) => {
      await start('1h', isBehindProxy ? 'any' : 'off');
      const before = openSocketCount();
      for (const socket of await reachAll(kind, isBehindProxy, state)) {
        // The client's descriptor is gone at once: what is left is the broker's.
        if (how === 'closed' || kind === 'unix') socket.destroy();
        else socket.resetAndDestroy();
      }
      await untilOpenSockets(before);
      if (state.name === 'nothing was sent') expect(logged).toEqual([]);
    });
  },
);

describe.each(['ws', 'wss'] as const)('%s: what is refused is closed at once', (kind) => {
  test.each([
    ['another path', UPGRADE.replace('/mqtt', '/other')],
    ['another subprotocol', UPGRADE.replace(': mqtt', ': other')],
    ['a request that is no upgrade', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a request that is not HTTP', 'GET nonsense\r\n\r\n'],
    ['two requests at once', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2)],
    ['an upgrade after a request', `GET / HTTP/1.1\r\nHost: x\r\n\r\n${UPGRADE}`],
    ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx'],
    ['a request to wait', 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n'],
    ['an unknown expectation', 'PUT / HTTP/1.1\r\nHost: x\r\nExpect: anything\r\n\r\n'],
    [
      'an upgrade to HTTP/2',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    ],
    ['a header that is too long', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s, whether the client reads or closes', async (_name, request) => {
    await start('1h', 'off');
    const before = openSocketCount();
    const sockets: Socket[] = [];
    for (let count = 0; count < COUNT; count++) {
      const socket = await open(kind);
      const stream = await secured(kind, socket);
      socket.allowHalfOpen = true;
      stream.allowHalfOpen = true;
      stream.pause();
      stream.write(request);
      sockets.push(socket);
    }
    await untilOpenSockets(before + COUNT);
    for (const socket of sockets) socket.destroy();
    await untilOpenSockets(before);
    expect(broker?.stats.socketsRefused.http).toBe(COUNT);
  });
});

test('a TLS handshake that continues after it was refused is not served', async () => {
  await start('200ms', 'off');
  const socket = await open('tls');
  socket.write(clientHello.subarray(0, 20));
  socket.resume();
  await once(socket, 'close');
  socket.write(clientHello.subarray(20));
  expect(broker?.stats).toMatchObject({ connectionsCurrent: 0, socketsRefused: { timeout: 1 } });
});

test('the stages together have one time, not each', async () => {
  await start('1s', 'any');
  const openedAt = performance.now();
  const socket = await open('wss');
  socket.write(PROXY_HEADER);
  const stream = await upgraded('wss', socket);
  stream.write(frameOf(connectBytes).subarray(0, 5));
  stream.resume();
  await once(socket, 'close');
  // Not a measurement of speed: with a time for each stage it would be a multiple.
  expect(performance.now() - openedAt).toBeLessThan(1900);
});

test.each([
  [1_000_000, 999_800],
  [1024, 824],
  [400, 200],
  [128, 64],
])('of %d descriptors that the process may open, %d are for sockets', (limit, count) => {
  expect(descriptorsForSockets(1, `Max open files            ${limit}  ${limit}  files`)).toBe(
    count,
  );
});

/** What the program says that it needs to start: Node opens most of its modules' files at once. */
const OPEN_FILES_LEAST = 256;

test('when all that a process may open is taken by connections, it continues, and keeps what it is given', async () => {
  const command = new Command(
    [
      '--bind',
      '127.0.0.1:0',
      '--ws-bind',
      'none',
      '--metrics-bind',
      'none',
      '--log-format',
      'json',
    ],
    folder,
    {},
    OPEN_FILES_LEAST,
  );
  const [, port] = await command.waitFor(/"address":"127\.0\.0\.1:(\d+)"/);
  await command.waitFor(/"ready"/);
  const sockets: Socket[] = [];
  const openOne = async () => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    sockets.push(socket);
    return socket;
  };
  const url = `mqtt://127.0.0.1:${port}`;
  const publisher = await PacketClient.open(url);
  publisher.connect('publisher');
  await publisher.next();
  publisher.subscribe('a', 1, 1);
  await publisher.next();
  await publisher.cut();
  const other = await PacketClient.open(url);
  other.connect('other', { clean: true, properties: {} });
  await other.next();
  for (let count = 0; count < 200; count++) await openOne();
  await command.waitFor(/"too many open sockets"/);
  // 40 MB for a session that is away: segments of the log are opened meanwhile.
  const payload = 'x'.repeat(1_000_000);
  for (let id = 1; id <= 40; id++) {
    other.publish('a', payload, 1, id);
    expect(await other.next()).toMatchObject({ cmd: 'puback', messageId: id });
  }
  for (const socket of sockets) socket.destroy();
  await other.cut();
  command.child.kill('SIGTERM');
  expect(await command.exitCode()).toBe(0);
});

test('sockets are bounded: one too many is closed at once and counted; one that closes makes room', async () => {
  broker = await createBroker({ mqtt: { maxConnections: 1 } });
  const sockets: Socket[] = [];
  for (let count = 0; count < 102; count++) sockets.push(await open('tcp'));
  const refused = await open('tcp');
  refused.resume();
  await once(refused, 'close');
  expect(broker.stats.socketsRefused.limit).toBe(1);
  const before = openSocketCount();
  sockets.pop()?.destroy();
  await untilOpenSockets(before - 2);
  const served = await open('tcp');
  served.write(connectBytes);
  expect([...(await once(served, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
  for (const socket of [...sockets, served]) socket.destroy();
});
