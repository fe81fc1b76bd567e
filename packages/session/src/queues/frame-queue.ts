import { invariant } from '@promptmq/topics';
import type { PublishImage } from '../messages/publish-image.ts';
import { Fifo } from './fifo.ts';

/** Larger frames are not queued as bytes: a quarter of a chunk may stay empty before one. */
export const QUEUED_FRAME_BYTES_MAX = 4096;

/** Sizes of the first chunk of a queue and of all others: a queue that is hardly used takes little. */
const FIRST_CHUNK_BYTES = 2048;
const CHUNK_BYTES = 16_384;

/** How many free chunks of a size are kept for reuse: 1 MB of the large ones. */
const POOLED_MAX = 64;

/** Before each frame: its flags, 1 byte; its size, packetIdOffset and payloadSize, 2 bytes each. */
const HEADER_BYTES = 7;

/** In the place of the first byte of a header: the chunk has no more frames. */
const END_OF_CHUNK = 0;

const NO_BYTES = new Uint8Array(0);
const firstChunks: Uint8Array[] = [];
const chunks: Uint8Array[] = [];

/** A frame that waits, as it is now. */
export interface FrameCopy {
  /** Without its packet identifier, and without `flags` in the first byte. */
  readonly bytes: Uint8Array;
  readonly packetIdOffset: number;
  /** `qos << 1 | retain`. */
  readonly flags: number;
}

/**
 * Encoded packets that wait to be sent, one after the other in chunks of bytes. A queue that fills and
 * drains all the time leaves nothing to collect this way.
 *
 * Its own fields are the frame that was taken last, until the next call.
 *
 * Invariant: `length` and `bytes` are those of the frames from where it is read to where it is written.
 */
export class FrameQueue implements PublishImage {
  /** How many wait. */
  length = 0;
  /** Bytes of the frames that wait. */
  bytes = 0;

  buffer: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  packetIdOffset = 0;
  payloadSize = 0;
  /** As given to `push`. */
  flags = 0;

  /** Those after the one that is read from; the last is written to. */
  readonly #chunks: Fifo<Uint8Array> = new Fifo();
  #readChunk: Uint8Array = NO_BYTES;
  #readOffset = 0;
  #writeChunk: Uint8Array = NO_BYTES;
  #writeOffset = 0;

  /**
   * Appends a copy of a frame.
   *
   * @param frame - of up to `QUEUED_FRAME_BYTES_MAX` bytes
   * @param flags - `qos << 1 | retain`, as in the first byte of a PUBLISH
   */
  push({ buffer, start, end, packetIdOffset, payloadSize }: PublishImage, flags: number): void {
    const size = end - start;
    if (this.#writeOffset + HEADER_BYTES + size > this.#writeChunk.length) {
      this.#addChunk(HEADER_BYTES + size);
    }
    const chunk = this.#writeChunk;
    let offset = this.#writeOffset;
    chunk[offset] = flags;
    chunk[offset + 1] = size >> 8;
    chunk[offset + 2] = size & 0xff;
    chunk[offset + 3] = packetIdOffset >> 8;
    chunk[offset + 4] = packetIdOffset & 0xff;
    chunk[offset + 5] = payloadSize >> 8;
    chunk[offset + 6] = payloadSize & 0xff;
    offset += HEADER_BYTES;
    chunk.set(buffer.subarray(start, end), offset);
    this.#writeOffset = offset + size;
    this.length++;
    this.bytes += size;
  }

  /** Takes the first frame, of which there is one. After the last one, once it is sent: `clear`. */
  shift(): void {
    let chunk = this.#readChunk;
    let offset = this.#readOffset;
    if (offset === chunk.length || chunk[offset] === END_OF_CHUNK) {
      recycle(chunk);
      chunk = this.#chunks.shift() as Uint8Array;
      this.#readChunk = chunk;
      offset = 0;
    }
    this.flags = chunk[offset] as number;
    const size = ((chunk[offset + 1] as number) << 8) | (chunk[offset + 2] as number);
    this.packetIdOffset = ((chunk[offset + 3] as number) << 8) | (chunk[offset + 4] as number);
    this.payloadSize = ((chunk[offset + 5] as number) << 8) | (chunk[offset + 6] as number);
    this.buffer = chunk;
    this.start = offset + HEADER_BYTES;
    this.end = this.start + size;
    this.#readOffset = this.end;
    this.length--;
    this.bytes -= size;
  }

  /** Copies of all frames that wait, in their order. Nothing may change while they are gone through. */
  *copies(skipped: number): Generator<FrameCopy> {
    let left = skipped;
    let offset = this.#readOffset;
    for (const chunk of [this.#readChunk, ...this.#chunks]) {
      const end = chunk === this.#writeChunk ? this.#writeOffset : chunk.length;
      while (offset < end && chunk[offset] !== END_OF_CHUNK) {
        const size = ((chunk[offset + 1] as number) << 8) | (chunk[offset + 2] as number);
        const start = offset + HEADER_BYTES;
        if (left > 0) left--;
        else {
          const packetIdOffset =
            ((chunk[offset + 3] as number) << 8) | (chunk[offset + 4] as number);
          const flags = chunk[offset] as number;
          yield { bytes: chunk.slice(start, start + size), packetIdOffset, flags };
        }
        offset = start + size;
      }
      offset = 0;
    }
  }

  /** Gives all frames up, and their chunks. */
  clear(): void {
    this.length = 0;
    this.bytes = 0;
    for (const chunk of this.#chunks) recycle(chunk);
    this.#chunks.clear();
    recycle(this.#readChunk);
    this.#readChunk = NO_BYTES;
    this.#readOffset = 0;
    this.#writeChunk = NO_BYTES;
    this.#writeOffset = 0;
    this.buffer = NO_BYTES;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let length = 0;
    let bytes = 0;
    let offset = this.#readOffset;
    for (const chunk of [this.#readChunk, ...this.#chunks]) {
      const end = chunk === this.#writeChunk ? this.#writeOffset : chunk.length;
      while (offset < end && chunk[offset] !== END_OF_CHUNK) {
        const size = ((chunk[offset + 1] as number) << 8) | (chunk[offset + 2] as number);
        offset += HEADER_BYTES + size;
        length++;
        bytes += size;
      }
      invariant(offset <= end, 'a frame goes beyond its chunk');
      offset = 0;
    }
    invariant(length === this.length, `${this.length} frames counted of ${length}`);
    invariant(bytes === this.bytes, `${this.bytes} bytes of frames counted of ${bytes}`);
  }

  #addChunk(size: number): void {
    const isFirst = this.#writeChunk.length === 0;
    const chunk =
      isFirst && size <= FIRST_CHUNK_BYTES
        ? (firstChunks.pop() ?? new Uint8Array(FIRST_CHUNK_BYTES))
        : (chunks.pop() ?? new Uint8Array(CHUNK_BYTES));
    if (isFirst) {
      this.#readChunk = chunk;
    } else {
      if (this.#writeOffset < this.#writeChunk.length) {
        this.#writeChunk[this.#writeOffset] = END_OF_CHUNK;
      }
      this.#chunks.push(chunk);
    }
    this.#writeChunk = chunk;
    this.#writeOffset = 0;
  }
}

function recycle(chunk: Uint8Array): void {
  const pool = chunk.length === CHUNK_BYTES ? chunks : firstChunks;
  if (chunk.length > 0 && pool.length < POOLED_MAX) pool.push(chunk);
}
