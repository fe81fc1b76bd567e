import { constants, deflateRawSync } from 'node:zlib';
import { check } from '../../check.ts';
import { bytes, type Part, u16, varint } from '../../wire/bytes.ts';
import { pingreq } from '../../wire/client-packets.ts';
import { HostileList } from '../case.ts';
import { AT_ONCE_MS, type HostileContext } from '../context.ts';
import type { RawSocket } from '../raw-socket.ts';

/** WebSocket frames (RFC 6455) and the HTTP before them. */
const list = new HostileList('WebSocket and HTTP');
export const webSocketAttackCases = list.cases;

const NEEDS = { needs: 'websocket' } as const;

const FIN = 0x80;
const MASKED = 0x80;
const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;

/** A frame as clients send it, masked by zeros. */
function frame(first: number, payload: Part = []): Uint8Array {
  const data = bytes(payload);
  const size =
    data.length < 126
      ? bytes(MASKED | data.length)
      : data.length < 65_536
        ? bytes(MASKED | 126, u16(data.length))
        : bytes(
            MASKED | 127,
            0,
            0,
            0,
            0,
            data.length >>> 24,
            data.length >> 16,
            data.length >> 8,
            data.length,
          );
  return bytes(first, size, [0, 0, 0, 0], data);
}

/** After CONNACK. */
async function connected(context: HostileContext): Promise<RawSocket> {
  const socket = await context.upgraded();
  const before = socket.receivedBytes;
  socket.send(frame(FIN | BINARY, context.connectOf()));
  check(await socket.receives(before + 4, AT_ONCE_MS), 'no CONNACK');
  return socket;
}

/** Bytes after CONNACK after which the connection is closed. */
async function ends(context: HostileContext, what: string, bytes: Uint8Array): Promise<void> {
  const socket = await connected(context);
  socket.send(bytes);
  check(await socket.closedWithin(AT_ONCE_MS), `${what}: still open`);
}

/** Bytes right after the upgrade after which it is closed. */
async function endsFirst(context: HostileContext, bytes: Uint8Array): Promise<void> {
  const socket = await context.upgraded();
  socket.send(bytes);
  check(await socket.closedWithin(AT_ONCE_MS), 'first: still open');
}

/** An answer to PINGREQ comes. */
async function serves(socket: RawSocket): Promise<void> {
  const before = socket.receivedBytes;
  socket.send(frame(FIN | BINARY, pingreq));
  check(await socket.receives(before + 4, AT_ONCE_MS), 'PINGREQ is not answered');
}

list.add(
  'frames that are not masked, before and after CONNECT',
  { ...NEEDS, answer: 'closed' },
  async (context) => {
    const connecting = context.connectOf();
    await Promise.all([
      ends(context, 'later', bytes(FIN | BINARY, 2, pingreq)),
      endsFirst(context, bytes(FIN | BINARY, 126, u16(connecting.length), connecting)),
    ]);
  },
);

list.add(
  'frames of 200 MB, of 2 to the 62 and of 2 to the 63 bytes',
  { ...NEEDS, answer: 'closed at their header' },
  async (context) => {
    const sizes: Part[] = [
      [0, 0, 0, 0, 0x0c, 0, 0, 0],
      [0x40, 0, 0, 0, 0, 0, 0, 0],
      [0x80, 0, 0, 0, 0, 0, 0, 0],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    await Promise.all(
      sizes.flatMap((size) => {
        const head = bytes(FIN | BINARY, MASKED | 127, size, [0, 0, 0, 0]);
        return [
          ends(context, 'later', bytes(head, 0x30, varint(200_000_000))),
          endsFirst(context, bytes(head, new Uint8Array(65_536))),
        ];
      }),
    );
  },
);

list.add(
  'text frames, reserved bits and opcodes, continuations of nothing',
  { ...NEEDS, answer: 'closed' },
  async (context) => {
    const wrong: [string, Uint8Array][] = [
      ['text', frame(FIN | TEXT, 'x')],
      ['a packet as text', frame(FIN | TEXT, pingreq)],
      ...[0x40, 0x20, 0x10].map((bit): [string, Uint8Array] => [
        `bit ${bit}`,
        frame(FIN | bit | BINARY, pingreq),
      ]),
      ...[3, 7, 0xb, 0xf].map((opcode): [string, Uint8Array] => [
        `opcode ${opcode}`,
        frame(FIN | opcode, pingreq),
      ]),
      ['a continuation of nothing', frame(FIN | CONTINUATION, pingreq)],
      ['a message within a message', bytes(frame(BINARY, [0xc0]), frame(FIN | BINARY, [0]))],
    ];
    await Promise.all(wrong.map(([what, sent]) => ends(context, what, sent)));
  },
);

list.add(
  'control frames that are too long or in fragments, and close frames that are odd',
  { ...NEEDS, answer: 'closed' },
  async (context) => {
    const wrong: [string, Uint8Array][] = [
      ['a ping of 126 bytes', frame(FIN | PING, new Uint8Array(126))],
      ['a ping in fragments', frame(PING, 'x')],
      ['a close of one byte', frame(FIN | CLOSE, [3])],
      ['a close with code 0', frame(FIN | CLOSE, u16(0))],
      ['a close with code 1005', frame(FIN | CLOSE, u16(1005))],
      ['a close with what is no UTF-8', frame(FIN | CLOSE, [u16(1000), 0xff])],
      ['close', frame(FIN | CLOSE, u16(1000))],
      ['close, and more', bytes(frame(FIN | CLOSE, u16(1000)), frame(FIN | BINARY, pingreq))],
    ];
    await Promise.all(wrong.map(([what, sent]) => ends(context, what, sent)));
  },
);

list.add(
  'packets in frames of one byte, with pings and empty fragments in between',
  { ...NEEDS, answer: 'served' },
  async (context) => {
    const socket = await context.upgraded();
    const all = bytes(context.connectOf());
    const before = socket.receivedBytes;
    const frames = [...all].flatMap((byte, index) => [
      frame(index === 0 ? BINARY : CONTINUATION, [byte]),
      frame(FIN | PING, 'p'),
      frame(CONTINUATION),
    ]);
    socket.send(...frames, frame(FIN | CONTINUATION));
    // A pong has three bytes, CONNACK more than four.
    check(await socket.receives(before + all.length * 3 + 4, AT_ONCE_MS), 'no CONNACK');
    await serves(socket);
  },
);

list.add(
  '20,000 pings, and 100,000 empty fragments, none of which is read',
  { ...NEEDS, answer: 'served, held back or closed' },
  async (context) => {
    const pings = await connected(context);
    pings.stopReading();
    await pings.sendAll(Buffer.alloc(131 * 20_000, frame(FIN | PING, new Uint8Array(125))), 5000);
    const fragments = await connected(context);
    fragments.send(frame(BINARY, [0xc0]));
    await fragments.sendAll(Buffer.alloc(6 * 100_000, frame(CONTINUATION)), 5000);
  },
);

list.add(
  'a packet longer than its frame says, and than ever comes',
  { ...NEEDS, answer: 'waited for; the close ends it', seen: ['CVE-2026-25627'] },
  async (context) => {
    const socket = await connected(context);
    socket.send(frame(FIN | BINARY, [0x30, varint(4096), 0, 1, 'a']));
    socket.end();
    check(await socket.closedWithin(AT_ONCE_MS), 'still open');
  },
);

list.add(
  'one frame of 4 MB of PINGREQ',
  { ...NEEDS, answer: 'answered, held back or closed' },
  async (context) => {
    const socket = await connected(context);
    socket.send(frame(FIN | BINARY, Buffer.alloc(4_000_000, pingreq)));
    const before = socket.receivedBytes;
    await socket.receives(before + 4_000_000, 20_000);
    check(socket.isClosed || socket.receivedBytes > before, 'neither answered nor closed');
  },
);

list.add(
  'upgrades that are wrong: method, version, key, subprotocol, path',
  { ...NEEDS, answer: 'refused, and closed' },
  async (context) => {
    const { path } = context;
    const wrong: [string, readonly string[], string][] = [
      ['POST', [], path],
      ['GET', ['Sec-WebSocket-Version: 1'], path],
      ['GET', ['Sec-WebSocket-Key: short'], path],
      ['GET', ['Sec-WebSocket-Protocol: other'], path],
      ['GET', ['Upgrade: h2c'], path],
      ['GET', [], '/no/such/path'],
      ['GET', [], '//no/such/path'],
      ['GET', [], '/%00%ff%zz'],
      ['GET', [], 'http://x/no/such/path'],
      ['OPTIONS', [], '*'],
    ];
    await Promise.all(
      wrong.map(async ([method, headers, at]) => {
        const socket = await context.webSocketPort();
        socket.send(context.upgrade(method, at, headers));
        check(await socket.closedWithin(AT_ONCE_MS), `${method} ${at} ${headers}: still open`);
        check(!socket.text.includes(' 101 '), `${method} ${at} ${headers}: upgraded`);
      }),
    );
  },
);

list.add(
  'HTTP with 1 MB of headers, two lengths, and a body',
  { ...NEEDS, answer: 'refused, and closed' },
  async (context) => {
    const many = 'X-Header: value\r\n'.repeat(60_000);
    const heads = [
      `GET ${context.path} HTTP/1.1\r\nHost: x\r\n${many}\r\n`,
      `GET ${context.path} HTTP/1.1\r\nHost: x\r\nX: ${'v'.repeat(1_000_000)}\r\n\r\n`,
      `GET /${'p'.repeat(1_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx',
      'GET / HTTP/9.9\r\n\r\n',
      '\0\0\0\0\0\0',
    ];
    await Promise.all(
      heads.map(async (head, index) => {
        const socket = await context.webSocketPort();
        socket.send(Buffer.from(head));
        check(await socket.closedWithin(AT_ONCE_MS), `number ${index} is still open`);
      }),
    );
  },
);

list.add(
  '50 upgrades that are refused',
  { ...NEEDS, answer: 'closed at once' },
  async (context) => {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = await context.webSocketPort();
        socket.send(context.upgrade('GET', '/no/such/path'));
        check(await socket.closedWithin(AT_ONCE_MS), 'still open');
      }),
    );
  },
);

list.add(
  'a message that is small while it is compressed, and 100 MB after that',
  { ...NEEDS, answer: 'compression is not agreed on, or the message is refused' },
  async (context) => {
    const socket = await context.webSocketPort();
    const offer = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits';
    socket.send(context.upgrade('GET', context.path, [offer]));
    await socket.receives(100, AT_ONCE_MS);
    check(socket.text.startsWith('HTTP/1.1 101'), 'no upgrade');
    if (!socket.text.toLowerCase().includes('permessage-deflate')) return;
    const bomb = deflateRawSync(new Uint8Array(100_000_000), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    socket.send(frame(FIN | 0x40 | BINARY, bomb.subarray(0, bomb.length - 4)));
    check(await socket.closedWithin(AT_ONCE_MS), 'still open');
  },
);

list.add(
  'other versions of HTTP, and more than one request at once',
  { ...NEEDS, answer: 'refused, answered or closed; nothing is taken for MQTT' },
  async (context) => {
    const upgrade = Buffer.from(context.upgrade('GET', context.path)).toString();
    const requests = [
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'GET /no/such/path HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200),
      upgrade.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\n\x10\x00\x00\x00'),
      upgrade.replace('Host:', ' Host:'),
      upgrade.replace('Host: localhost', 'Host: localhost\r\nHost: other'),
    ];
    for (const [index, request] of requests.entries()) {
      const socket = await context.webSocketPort();
      socket.send(Buffer.from(request, 'latin1'));
      await socket.receives(1, 2000);
      socket.end();
      check(!socket.text.includes('\x20\x02\0\0'), `number ${index} is taken for MQTT`);
    }
  },
);
