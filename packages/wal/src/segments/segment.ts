import { join } from 'node:path';
import {
  encodeSegmentHeader,
  FORMAT_VERSION,
  SEGMENT_HEADER_SIZE,
  segmentName,
} from '../format/format.ts';
import { invariant } from '../invariant.ts';
import type { Files, OpenFile } from '../ports/files.ts';

/**
 * One segment file of the log.
 *
 * Invariant: `first + SEGMENT_HEADER_SIZE <= end`; the data of the segment are the positions between.
 */
export class Segment {
  readonly directory: string;
  /** Position of the first byte of the file. */
  readonly first: number;
  /** Where the data of the segment before ends. */
  readonly previousEnd: number;
  /** First position of the segment before, its own when there is none; null when not known. */
  readonly previousFirst: number | null;
  /** Identity of its log, in hexadecimal; null when the header doesn't say. */
  readonly logId: string | null;
  /** Of its format. */
  readonly version: number;
  /** The file's header could not be read: what is known of it comes from the name. */
  isHeaderDamaged: boolean;
  /** Position after the last batch. */
  end: number;
  /** Bytes of its records, without what batches and the file take. */
  recordBytes: number;
  /** Bytes of its records that their owner no longer needs. */
  releasedBytes: number;
  /** When its last batch was written, in milliseconds of the log's time; 0 when not known. */
  lastWriteMs: number;
  /** Whether something was written that has not been synced. */
  isDirty: boolean;
  #file: OpenFile | null;
  #opening: Promise<OpenFile> | null;
  #readers: number;
  /** Called when the last reader has finished. */
  #onIdle: (() => void) | null;

  constructor(
    directory: string,
    first: number,
    previousEnd: number,
    previousFirst: number | null,
    logId: string | null,
    version: number = FORMAT_VERSION,
  ) {
    this.directory = directory;
    this.first = first;
    this.previousEnd = previousEnd;
    this.previousFirst = previousFirst;
    this.logId = logId;
    this.version = version;
    this.isHeaderDamaged = false;
    this.end = first + SEGMENT_HEADER_SIZE;
    this.recordBytes = 0;
    this.releasedBytes = 0;
    this.lastWriteMs = 0;
    this.isDirty = false;
    this.#file = null;
    this.#opening = null;
    this.#readers = 0;
    this.#onIdle = null;
  }

  /**
   * A new one of a log.
   *
   * @param previous - the last one so far
   * @param first - its first position
   * @param end - where what was written before it ends
   */
  static after(
    previous: Segment | undefined,
    directory: string,
    first: number,
    logId: string,
    end = previous?.end ?? first,
  ): Segment {
    return new Segment(directory, first, end, previous?.first ?? first, logId);
  }

  get path(): string {
    return join(this.directory, segmentName(this.first));
  }

  /** The header of its file. */
  get header(): Buffer {
    const { first, previousEnd, previousFirst, logId } = this;
    return encodeSegmentHeader(first, previousEnd, previousFirst ?? first, logId);
  }

  /** A new header, made of what else is known, for one that is damaged. */
  headerAfter(previous: Segment | undefined, logId: string | null): Buffer {
    return previous === undefined
      ? encodeSegmentHeader(this.first, this.first, this.first, logId)
      : encodeSegmentHeader(this.first, previous.end, previous.first, logId);
  }

  /** Whether it has the present format, so that it may be appended to. */
  get isCurrent(): boolean {
    return this.version === FORMAT_VERSION && this.logId !== null;
  }

  /** Bytes of the file that are in use. */
  get size(): number {
    return this.end - this.first;
  }

  /** Bytes of records that would have to be kept, as far as the owner has said. */
  get liveBytes(): number {
    return Math.max(0, this.recordBytes - this.releasedBytes);
  }

  /** Its file when it is open; null before it is made or opened. */
  get file(): OpenFile | null {
    return this.#file;
  }

  set file(file: OpenFile | null) {
    this.#file = file;
  }

  /** Opens the file of a segment that exists, once. */
  async open(files: Files): Promise<OpenFile> {
    if (this.#file !== null) return this.#file;
    this.#opening ??= files.open(this.path, 'write');
    try {
      this.#file ??= await this.#opening;
    } finally {
      this.#opening = null;
    }
    return this.#file;
  }

  /** Reads from its file, which isn't closed meanwhile. */
  async read(files: Files, target: Uint8Array, offset: number): Promise<number> {
    this.#readers++;
    try {
      const file = await this.open(files);
      return await file.read(target, offset);
    } finally {
      this.#readers--;
      if (this.#readers === 0) this.#onIdle?.();
    }
  }

  /** Closes its file, if that is open and nobody reads it; it is opened again when it is needed. */
  closeIfIdle(): boolean {
    const file = this.#file;
    if (file === null || this.#readers > 0 || this.isDirty) return false;
    this.#file = null;
    // Nothing was written that isn't safe.
    file.close().catch(() => {});
    return true;
  }

  /**
   * @param gathered - bytes of records that count for it, and are not in it yet
   * @throws what doesn't hold
   */
  checkInvariants(gathered: number): void {
    const { path, first, end, size, recordBytes, releasedBytes } = this;
    invariant(first + SEGMENT_HEADER_SIZE <= end, `${path} ends at ${end}, in its header`);
    invariant(this.#readers >= 0, `${path} has ${this.#readers} readers`);
    const all = `${path} has ${size} and ${gathered} bytes, ${recordBytes} of records, ${releasedBytes} dead`;
    invariant(0 <= recordBytes + gathered && recordBytes <= size - SEGMENT_HEADER_SIZE, all);
    // They may be more than there are: what a record released that was refused later, may be released again.
    invariant(releasedBytes >= 0, all);
    invariant(!this.isDirty || this.#file !== null, `${path} is to be synced, and not open`);
  }

  async close(): Promise<void> {
    if (this.#readers > 0) {
      await new Promise<void>((done) => {
        this.#onIdle = done;
      });
    }
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

/** The segment that holds a position, by binary search; null when none does. */
export function segmentAt(segments: readonly Segment[], position: number): Segment | null {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle] as Segment;
    if (position < segment.first) high = middle - 1;
    else if (position >= segment.end) low = middle + 1;
    else return segment;
  }
  return null;
}
