import {
  BATCH_HEADER_SIZE,
  dataStart,
  declaredBatchSize,
  isData,
  type LogRecord,
  RECORD_HEADER_SIZE,
  readBatch,
  recordAt,
  recordKind,
  recordOffsetInBatch,
  recordSize,
  SEGMENT_HEADER_SIZE,
  streamLength,
} from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { invariant } from '../invariant.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import { type Segment, segmentAt } from './segment.ts';

/** How much is read at a time: what follows a record is often read next. */
const WINDOW_SIZE = 524_288;

/** Windows kept, so that several readers at different places don't read everything again. */
const WINDOWS_MAX = 16;

const NO_BYTES = Buffer.alloc(0);

/**
 * Bytes of a segment, of which some batches have been found valid.
 *
 * Invariant: `[batchStart, batchEnd)` is a batch whose checksum was right.
 */
interface Window {
  readonly segment: Segment;
  /** Position of the first byte, which begins a batch. */
  readonly start: number;
  readonly end: number;
  readonly buffer: Buffer;
  /** The batch that was checked last. */
  batchStart: number;
  batchEnd: number;
}

/** Where a record lies in bytes that were read: what `LogRecord` has, without objects for each of its parts. */
export interface RecordView {
  readonly bytes: Buffer;
  readonly streamStart: number;
  readonly streamEnd: number;
  readonly dataStart: number;
  readonly end: number;
}

/** Reads written records back. A record is only returned from a batch whose checksum is right. */
export class LogReader {
  readonly #files: Files;
  readonly #segments: readonly Segment[];
  /** The last used is the last. */
  readonly #windows: Window[];
  readonly #view: { -readonly [Key in keyof RecordView]: RecordView[Key] };

  constructor(files: Files, segments: readonly Segment[]) {
    this.#files = files;
    this.#segments = segments;
    this.#windows = [];
    this.#view = { bytes: NO_BYTES, streamStart: 0, streamEnd: 0, dataStart: 0, end: 0 };
  }

  async read(position: number): Promise<LogRecord> {
    return this.readNow(position) ?? (await this.#load(position));
  }

  /** The record, when it lies in a window; null when it has to be loaded. */
  readNow(position: number): LogRecord | null {
    const window = this.#find(position);
    return window === null ? null : recordAt(window.buffer, position - window.start, position);
  }

  /** The same in place: the view is only valid until the next call, its bytes stay as they are. */
  viewNow(position: number): RecordView | null {
    const window = this.#find(position);
    if (window === null) return null;
    const view = this.#view;
    const start = position - window.start;
    view.bytes = window.buffer;
    view.streamStart = start + RECORD_HEADER_SIZE;
    view.streamEnd = view.streamStart + streamLength(window.buffer, start);
    view.dataStart = dataStart(window.buffer, start);
    view.end = start + recordSize(window.buffer, start);
    return view;
  }

  /** The window that holds a record; null when none does. */
  #find(position: number): Window | null {
    const last = this.#windows.length - 1;
    for (let index = last; index >= 0; index--) {
      const window = this.#windows[index] as Window;
      if (position < window.start || position >= window.end) continue;
      if (!holds(window, position)) continue;
      if (index !== last) {
        this.#windows.splice(index, 1);
        this.#windows.push(window);
      }
      return window;
    }
    return null;
  }

  /** Drops what is cached of a segment that is going to be removed. */
  forget(segment: Segment): void {
    for (let index = this.#windows.length - 1; index >= 0; index--) {
      if (this.#windows[index]?.segment === segment) this.#windows.splice(index, 1);
    }
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    invariant(this.#windows.length <= WINDOWS_MAX, `${this.#windows.length} windows are kept`);
    for (const { segment, start, end, buffer, batchStart, batchEnd } of this.#windows) {
      const isInside = segment.first <= start && start <= batchStart && batchEnd <= end;
      const batch = readBatch(buffer, batchStart - start, batchStart);
      invariant(
        isInside && end - start === buffer.length && batch?.size === batchEnd - batchStart,
        `${batchStart} to ${batchEnd} of ${segment.path} counts as a batch`,
      );
    }
  }

  async #load(position: number): Promise<LogRecord> {
    const segment = segmentAt(this.#segments, position);
    if (segment === null) {
      throw new LogError('not-found', `no segment holds position ${position}`);
    }
    const offset = position - segment.first;
    // Who reads on from the window before asks for the first record of a batch.
    const guess = offset - BATCH_HEADER_SIZE;
    if (guess < SEGMENT_HEADER_SIZE) throw unreadable(segment, offset);
    let buffer = await this.#readBytes(segment, guess, WINDOW_SIZE);
    if (buffer.length < BATCH_HEADER_SIZE + RECORD_HEADER_SIZE) throw unreadable(segment, offset);
    const batchOffset = offset - recordOffsetInBatch(buffer, BATCH_HEADER_SIZE);
    if (batchOffset < SEGMENT_HEADER_SIZE) throw unreadable(segment, offset);
    if (batchOffset !== guess) buffer = await this.#readBytes(segment, batchOffset, WINDOW_SIZE);
    const size = declaredBatchSize(buffer, 0);
    if (size > buffer.length && batchOffset + size <= segment.size) {
      buffer = await this.#readBytes(segment, batchOffset, size);
    }
    const start = segment.first + batchOffset;
    const batch = readBatch(buffer, 0, start);
    if (batch === null) throw unreadable(segment, offset);
    const window: Window = {
      segment,
      start,
      end: start + buffer.length,
      buffer,
      batchStart: start,
      batchEnd: start + batch.size,
    };
    if (!holds(window, position)) throw unreadable(segment, offset);
    // One that was removed while it was read is not to be kept.
    if (segmentAt(this.#segments, position) === segment) {
      this.#windows.push(window);
      if (this.#windows.length > WINDOWS_MAX) this.#windows.shift();
    }
    return recordAt(buffer, position - start, position);
  }

  async #readBytes(segment: Segment, offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, segment.size - offset)));
    return buffer.subarray(0, await segment.read(this.#files, buffer, offset));
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
        const { batch, offset } = stretch;
        let start = offset + BATCH_HEADER_SIZE;
        for (let index = 0; index < batch.count; index++) {
          const at = segment.first + start;
          const isWanted = at >= position && isData(recordKind(buffer, start));
          if (isWanted) yield recordAt(buffer, start, at);
          start += recordSize(buffer, start);
        }
      }
      // All up to the next segment that there is has been read, or was removed.
      position = Math.max(position, limit);
    }
  }
}

/** Whether a record begins at a position of a window, in a batch that lies in it whole. */
function holds(window: Window, position: number): boolean {
  const { buffer } = window;
  if (position < window.batchStart || position >= window.batchEnd) {
    if (!findBatch(window, position)) return false;
  }
  const start = position - window.start;
  const offset = position - window.batchStart;
  return (
    position + RECORD_HEADER_SIZE <= window.batchEnd &&
    recordOffsetInBatch(buffer, start) === offset &&
    position + recordSize(buffer, start) <= window.batchEnd &&
    isData(recordKind(buffer, start))
  );
}

/** Makes the batch that holds a position the window's checked one; false when that can't be. */
function findBatch(window: Window, position: number): boolean {
  let next = position < window.batchStart ? window.start : window.batchEnd;
  while (position >= next) {
    const batch = readBatch(window.buffer, next - window.start, next);
    if (batch === null) return false;
    window.batchStart = next;
    next += batch.size;
    window.batchEnd = next;
  }
  return true;
}

function unreadable(segment: Segment, offset: number): LogError {
  return new LogError('not-found', `${segment.path}: no readable record at offset ${offset}`);
}
