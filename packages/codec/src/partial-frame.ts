const EMPTY = new Uint8Array(0);

/** The longest fixed header (§2.1.4). */
const HEADER_SIZE_MAX = 5;

/**
 * A frame gets a buffer of at most this size, or of twice what has come: what its header declares may never come.
 */
const BUFFER_SIZE_MIN = 16_384;

/**
 * The beginning of a frame that is split over chunks. It is put together in a buffer of its own, which is never used again.
 *
 * Invariant: `buffer[0, length)` is what has come: less than the whole frame, or than the longest fixed header. Length 0:
 * there is none.
 */
export class PartialFrame {
  buffer: Uint8Array;
  /** Bytes that have come. */
  length: number;
  /** Bytes of the whole frame; 0 while its fixed header is not complete. */
  size: number;

  constructor() {
    this.buffer = EMPTY;
    this.length = 0;
    this.size = 0;
  }

  /** Adds `chunk[start, end)`. */
  append(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.buffer.length) this.#grow(needed);
    this.buffer.set(chunk.subarray(start, end), this.length);
    this.length = needed;
  }

  #grow(needed: number): void {
    const declared = this.size === 0 ? HEADER_SIZE_MAX : this.size;
    const wanted = Math.max(needed, Math.min(declared, Math.max(BUFFER_SIZE_MIN, needed * 2)));
    const grown = Buffer.allocUnsafe(wanted);
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { buffer, length, size } = this;
    const bound = size === 0 ? HEADER_SIZE_MAX : size;
    if (length > buffer.length || length >= bound) {
      throw new Error(`${length} bytes of a frame of ${size} in a buffer of ${buffer.length}`);
    }
  }

  /** Forgets the frame. Its buffer stays with whoever has it. */
  clear(): void {
    this.buffer = EMPTY;
    this.length = 0;
    this.size = 0;
  }
}
