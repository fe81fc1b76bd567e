import {
  alignUp,
  BATCH_HEADER_SIZE,
  CLOCK_DATA_SIZE,
  encodeClock,
  MOVED_HEADER_SIZE,
  RECORD_HEADER_SIZE,
  RecordKind,
  recordOffsetInBatch,
  recordSize,
  sealBatch,
} from '../format/format.ts';
import { invariant } from '../invariant.ts';

const NO_STREAM = new Uint8Array(0);

/** Called once, in the order of the appends, when a record is as safe as the sync mode promises. */
export type CommitListener = (error: Error | null) => void;

/** What the first buffer of a batch holds; it grows with what is appended. */
const BUFFER_SIZE_MIN = 65_536;

/** A batch is closed before it grows beyond this; but a single record may be larger. */
export const BATCH_SIZE_MAX = 1_048_576;

/**
 * Gathers the records of one batch.
 *
 * Invariant: `#buffer[BATCH_HEADER_SIZE, #length)` holds `count` records; the header is written by `seal`.
 */
export class BatchBuilder {
  /** Of the first byte of the batch in the log. */
  position: number;
  count: number;
  /** How many of them are clock records, which count as nobody's. */
  #clockCount: number;
  /** Of what compaction adds to records that it moves. */
  #movedHeaderBytes: number;
  readonly listeners: CommitListener[];
  #buffer: Buffer;
  #length: number;

  constructor() {
    this.position = 0;
    this.count = 0;
    this.#clockCount = 0;
    this.#movedHeaderBytes = 0;
    this.listeners = [];
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE_MIN);
    this.#length = BATCH_HEADER_SIZE;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Records that somebody appended. */
  get recordCount(): number {
    return this.count - this.#clockCount;
  }

  /** Bytes so far, without padding. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of its records, but for what compaction adds to those that it moves: what counts for the segment. */
  get ownerBytes(): number {
    return this.#length - BATCH_HEADER_SIZE - this.#movedHeaderBytes;
  }

  /** Empties it, for a batch at another position. */
  reset(position: number): void {
    this.position = position;
    this.count = 0;
    this.#clockCount = 0;
    this.#movedHeaderBytes = 0;
    this.listeners.length = 0;
    this.#length = BATCH_HEADER_SIZE;
    if (this.#buffer.length > BATCH_SIZE_MAX) {
      this.#buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE_MIN);
    }
  }

  /**
   * Copies a record in.
   *
   * @param parts - the data, in pieces
   * @param dataLength - of all parts together
   * @returns the record's position
   */
  add(
    parts: readonly Uint8Array[],
    dataLength: number,
    stream: Uint8Array,
    kind: RecordKind = RecordKind.data,
  ): number {
    const start = this.#length;
    const end = start + RECORD_HEADER_SIZE + stream.length + dataLength;
    if (alignUp(end) > this.#buffer.length) this.#grow(alignUp(end));
    const buffer = this.#buffer;
    buffer.writeUInt32LE(dataLength, start);
    buffer.writeUInt32LE(start, start + 4);
    buffer.writeUInt32LE(stream.length | (kind << 16), start + 8);
    let offset = start + RECORD_HEADER_SIZE;
    if (stream.length > 0) {
      buffer.set(stream, offset);
      offset += stream.length;
    }
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as Uint8Array;
      buffer.set(part, offset);
      offset += part.length;
    }
    this.#length = end;
    this.count++;
    if (kind === RecordKind.moved) this.#movedHeaderBytes += MOVED_HEADER_SIZE;
    return this.position + start;
  }

  /** Adds what the wall clock is ahead of the log's time. */
  addClock(wallAheadMs: number): void {
    this.add([encodeClock(wallAheadMs)], CLOCK_DATA_SIZE, NO_STREAM, RecordKind.clock);
    this.#clockCount++;
  }

  /** Completes the batch; the bytes are the builder's and stay as they are until `reset`. */
  seal(durablePosition: number, timeMs: number): Buffer {
    const size = alignUp(this.#length);
    this.#buffer.fill(0, this.#length, size);
    sealBatch(this.#buffer, size, this.count, this.position, durablePosition, timeMs);
    return this.#buffer.subarray(0, size);
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { count } = this;
    let found = 0;
    let start = BATCH_HEADER_SIZE;
    while (start < this.#length) {
      const offset = recordOffsetInBatch(this.#buffer, start);
      invariant(offset === start, `a record at ${start} of a batch says that it is at ${offset}`);
      start += recordSize(this.#buffer, start);
      found++;
    }
    invariant(found === count, `a batch has ${found} records, and counts ${count}`);
    invariant(start === this.#length, `the records end at ${start}, not at ${this.#length}`);
    invariant(this.#clockCount <= count, `${this.#clockCount} clocks of ${count} records`);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
