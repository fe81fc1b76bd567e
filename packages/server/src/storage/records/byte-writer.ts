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

  /** A whole number from 0 to 2^53 - 1: 7 bits a byte, the lowest first. */
  varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  /** The length of bytes in 4 bytes, then they. */
  data(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** The length of a string as UTF-8 in 4 bytes, then it. */
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

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
