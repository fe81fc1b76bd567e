import { createHash, randomBytes } from 'node:crypto';
import { BenchError } from '../bench-error.ts';
import type { Link, LinkHandler } from './link.ts';
import type { Target } from './target.ts';

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A client's header: two bytes, up to eight of length, four of masking key. */
const HEADER_SIZE_MAX = 14;
const RESPONSE_SIZE_MAX = 16_384;

/**
 * MQTT over WebSocket (RFC 6455) on top of another link: each write is one binary message. The masking
 * key is 0, which the server can't tell from another and which leaves the prepared bytes as they are.
 *
 * Invariant: while `#payloadLeft > 0`, the next bytes belong to the message of `#opcode`; otherwise
 * `#header[0, #headerLength)` is the beginning of a frame's header.
 */
export class WebSocketLink implements Link, LinkHandler {
  /** Resolves when the server has accepted. */
  readonly opened: Promise<void>;
  readonly #target: Target;
  readonly #handler: LinkHandler;
  readonly #key = randomBytes(16).toString('base64');
  #settle: (error: Error | null) => void = () => {};
  #carrier: Link | null = null;
  /** Of the response to the upgrade; null after it. */
  #response: string | null = '';
  readonly #header = new Uint8Array(HEADER_SIZE_MAX);
  #headerLength = 0;
  #opcode = 0;
  #payloadLeft = 0;
  #control: number[] = [];

  constructor(target: Target, handler: LinkHandler) {
    this.#target = target;
    this.#handler = handler;
    this.opened = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === null ? resolve() : reject(error));
    });
  }

  /** Asks the server to upgrade. */
  start(carrier: Link): void {
    this.#carrier = carrier;
    const { host, port, path } = this.#target;
    carrier.write(
      Buffer.from(
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${this.#key}\r\nSec-WebSocket-Version: 13\r\n` +
          'Sec-WebSocket-Protocol: mqtt\r\n\r\n',
      ),
    );
  }

  get isIdle(): boolean {
    return this.#carrier?.isIdle ?? true;
  }

  write(bytes: Uint8Array): void {
    const message = Buffer.allocUnsafe(HEADER_SIZE_MAX + bytes.length);
    const length = writeHeader(message, BINARY, bytes.length);
    message.set(bytes, length);
    this.#carrier?.write(message.subarray(0, length + bytes.length));
  }

  end(): void {
    const close = Buffer.alloc(8);
    writeHeader(close, CLOSE, 2);
    close.writeUInt16BE(1000, 6);
    this.#carrier?.write(close);
    this.#carrier?.end();
  }

  destroy(): void {
    this.#carrier?.destroy();
  }

  onIdle(): void {
    this.#handler.onIdle();
  }

  onClose(error: Error | null): void {
    if (this.#response !== null) {
      this.#settle(error ?? new BenchError('closed while upgrading to WebSocket'));
      return;
    }
    this.#handler.onClose(error);
  }

  onChunk(chunk: Uint8Array, start: number, end: number): void {
    let at = this.#response === null ? start : this.#readResponse(chunk, start, end);
    while (at < end) {
      if (this.#payloadLeft === 0) {
        this.#header[this.#headerLength++] = chunk[at++] as number;
        this.#readHeader();
        continue;
      }
      const size = Math.min(this.#payloadLeft, end - at);
      this.#payloadLeft -= size;
      if (this.#opcode < CLOSE) this.#handler.onChunk(chunk, at, at + size);
      else this.#control.push(...chunk.subarray(at, at + size));
      at += size;
      if (this.#payloadLeft === 0) this.#endFrame();
    }
  }

  /** Returns where the frames begin. */
  #readResponse(chunk: Uint8Array, start: number, end: number): number {
    const before = (this.#response as string).length;
    const text = this.#response + Buffer.from(chunk.subarray(start, end)).toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    this.#response = text;
    if (headEnd === -1) {
      if (text.length > RESPONSE_SIZE_MAX) this.#refuse('a response without end');
      return end;
    }
    const [status] = text.split('\r\n') as [string];
    const accept = createHash('sha1').update(`${this.#key}${ACCEPT_SUFFIX}`).digest('base64');
    if (!/^HTTP\/1\.1 101\b/.test(status)) this.#refuse(status);
    else if (!text.includes(accept)) this.#refuse('a wrong Sec-WebSocket-Accept');
    else {
      this.#response = null;
      this.#settle(null);
    }
    return start + headEnd + 4 - before;
  }

  #refuse(what: string): void {
    this.#settle(new BenchError(`no WebSocket at ${this.#target.path}: ${what}`));
    this.destroy();
  }

  #readHeader(): void {
    const header = this.#header;
    if (this.#headerLength < 2) return;
    const short = (header[1] as number) & 0x7f;
    const size = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (this.#headerLength < size) return;
    let length = short < 126 ? short : 0;
    for (let index = 2; index < size; index++) length = length * 256 + (header[index] as number);
    this.#opcode = (header[0] as number) & 0x0f;
    this.#payloadLeft = length;
    this.#headerLength = 0;
    if (length === 0) this.#endFrame();
  }

  #endFrame(): void {
    const control = Buffer.from(this.#control);
    this.#control = [];
    if (this.#opcode === PING) {
      const pong = Buffer.alloc(6 + control.length);
      pong.set(control, writeHeader(pong, PONG, control.length));
      this.#carrier?.write(pong);
    } else if (this.#opcode === CLOSE) {
      this.#carrier?.end();
    } else if (this.#opcode !== BINARY && this.#opcode !== CONTINUATION && this.#opcode !== PONG) {
      this.#carrier?.destroy();
    }
  }
}

/** Writes the header of a whole message with masking key 0 and returns its size. */
function writeHeader(target: Buffer, opcode: number, length: number): number {
  target[0] = 0x80 | opcode;
  let at = 2;
  if (length < 126) {
    target[1] = 0x80 | length;
  } else if (length < 65_536) {
    target[1] = 0x80 | 126;
    at = target.writeUInt16BE(length, 2);
  } else {
    target[1] = 0x80 | 127;
    at = target.writeBigUInt64BE(BigInt(length), 2);
  }
  target.fill(0, at, at + 4);
  return at + 4;
}
