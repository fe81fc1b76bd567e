import { connect, type Socket } from 'node:net';
import type { Random } from '@promptmq/wal/testing';
import type { Link } from './callers.ts';

/** Of what isn't taken so much is kept: who doesn't read doesn't read. */
const UNTAKEN_MAX = 1_000_000;

/** What isn't read by the broker is no longer sent. */
const UNSENT_MAX = 4_000_000;

/** A TCP connection; with `head`, that is sent before anything else. */
export class SocketLink implements Link {
  isClosed = false;
  readonly isSpoiled: boolean = false;
  readonly #socket: Socket;
  #untaken: Uint8Array[] = [];
  #untakenBytes = 0;

  constructor(port: number, head: Uint8Array | null = null) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (chunk) => {
      this.#untaken.push(chunk);
      this.#untakenBytes += chunk.length;
      if (this.#untakenBytes > UNTAKEN_MAX) socket.pause();
    });
    if (head !== null) socket.write(head);
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writableLength < UNSENT_MAX && bytes.length > 0) this.#socket.write(bytes);
  }

  take(): Uint8Array[] {
    this.#untakenBytes = 0;
    this.#socket.resume();
    return this.#untaken.splice(0);
  }

  halfClose(): void {
    this.#socket.end();
  }

  close(): void {
    this.isClosed = true;
    this.#socket.destroy();
  }
}

const UPGRADE = [
  'GET /mqtt HTTP/1.1',
  ...['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: mqtt'],
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
].join('\r\n');

/** A WebSocket whose frames are made by hand, several for a packet, and now and then not as they should be. */
export class WebSocketLink implements Link {
  isSpoiled = false;
  readonly #link: SocketLink;
  readonly #random: Random;
  /** How many of its frames are changed. */
  readonly #mutationRate: number;
  #received: Uint8Array = new Uint8Array(0);
  #isOpen = false;
  #isInMessage = false;

  constructor(port: number, random: Random) {
    this.#random = random;
    this.#mutationRate = random.pick([0, 0, 0.02]);
    let request = `${UPGRADE}\r\n\r\n`;
    if (random.chance(0.05)) request = spoilText(request, random);
    this.#link = new SocketLink(port, Buffer.from(request, 'latin1'));
  }

  get isClosed(): boolean {
    return this.#link.isClosed;
  }

  send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const random = this.#random;
    const cut = random.chance(0.1) ? random.below(bytes.length) : 0;
    if (cut > 0) this.#frame(bytes.subarray(0, cut), false);
    if (random.chance(0.02)) this.#link.send(frameOf(0x89, Buffer.from('ping'), random));
    this.#frame(bytes.subarray(cut), !random.chance(0.02));
  }

  #frame(payload: Uint8Array, isLast: boolean): void {
    const opcode = this.#isInMessage ? 0 : 2;
    this.#isInMessage = !isLast;
    const frame = frameOf((isLast ? 0x80 : 0) | opcode, payload, this.#random);
    const isSpoiled = this.#random.chance(this.#mutationRate);
    this.isSpoiled ||= isSpoiled;
    this.#link.send(isSpoiled ? spoilFrame(frame, this.#random) : frame);
  }

  /** The payloads of binary frames; whatever is no frame ends it. */
  take(): Uint8Array[] {
    this.#received = Buffer.concat([this.#received, ...this.#link.take()]);
    if (!this.#isOpen) {
      const end = Buffer.from(this.#received).indexOf('\r\n\r\n');
      if (end === -1) return [];
      this.#isOpen = true;
      this.#received = this.#received.subarray(end + 4);
    }
    const payloads: Uint8Array[] = [];
    for (let next = this.#next(); next !== null; next = this.#next()) payloads.push(next);
    return payloads;
  }

  #next(): Uint8Array | null {
    const received = this.#received;
    const [first = 0, second = 0] = received;
    const short = second & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (received.length < start) return null;
    const view = Buffer.from(received.buffer, received.byteOffset, received.length);
    const size =
      short === 127
        ? Number(view.readBigUInt64BE(2))
        : short === 126
          ? view.readUInt16BE(2)
          : short;
    if (received.length < start + size) return null;
    this.#received = received.subarray(start + size);
    return (first & 0x0f) === 2 ? received.subarray(start, start + size) : new Uint8Array(0);
  }

  halfClose(): void {
    this.#link.halfClose();
  }

  close(): void {
    this.#link.close();
  }
}

/** A frame as clients send it (RFC 6455, 5.2). */
function frameOf(first: number, payload: Uint8Array, random: Random): Uint8Array {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(size, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
  const key = Uint8Array.from({ length: 4 }, () => random.below(256));
  const masked = payload.map((byte, index) => byte ^ (key[index & 3] as number));
  return Buffer.concat([head, key, masked]);
}

function spoilFrame(frame: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(frame);
  const at = random.below(Math.min(6, copy.length));
  copy[at] = random.chance(0.5) ? random.below(256) : (copy[at] as number) ^ (1 << random.below(8));
  return random.chance(0.2) ? copy.subarray(0, random.below(copy.length)) : copy;
}

/** A character of a text is another one, is missing, or is there many times. */
function spoilText(text: string, random: Random): string {
  const at = random.below(text.length);
  const more = random.pick([
    '',
    '\0',
    '\r\n',
    ' ',
    ':',
    'x'.repeat(9000),
    String.fromCharCode(random.below(256)),
  ]);
  return text.slice(0, at) + more + text.slice(at + 1);
}

/** A header of the PROXY protocol, version 1 or 2, that is right most of the time. */
export function proxyHeader(random: Random): Uint8Array {
  const address = `192.0.2.${random.below(256)}`;
  if (random.chance(0.5)) {
    const line = `PROXY TCP4 ${address} 127.0.0.1 ${1 + random.below(65_535)} 1883\r\n`;
    return Buffer.from(random.chance(0.1) ? spoilText(line, random) : line, 'latin1');
  }
  const extra = random.chance(0.3) ? random.below(300) : 0;
  const body = Buffer.alloc(12 + extra, random.below(256));
  const head = Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex');
  head.writeUInt16BE(body.length, 14);
  const header = Buffer.concat([head, body]);
  if (random.chance(0.1)) header[random.below(header.length)] = random.below(256);
  return header;
}
