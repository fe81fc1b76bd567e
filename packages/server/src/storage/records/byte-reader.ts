import { Buffer } from 'node:buffer';

const EMPTY = new Uint8Array(0);

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
