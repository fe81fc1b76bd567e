import { type Batch, declaredBatchSize, readBatch } from '../format/format.ts';
import { isUnused } from '../format/scan.ts';
import type { Files } from '../ports/files.ts';
import type { Segment } from './segment.ts';

/** How much is read at a time. */
const WINDOW_SIZE = 1_048_576;

const NO_BYTES = Buffer.alloc(0);

/**
 * Reads segments through one buffer that is used again and again: a segment as a whole may be large, and
 * a buffer for each would be garbage that is collected late.
 */
export class BatchWindow {
  readonly #files: Files;
  #buffer: Buffer;

  constructor(files: Files) {
    this.#files = files;
    this.#buffer = NO_BYTES;
  }

  /**
   * Walks the batches of a segment as long as one follows the other.
   *
   * @param from - offset in the segment's file, where a batch should begin
   * @param end - offset that no batch reaches beyond
   * @param visit - gets each batch with its offset in a buffer, which is only valid during the call
   * @returns the offset after the last batch: below `end` when something else than a batch lies there, or
   * the file ends
   */
  async walk(
    segment: Segment,
    from: number,
    end: number,
    visit: (buffer: Buffer, offset: number, batch: Batch) => void,
  ): Promise<number> {
    let offset = from;
    while (offset < end) {
      const bytes = await this.#read(segment, offset, end);
      let start = 0;
      let batch = readBatch(bytes, 0, segment.first + offset);
      while (batch !== null) {
        visit(bytes, start, batch);
        start += batch.size;
        batch = readBatch(bytes, start, segment.first + offset + start);
      }
      offset += start;
      if (start > 0) continue;
      const size = declaredBatchSize(bytes, 0);
      const isLarger = size > bytes.length && bytes.length === this.#buffer.length;
      if (!isLarger || offset + size > end) break;
      this.#buffer = Buffer.allocUnsafeSlow(size);
    }
    if (this.#buffer.length > WINDOW_SIZE) this.#buffer = NO_BYTES;
    return offset;
  }

  /** Whether nothing was ever written in a stretch of a preallocated file. */
  async isUnused(segment: Segment, from: number, end: number): Promise<boolean> {
    for (let offset = from; offset < end; ) {
      const bytes = await this.#read(segment, offset, end);
      if (bytes.length === 0) return true;
      if (!isUnused(bytes, 0, bytes.length)) return false;
      offset += bytes.length;
    }
    return true;
  }

  async #read(segment: Segment, offset: number, end: number): Promise<Buffer> {
    if (this.#buffer.length === 0) this.#buffer = Buffer.allocUnsafeSlow(WINDOW_SIZE);
    const target = this.#buffer.subarray(0, Math.min(this.#buffer.length, end - offset));
    return target.subarray(0, await segment.read(this.#files, target, offset));
  }
}
