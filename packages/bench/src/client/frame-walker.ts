import { BenchError } from '../bench-error.ts';

/** Of a packet that is split over chunks, so much is kept: header, topic, properties, and the stamp. */
export const HEAD_SIZE_MAX = 8192;

export interface FrameSink {
  /**
   * One packet, once all of it has come. It starts at `start`, its body at `bodyStart`, and it ends
   * before `end`; of one that was split over chunks, only the first `HEAD_SIZE_MAX` bytes are in
   * `buffer`. The bytes hold until it returns.
   */
  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): void;
}

const EMPTY = new Uint8Array(0);

/**
 * Counts the packets of a stream by walking its fixed headers (§2.1). Nothing else is looked at, which
 * is what makes a load generator cheaper than the broker.
 *
 * Invariant: `#head[0, #headLength)` is the beginning of a packet of which `#seen` bytes have come.
 */
export class FrameWalker {
  readonly #sink: FrameSink;
  #head: Uint8Array = EMPTY;
  #headLength = 0;
  #seen = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /**
   * Takes `chunk[start, end)`, which may be overwritten afterwards.
   *
   * @throws {BenchError} when a remaining length is malformed
   */
  push(chunk: Uint8Array, start: number, end: number): void {
    let at = this.#headLength > 0 ? this.#complete(chunk, start, end) : start;
    while (at < end) {
      const length = at + 1 < end ? (chunk[at + 1] as number) : 0x80;
      let bodyStart = at + 2;
      let frameEnd = bodyStart + length;
      if (length >= 0x80) {
        bodyStart = at + headerSize(chunk, at, end);
        frameEnd = bodyStart === at ? end + 1 : bodyStart + remainingLength(chunk, at);
      }
      if (frameEnd > end) {
        this.#keep(chunk, at, end);
        return;
      }
      this.#sink.onFrame(chunk, at, bodyStart, frameEnd);
      at = frameEnd;
    }
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    if (this.#head.length === 0) this.#head = new Uint8Array(HEAD_SIZE_MAX);
    const kept = Math.min(HEAD_SIZE_MAX, end - start);
    this.#head.set(chunk.subarray(start, start + kept), 0);
    this.#headLength = kept;
    this.#seen = end - start;
  }

  /** Adds to the packet that has begun, and returns where the next one starts, or `end`. */
  #complete(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    let bodyStart = headerSize(this.#head, 0, this.#headLength);
    while (bodyStart === 0 && at < end) {
      this.#head[this.#headLength++] = chunk[at++] as number;
      this.#seen++;
      bodyStart = headerSize(this.#head, 0, this.#headLength);
    }
    if (bodyStart === 0) return end;
    const size = bodyStart + remainingLength(this.#head, 0);
    const taken = Math.min(size - this.#seen, end - at);
    const kept = Math.min(taken, HEAD_SIZE_MAX - this.#headLength);
    if (kept > 0) {
      this.#head.set(chunk.subarray(at, at + kept), this.#headLength);
      this.#headLength += kept;
    }
    this.#seen += taken;
    if (this.#seen < size) return end;
    this.#headLength = 0;
    this.#sink.onFrame(this.#head, 0, bodyStart, size);
    return at + taken;
  }
}

/** Bytes of the fixed header at `start`; 0 when it is not complete. */
function headerSize(buffer: Uint8Array, start: number, end: number): number {
  for (let size = 2; size <= 5; size++) {
    if (start + size > end) return 0;
    if ((buffer[start + size - 1] as number) < 0x80) return size;
  }
  throw new BenchError('the broker sent a packet with a malformed remaining length');
}

function remainingLength(buffer: Uint8Array, start: number): number {
  let length = 0;
  let factor = 1;
  for (let index = start + 1; ; index++) {
    const byte = buffer[index] as number;
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) return length;
    factor *= 128;
  }
}
