import { Buffer } from 'node:buffer';

const SIZE_MIN = 4096;
const SIZE_KEPT_MAX = 1_048_576;

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

/** Reads back what a `ByteWriter` wrote. Bytes are views. */
export class ByteReader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = viewOf(bytes);
    this.#offset = 0;
  }

  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    const value = this.#view.getUint8(this.#offset);
    this.#offset += 1;
    return value;
  }

  u16(): number {
    const value = this.#view.getUint16(this.#offset, true);
    this.#offset += 2;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.#offset, true);
    this.#offset += 4;
    return value;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.#offset, true);
    this.#offset += 8;
    return value;
  }

  data(): Uint8Array {
    const size = this.u32();
    const start = this.#offset;
    this.#offset += size;
    return this.#buffer.subarray(start, this.#offset);
  }

  string(): string {
    const size = this.u32();
    const start = this.#offset;
    this.#offset += size;
    return this.#buffer.toString('utf8', start, this.#offset);
  }

  skip(size: number): void {
    this.#offset += size;
  }

  /** All that is left. */
  rest(): Uint8Array {
    const start = this.#offset;
    this.#offset = this.#buffer.length;
    return this.#buffer.subarray(start);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
