import { Buffer } from 'node:buffer';

/** Reads numbers (little-endian), texts and bytes from the body of a frame, and never past its end. */
export class FrameBodyReader {
  readonly #body: Buffer;
  #offset: number;

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
    this.#offset = 0;
  }

  u8(): number {
    return this.#body.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#body.readUInt16LE(this.#advance(2));
  }

  u32(): number {
    return this.#body.readUInt32LE(this.#advance(4));
  }

  f64(): number {
    return this.#body.readDoubleLE(this.#advance(8));
  }

  text(size: number): string {
    const start = this.#advance(size);
    return size === 0 ? '' : this.#body.toString('utf8', start, start + size);
  }

  /** A view. */
  bytes(size: number): Uint8Array {
    const start = this.#advance(size);
    return this.#body.subarray(start, start + size);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.bytes(this.#body.length - this.#offset);
  }

  /** @throws {RangeError} when there is anything left */
  end(): void {
    const left = this.#body.length - this.#offset;
    if (left > 0) throw new RangeError(`${left} bytes after the end of a frame`);
  }

  #advance(size: number): number {
    const start = this.#offset;
    this.#offset += size;
    if (this.#offset > this.#body.length) throw new RangeError('a frame ends too early');
    return start;
  }
}
