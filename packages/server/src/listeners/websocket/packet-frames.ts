import { constants, deflateRawSync } from 'node:zlib';

/** RFC 6455, 5.2: FIN and the opcode for binary data. */
const FINAL_BINARY = 0x82;

const SIZE_IN_2_BYTES = 126;
const SIZE_IN_8_BYTES = 127;

/** Type and flags, and up to four bytes of Remaining Length (§2.1.4). */
const FIXED_HEADER_MAX = 5;

/**
 * Puts each MQTT packet of a stream into a WebSocket frame of its own. Several in a frame are legal [MQTT-6.0.0-2], but the
 * Paho C client, and what is built on it, takes only the first packet of a frame.
 *
 * Invariant: `#rest` bytes are still to come of the packet whose frame has begun; while it is 0, `#begun` is the start of a
 * fixed header that did not come whole.
 */
export class PacketFrames {
  #rest = 0;
  #begun: Uint8Array = EMPTY;
  /** Of the window with which packets are compressed; 0: they are not. */
  readonly #windowBits: number;

  constructor(windowBits = 0) {
    this.#windowBits = windowBits;
  }

  /**
   * The next bytes of the stream, with frame headers in between: all of it in one piece, so that it is one write.
   *
   * @returns `chunk` itself where no packet begins in it, such as a large payload
   */
  frame(chunk: Uint8Array): Uint8Array {
    if (this.#rest >= chunk.length) {
      this.#rest -= chunk.length;
      return chunk;
    }
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const framed = Buffer.allocUnsafe(bytes.length + this.#headerBytesOf(bytes));
    return framed.subarray(0, this.#copy(bytes, framed));
  }

  /** How many bytes the headers of the frames take that begin in `bytes`. */
  #headerBytesOf(bytes: Uint8Array): number {
    let count = 0;
    let offset = this.#rest;
    while (offset < bytes.length) {
      const size = packetSizeAt(bytes, offset);
      if (size === 0) break;
      count += size < SIZE_IN_2_BYTES ? 2 : size < 65_536 ? 4 : 10;
      offset += size;
    }
    return count;
  }

  /** A packet that is there whole, compressed; null when that isn't worth it. */
  #deflate(bytes: Uint8Array, start: number, end: number, size: number): Uint8Array | null {
    if (size < DEFLATED_SIZE_MIN || end - start < size) return null;
    const options = { windowBits: this.#windowBits, finishFlush: constants.Z_SYNC_FLUSH };
    const deflated = deflateRawSync(bytes.subarray(start, end), options);
    return deflated.length - TAIL_SIZE < size ? deflated.subarray(0, -TAIL_SIZE) : null;
  }

  #copy(bytes: Uint8Array, framed: Buffer): number {
    let end = this.#rest;
    let length = copy(bytes, 0, end, framed, 0);
    this.#rest = 0;
    this.#begun = EMPTY;
    while (end < bytes.length) {
      const start = end;
      const size = packetSizeAt(bytes, start);
      if (size === 0) {
        this.#begun = bytes.slice(start);
        break;
      }
      end = Math.min(start + size, bytes.length);
      this.#rest = start + size - end;
      const deflated = this.#windowBits === 0 ? null : this.#deflate(bytes, start, end, size);
      if (deflated === null) {
        length = writeHeader(framed, length, size);
        length = copy(bytes, start, end, framed, length);
      } else {
        const first = length;
        length = writeHeader(framed, first, deflated.length);
        framed[first] = DEFLATED_BINARY;
        length = copy(deflated, 0, deflated.length, framed, length);
      }
    }
    return length;
  }
}

const EMPTY = new Uint8Array(0);

/** The same as `FINAL_BINARY` with RSV1 (RFC 7692). */
const DEFLATED_BINARY = 0xc2;

/** A smaller packet would not become much smaller. */
const DEFLATED_SIZE_MIN = 256;

/** What ends each compressed message, and is left out of it (RFC 7692, 7.2.1). */
const TAIL_SIZE = 4;

/** Bytes of the packet that begins at `offset`; 0 when its fixed header isn't there whole. */
function packetSizeAt(bytes: Uint8Array, offset: number): number {
  let remainingLength = 0;
  let factor = 1;
  for (let index = 1; index < FIXED_HEADER_MAX; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return 0;
    remainingLength += (byte & 0x7f) * factor;
    if (byte < 0x80) return index + 1 + remainingLength;
    factor *= 0x80;
  }
  throw new Error('the broker wrote a packet with a malformed Remaining Length');
}

function writeHeader(framed: Buffer, offset: number, size: number): number {
  framed[offset] = FINAL_BINARY;
  if (size < SIZE_IN_2_BYTES) {
    framed[offset + 1] = size;
    return offset + 2;
  }
  if (size < 65_536) {
    framed[offset + 1] = SIZE_IN_2_BYTES;
    framed[offset + 2] = size >> 8;
    framed[offset + 3] = size & 0xff;
    return offset + 4;
  }
  framed[offset + 1] = SIZE_IN_8_BYTES;
  framed.writeUInt32BE(0, offset + 2);
  framed.writeUInt32BE(size, offset + 6);
  return offset + 10;
}

function copy(source: Uint8Array, start: number, end: number, to: Buffer, offset: number): number {
  const size = end - start;
  // A call costs more than a few bytes.
  if (size > 32) to.set(source.subarray(start, end), offset);
  else
    for (let index = 0; index < size; index++) to[offset + index] = source[start + index] as number;
  return offset + size;
}
