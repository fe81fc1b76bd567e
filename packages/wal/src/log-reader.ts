import type { Files } from './files.ts';
import {
  type Batch,
  declaredBatchSize,
  type LogRecord,
  RECORD_HEADER_SIZE,
  readBatch,
  recordAt,
  recordOffsetInBatch,
  recordSize,
  recordsOf,
  SEGMENT_HEADER_SIZE,
} from './format.ts';
import { LogError } from './log-error.ts';
import { scan } from './scan.ts';
import { type Segment, segmentAt } from './segment.ts';

/** How much is read at a time: what follows a record is often read next. */
const WINDOW_SIZE = 524_288;

/** Windows kept, so that several readers at different places don't read everything again. */
const WINDOWS_MAX = 8;

/** Bytes of a segment, of which some batches have been found valid. */
interface Window {
  readonly segment: Segment;
  /** Position of the first byte, which begins a batch. */
  readonly start: number;
  readonly buffer: Buffer;
  /** The batch that was checked last. */
  batch: Batch;
}

/** Reads written records back. A record is only returned from a batch whose checksum is right. */
export class LogReader {
  readonly #files: Files;
  readonly #segments: readonly Segment[];
  /** The last used is the last. */
  readonly #windows: Window[];

  constructor(files: Files, segments: readonly Segment[]) {
    this.#files = files;
    this.#segments = segments;
    this.#windows = [];
  }

  async read(position: number): Promise<LogRecord> {
    return this.#cached(position) ?? (await this.#load(position));
  }

  /** Drops what is cached of a segment that is going to be removed. */
  forget(segment: Segment): void {
    for (let index = this.#windows.length - 1; index >= 0; index--) {
      if (this.#windows[index]?.segment === segment) this.#windows.splice(index, 1);
    }
  }

  #cached(position: number): LogRecord | null {
    for (let index = this.#windows.length - 1; index >= 0; index--) {
      const window = this.#windows[index] as Window;
      if (position < window.start || position >= window.start + window.buffer.length) continue;
      const record = this.#find(window, position);
      if (record === null) continue;
      if (index !== this.#windows.length - 1) {
        this.#windows.splice(index, 1);
        this.#windows.push(window);
      }
      return record;
    }
    return null;
  }

  /** The record in a window; null when its batch doesn't lie in it whole. */
  #find(window: Window, position: number): LogRecord | null {
    let { batch } = window;
    if (position < batch.position) {
      const first = readBatch(window.buffer, 0, window.start);
      if (first === null) return null;
      batch = first;
    }
    while (position >= batch.position + batch.size) {
      const next = batch.position + batch.size;
      const following = readBatch(window.buffer, next - window.start, next);
      if (following === null) return null;
      batch = following;
    }
    window.batch = batch;
    const start = position - window.start;
    const offset = position - batch.position;
    const isRecord =
      offset + RECORD_HEADER_SIZE <= batch.size &&
      recordOffsetInBatch(window.buffer, start) === offset &&
      offset + recordSize(window.buffer, start) <= batch.size;
    return isRecord ? recordAt(window.buffer, start, position) : null;
  }

  async #load(position: number): Promise<LogRecord> {
    const segment = segmentAt(this.#segments, position);
    if (segment === null) {
      throw new LogError('not-found', `no segment holds position ${position}`);
    }
    const file = await segment.open(this.#files);
    const header = Buffer.alloc(RECORD_HEADER_SIZE);
    const offset = position - segment.first;
    const isWhole = (await file.read(header, offset)) === header.length;
    const batchOffset = offset - recordOffsetInBatch(header, 0);
    if (!isWhole || batchOffset < SEGMENT_HEADER_SIZE) throw unreadable(segment, offset);
    let buffer = await this.#readBytes(segment, batchOffset, WINDOW_SIZE);
    const size = declaredBatchSize(buffer, 0);
    if (size > buffer.length && batchOffset + size <= segment.size) {
      buffer = await this.#readBytes(segment, batchOffset, size);
    }
    const start = segment.first + batchOffset;
    const batch = readBatch(buffer, 0, start);
    if (batch === null) throw unreadable(segment, offset);
    const window: Window = { segment, start, buffer, batch };
    const record = this.#find(window, position);
    if (record === null) throw unreadable(segment, offset);
    this.#windows.push(window);
    if (this.#windows.length > WINDOWS_MAX) this.#windows.shift();
    return record;
  }

  async #readBytes(segment: Segment, offset: number, length: number): Promise<Buffer> {
    const file = await segment.open(this.#files);
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, segment.size - offset)));
    return buffer.subarray(0, await file.read(buffer, offset));
  }

  /** All records from a position up to `end()`, which is asked again as the reading gets on. */
  async *records(from: number, end: () => number): AsyncGenerator<LogRecord> {
    let position = from;
    while (position < end()) {
      const segment = this.#segments.find((one) => one.end > position);
      if (segment === undefined) return;
      const limit = Math.min(segment.end, end());
      const buffer = await this.#readBytes(segment, 0, limit - segment.first);
      for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
        if (stretch.kind !== 'batch') continue;
        if (segment.first + stretch.offset + stretch.batch.size <= position) continue;
        for (const record of recordsOf(buffer, stretch.offset, stretch.batch)) {
          if (record.position >= position) yield record;
        }
      }
      position = limit;
    }
  }
}

function unreadable(segment: Segment, offset: number): LogError {
  return new LogError('not-found', `${segment.path}: no readable record at offset ${offset}`);
}
