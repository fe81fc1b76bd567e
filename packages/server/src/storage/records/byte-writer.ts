import { Buffer } from 'node:buffer';

const SIZE_MIN = 4096;
const SIZE_KEPT_MAX = 1_048_576;

const EMPTY = new Uint8Array(0);

/** Puts numbers (little-endian), strings and bytes together. One is used for any number of records. */
export class ByteWriter {
  #buffer: Buffer;
  #view: DataView;
  #length: number;

  constructor() {
    this.#buffer = Buffer.allocUnsafeSlow(SIZE_MIN);
    this.#view = viewOf(this.#buffer);
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until the next `reset`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.bytes);
  }

  reset(): this {
    this.#length = 0;
    if (this.#buffer.length > SIZE_KEPT_MAX) {
      this.#buffer = Buffer.allocUnsafeSlow(SIZE_MIN);
      this.#view = viewOf(this.#buffer);
    }
    return this;
  }

  u8(value: number): this {
    const offset = this.#advance(1);
    this.#buffer[offset] = value;
    return this;
  }

  u16(value: number): this {
    const offset = this.#advance(2);
    this.#view.setUint16(offset, value, true);
    return this;
  }

  u32(value: number): this {
    const offset = this.#advance(4);
    this.#view.setUint32(offset, value, true);
    return this;
  }

  f64(value: number): this {
    const offset = this.#advance(8);
    this.#view.setFloat64(offset, value, true);
    return this;
  }

  /** A whole number from 0 to 2^53 - 1: 7 bits a byte, the lowest first. */
  varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  /** Bytes behind their length in 4 bytes. */
  data(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** A string as UTF-8 behind its length in 4 bytes. */
  string(text: string): this {
    const size = Buffer.byteLength(text);
    this.u32(size);
    const offset = this.#advance(size);
    this.#buffer.write(text, offset, size, 'utf8');
    return this;
  }

  raw(bytes: Uint8Array): this {
    const offset = this.#advance(bytes.length);
    this.#buffer.set(bytes, offset);
    return this;
  }

  /** Overwrites 4 bytes that were written before. */
  putU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Makes room, maybe in another buffer; returns the offset at which it begins. */
  #advance(size: number): number {
    const offset = this.#length;
    const end = offset + size;
    if (end > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(end, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, offset));
      this.#buffer = grown;
      this.#view = viewOf(grown);
    }
    this.#length = end;
    return offset;
  }
}

const f64Bytes = new Uint8Array(8);
const f64Value = new Float64Array(f64Bytes.buffer);

/**
 * Reads back what a `ByteWriter` wrote. Bytes are views. It reads byte by byte: a DataView for each
 * record would cost more than all that is read through it.
 */
export class ByteReader {
  #bytes: Uint8Array;
  #offset: number;
  #end: number;
  /** The last string that `sameString` returned, and its bytes. */
  #lastString: string;
  #lastBytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#offset = 0;
    this.#end = bytes.length;
    this.#lastString = '';
    this.#lastBytes = EMPTY;
  }

  /** Reads other bytes from now on: all of them, or `[start, end)`. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
    return this;
  }

  u8(): number {
    return this.#bytes[this.#offset++] as number;
  }

  u16(): number {
    const low = this.u8();
    return low | (this.u8() << 8);
  }

  u32(): number {
    const low = this.u16();
    return low + this.u16() * 0x1_0000;
  }

  f64(): number {
    for (let index = 0; index < 8; index++) f64Bytes[index] = this.u8();
    return f64Value[0] as number;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.u8();
      // Past the end there are no bytes: what is read is damaged.
      if (byte === undefined) throw new RangeError('a number ends after the end of its bytes');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  data(): Uint8Array {
    const size = this.u32();
    const start = this.#offset;
    this.#offset += size;
    return size === 0 ? EMPTY : this.#bytes.subarray(start, this.#offset);
  }

  string(): string {
    const size = this.u32();
    const start = this.#offset;
    this.#offset += size;
    return size === 0 ? '' : decodeUtf8(this.#bytes, start, this.#offset);
  }

  /** The same as `string`, for one that is often the same as the one before: then nothing is made. */
  sameString(): string {
    const size = this.u32();
    const start = this.#offset;
    this.#offset += size;
    if (isEqual(this.#lastBytes, this.#bytes, start, this.#offset)) return this.#lastString;
    this.#lastBytes = new Uint8Array(this.#bytes.subarray(start, this.#offset));
    this.#lastString = decodeUtf8(this.#bytes, start, this.#offset);
    return this.#lastString;
  }

  skip(size: number): void {
    this.#offset += size;
  }

  /** All that is left. */
  rest(): Uint8Array {
    const start = this.#offset;
    this.#offset = this.#end;
    return start >= this.#end ? EMPTY : this.#bytes.subarray(start, this.#end);
  }
}

/** Whether bytes are the same as `[start, end)` of others. */
export function isEqual(
  bytes: Uint8Array,
  others: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (bytes.length !== end - start) return false;
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== others[start + index]) return false;
  }
  return true;
}

function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
