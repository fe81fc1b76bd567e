import { check } from '../../check.ts';
import { bytes, u16, varint } from '../../wire/bytes.ts';
import { HostileList } from '../case.ts';
import type { HostileContext } from '../context.ts';
import type { RawSocket } from '../raw-socket.ts';

/** Connections that take their time, at each stage on the way to CONNACK. */
const list = new HostileList('waiting');
export const waitingCases = list.cases;

const ANSWER = 'closed when the time for CONNECT is over';

/** Sockets that begin, and don't go on. */
async function allEnd(context: HostileContext, sockets: readonly RawSocket[]): Promise<void> {
  const { connectTimeoutMs } = context.broker;
  const ended = await Promise.all(
    sockets.map((socket) => socket.closedWithin(connectTimeoutMs + 5000)),
  );
  const open = ended.filter((isEnded) => !isEnded).length;
  check(open === 0, `${open} of ${sockets.length} are open after ${connectTimeoutMs / 1000 + 5} s`);
}

/** Bytes one after the other, for ever. */
function trickle(socket: RawSocket, all: Uint8Array): void {
  let index = 0;
  const timer = setInterval(() => {
    const byte = all[index++];
    if (socket.isClosed || byte === undefined) clearInterval(timer);
    else socket.send(Uint8Array.of(byte));
  }, 100);
  timer.unref();
}

function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make));
}

list.add(
  '50 connections that send nothing',
  { answer: ANSWER, isPatient: true },
  async (context) => {
    await allEnd(context, await many(50, () => context.socket()));
  },
);

list.add(
  'a CONNECT that comes byte by byte and does not end, and half a CONNECT',
  { answer: ANSWER, isPatient: true },
  async (context) => {
    const endless = bytes(0x10, varint(60_000), u16(4), 'MQTT', 5, 2, u16(60), 0, u16(50_000));
    const sockets = await many(10, () => context.socket());
    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) trickle(socket, bytes(endless, 'c'.repeat(20_000)));
      else socket.send(endless);
    }
    await allEnd(context, sockets);
  },
);

list.add(
  'TLS: connections that send nothing, half a ClientHello, or one byte by byte',
  { answer: ANSWER, needs: 'tls', isPatient: true },
  async (context) => {
    const sockets = await many(15, () => context.tlsPort());
    const hello = bytes(0x16, 3, 1, u16(512), 1, 0, 1, 0xfc, 3, 3);
    for (const [index, socket] of sockets.entries()) {
      if (index % 3 === 1) socket.send(hello);
      if (index % 3 === 2) trickle(socket, bytes(hello, new Uint8Array(400)));
    }
    await allEnd(context, sockets);
  },
);

list.add(
  'TLS: handshakes that are made, and nothing comes',
  { answer: ANSWER, needs: 'tls', isPatient: true },
  async (context) => {
    await allEnd(context, await many(5, () => context.tls()));
  },
);

list.add(
  'HTTP: connections that send nothing, half a request, or headers without an end',
  { answer: ANSWER, needs: 'websocket', isPatient: true },
  async (context) => {
    const sockets = await many(15, () => context.webSocketPort());
    const head = Buffer.from(`GET ${context.path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n`);
    for (const [index, socket] of sockets.entries()) {
      if (index % 3 === 1) socket.send(head);
      if (index % 3 === 2) trickle(socket, bytes(head, 'X-A: b\r\n'.repeat(1000)));
    }
    await allEnd(context, sockets);
  },
);

list.add(
  'WebSocket: upgrades after which nothing comes, half a frame, or a frame byte by byte',
  { answer: ANSWER, needs: 'websocket', isPatient: true },
  async (context) => {
    const sockets = await many(15, () => context.upgraded());
    const frame = bytes(0x82, 0xfe, u16(1000), 0, 0, 0, 0, 0x10, varint(900));
    for (const [index, socket] of sockets.entries()) {
      if (index % 3 === 1) socket.send(frame);
      if (index % 3 === 2) trickle(socket, bytes(frame, u16(4), 'MQTT', new Uint8Array(900)));
    }
    await allEnd(context, sockets);
  },
);
