import { join } from 'node:path';
import type { LogEventListener } from './events.ts';
import type { Files, OpenFile } from './files.ts';
import {
  alignUp,
  decodeSegmentHeader,
  FORMAT_VERSION,
  type LogRecord,
  parseSegmentName,
  recordsOf,
  SEGMENT_HEADER_SIZE,
} from './format.ts';
import { LogError } from './log-error.ts';
import { isUnused, type Stretch, scan } from './scan.ts';
import { Segment } from './segment.ts';

/** The folder for copies of damaged stretches. */
export const QUARANTINE = 'quarantine';

export type CorruptionPolicy = 'quarantine' | 'refuse';

export interface RecoveryOptions {
  readonly files: Files;
  readonly directory: string;
  /** Everything before this position is known: the scan starts there. The beginning of a batch. */
  readonly from: number;
  readonly onCorruption: CorruptionPolicy;
  readonly onRecord: (record: LogRecord) => void;
  readonly onEvent: LogEventListener;
}

export interface Recovered {
  readonly segments: Segment[];
  readonly records: number;
  readonly quarantinedStretches: number;
}

/**
 * Finds what a log holds after whatever ended its last writer: cuts off what was being written, and
 * deals with damage elsewhere.
 *
 * What tells the two apart: every batch says up to where the log was durable when it was written.
 * Bytes that are wrong although they had been durable are damage. Bytes that never were may be missing,
 * or be there in part and in any order: the log ends before them.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  return new Recovery(options).run();
}

class Recovery {
  readonly #options: RecoveryOptions;
  #segments: Segment[] = [];
  #records = 0;
  #quarantined = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  async run(): Promise<Recovered> {
    this.#segments = await listSegments(this.#options.files, this.#options.directory);
    const { from, onEvent } = this.#options;
    for (let index = 0; index < this.#segments.length; index++) {
      const segment = this.#segments[index] as Segment;
      const next = this.#segments[index + 1];
      if (next !== undefined && next.previousEnd <= from) {
        segment.end = next.previousEnd;
        continue;
      }
      if (!(await this.#readSegment(index, segment))) break;
      const end = this.#segments.at(-1)?.end ?? 0;
      onEvent({ type: 'recovering', position: segment.end, end, records: this.#records });
    }
    return {
      segments: this.#segments,
      records: this.#records,
      quarantinedStretches: this.#quarantined,
    };
  }

  /** Replays one segment; false when the log ends in it. */
  async #readSegment(index: number, segment: Segment): Promise<boolean> {
    const buffer = await readSegment(this.#options.files, segment);
    const next = this.#segments[index + 1];
    const limit = next === undefined ? buffer.length : next.previousEnd - segment.first;
    const start = Math.max(SEGMENT_HEADER_SIZE, this.#options.from - segment.first);
    segment.end = segment.first + start;
    for (const stretch of scan(buffer, segment.first, start, Math.min(limit, buffer.length))) {
      if (stretch.kind === 'batch') {
        this.#replay(buffer, stretch);
        segment.end = segment.first + stretch.offset + stretch.batch.size;
        segment.lastWriteMs = stretch.batch.timeMs;
        continue;
      }
      const end = stretch.kind === 'tail' ? limit : stretch.end;
      if (!(await this.#onInvalid(index, segment, buffer, stretch.offset, end))) return false;
      segment.end = segment.first + end;
    }
    if (next === undefined) return true;
    if (segment.end < next.previousEnd) {
      // The file ends too early.
      const offset = segment.end - segment.first;
      if (!(await this.#onInvalid(index, segment, buffer, offset, limit))) return false;
      segment.end = next.previousEnd;
    }
    return true;
  }

  #replay(buffer: Buffer, { batch, offset }: Stretch & { kind: 'batch' }): void {
    for (const record of recordsOf(buffer, offset, batch)) {
      this.#records++;
      this.#options.onRecord(record);
    }
  }

  /** Bytes that are no batch: quarantines them, or ends the log there and returns false. */
  async #onInvalid(
    index: number,
    segment: Segment,
    buffer: Buffer,
    start: number,
    end: number,
  ): Promise<boolean> {
    const position = segment.first + start;
    const durable = await this.#durableAfter(index, buffer, end);
    if (durable <= position) {
      await this.#cut(index, segment, buffer, start);
      return false;
    }
    if (this.#options.onCorruption === 'refuse') {
      throw new LogError(
        'corrupt',
        `${segment.path}: bytes ${start} to ${end} are damaged, and onCorruption is refuse; ` +
          'restore a backup, or open the log with onCorruption quarantine',
      );
    }
    await this.#quarantine(segment, buffer, start, end);
    return true;
  }

  /** Up to where the log was durable, as the batches behind an offset of a segment say. */
  async #durableAfter(index: number, buffer: Buffer, offset: number): Promise<number> {
    const segment = this.#segments[index] as Segment;
    let durable = lastDurable(buffer, segment.first, offset);
    for (const later of this.#segments.slice(index + 1)) {
      // A segment is only made when all before it has been written.
      const bytes = await readSegment(this.#options.files, later);
      durable = Math.max(durable, lastDurable(bytes, later.first, SEGMENT_HEADER_SIZE));
    }
    return durable;
  }

  /** Ends the log before `start`: what lies behind it had not become durable. */
  async #cut(index: number, segment: Segment, buffer: Buffer, start: number): Promise<void> {
    const { files, directory, onEvent } = this.#options;
    const removed = this.#segments.splice(index + 1);
    for (const later of removed.reverse()) {
      await later.close();
      await files.remove(later.path);
    }
    const isClean = removed.length === 0 && isUnused(buffer, start, buffer.length);
    segment.end = segment.first + start;
    const file = await segment.open(files);
    await file.truncate(start);
    await file.sync();
    if (isClean) return;
    await files.syncDirectory(directory);
    onEvent({
      type: 'torn-tail',
      file: segment.path,
      offset: start,
      bytes: buffer.length - start,
    });
  }

  async #quarantine(segment: Segment, buffer: Buffer, start: number, end: number): Promise<void> {
    const { files, directory, onEvent } = this.#options;
    const bytes = buffer.subarray(start, Math.min(end, buffer.length));
    const folder = join(directory, QUARANTINE);
    let copy: string | null = null;
    if (bytes.length > 0) {
      await files.makeDirectory(folder);
      copy = join(folder, `${(segment.first + start).toString(16).padStart(16, '0')}.bin`);
      const file = await files.open(copy, 'create');
      try {
        await file.write(bytes, 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await files.syncDirectory(folder);
    }
    this.#quarantined++;
    onEvent({ type: 'quarantined', file: segment.path, offset: start, bytes: end - start, copy });
  }
}

function lastDurable(buffer: Buffer, first: number, offset: number): number {
  let durable = 0;
  for (const stretch of scan(buffer, first, alignUp(offset), buffer.length)) {
    if (stretch.kind === 'batch') durable = Math.max(durable, stretch.batch.durablePosition);
  }
  return durable;
}

/** The segments of a directory in order, opened, with the headers checked. */
export async function listSegments(files: Files, directory: string): Promise<Segment[]> {
  const firsts = (await files.list(directory))
    .map(parseSegmentName)
    .filter((first): first is number => first !== null)
    .sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const first of firsts) {
    const probe = new Segment(directory, first, first);
    const file = await probe.open(files);
    const bytes = Buffer.alloc(SEGMENT_HEADER_SIZE);
    const header = (await file.read(bytes, 0)) < bytes.length ? null : decodeSegmentHeader(bytes);
    if (header !== null && header.version > FORMAT_VERSION) {
      await probe.close();
      throw new LogError(
        'newer-version',
        `${probe.path} has format version ${header.version}, this package reads ${FORMAT_VERSION}; ` +
          'use the version that wrote it, or a newer one',
      );
    }
    // The name says what a damaged header doesn't; only a gap before it can't be told from a loss.
    const previousEnd = header?.previousEnd ?? first;
    const segment = new Segment(directory, first, previousEnd);
    segment.file = file;
    segment.end = first + Math.max(SEGMENT_HEADER_SIZE, await file.size());
    segments.push(segment);
  }
  return segments;
}

/** The bytes of a segment's file, preallocated ones included. */
export async function readSegment(files: Files, segment: Segment): Promise<Buffer> {
  const file: OpenFile = await segment.open(files);
  const buffer = Buffer.allocUnsafe(await file.size());
  const length = await file.read(buffer, 0);
  return buffer.subarray(0, length);
}
