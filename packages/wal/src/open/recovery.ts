import { copyAside } from '../files/quarantine.ts';
import {
  alignUp,
  BATCH_HEADER_SIZE,
  type Batch,
  eachRecord,
  isData,
  type LogRecord,
  MOVED_HEADER_SIZE,
  movedFrom,
  RECORD_HEADER_SIZE,
  RecordKind,
  recordAt,
  recordKind,
  recordSize,
  SEGMENT_HEADER_SIZE,
  wallAheadAt,
} from '../format/format.ts';
import { isUnused, scan } from '../format/scan.ts';
import { SnapshotFinder, type WholeSnapshot } from '../format/snapshot.ts';
import type { Checkpoint, TimeMark } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import { BatchWindow } from '../segments/batch-window.ts';
import type { Segment } from '../segments/segment.ts';
import { isDirectlyBefore, readSegment } from '../segments/segment-list.ts';

export type CorruptionPolicy = 'quarantine' | 'refuse';

export interface RecoveryOptions {
  readonly files: Files;
  readonly directory: string;
  /** As `listSegments` gives them. */
  readonly segments: readonly Segment[];
  /** Everything before its position is known, and has been durable. */
  readonly checkpoint: Checkpoint;
  /** Checks all of the log, not only what lies after the checkpoint. */
  readonly validate: boolean;
  readonly onCorruption: CorruptionPolicy;
  readonly onEvent: LogEventListener;
  /** The owner has the state of the checkpoint: no snapshot takes its place. */
  readonly isStateKnown?: boolean;
  /** Up to where the log is looked at; to its end when left out. */
  readonly limit?: number;
}

/** Is given what the log holds after the checkpoint. */
export interface ReplayVisitor {
  /** A record that the state doesn't hold yet. */
  onRecord(record: LogRecord): void;
  /** A record that compaction had copied, and the state doesn't know that yet. */
  onMoved(from: number, record: LogRecord): void;
  /** Every record with a stream that the index may not know. */
  onStream(segment: Segment, record: LogRecord): void;
}

/** How far a segment was gone through; offsets in its file. */
interface SegmentWalk {
  /** After the last of the batches that follow each other. */
  readonly valid: number;
  /** Up to where there could be some. */
  readonly end: number;
  /** Where the next segment says that this one ends; the size of the file where none says. */
  readonly limit: number;
  /** Whether the checkpoint knows its records. */
  readonly isCounted: boolean;
}

/**
 * Finds what a log holds after whatever ended its last writer: `repair` cuts off what was being written
 * and deals with damage elsewhere, `replay` then reads the records.
 *
 * What distinguishes the two kinds of damage: every batch says up to where the log was durable when it was
 * written. Bytes that are wrong although they had been durable are damage. Bytes that never were may be
 * missing, or be there in part and in any order: the log ends before them.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Of the checkpoint. */
  readonly #from: number;
  readonly #finder: SnapshotFinder;
  readonly #window: BatchWindow;
  /** Where segments are missing. */
  readonly #gaps: { readonly file: string; readonly start: number; readonly end: number }[];
  readonly segments: Segment[];
  quarantinedStretches: number;
  /** When the last batch was written; 0 when there is none. */
  #lastWriteMs: number;
  /** What the wall clock was ahead of the log's time then; 0 where an older package wrote all of it. */
  #wallAheadMs: number;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#from = options.checkpoint.position;
    this.#finder = new SnapshotFinder();
    this.#window = new BatchWindow(options.files);
    this.#gaps = [];
    this.segments = [...options.segments];
    this.quarantinedStretches = 0;
    this.#lastWriteMs = 0;
    this.#wallAheadMs = options.checkpoint.time?.wallAheadMs ?? 0;
  }

  /** The last that the log or its index says of time; null when that is nothing. To be asked after `replay`. */
  get lastTime(): TimeMark | null {
    const { checkpoint } = this.#options;
    const logMs = Math.max(checkpoint.time?.logMs ?? 0, this.#lastWriteMs);
    return logMs === 0 ? null : { logMs, wallAheadMs: this.#wallAheadMs };
  }

  /** The last whole snapshot, when it is newer than the checkpoint. */
  get snapshot(): WholeSnapshot | null {
    const { last } = this.#finder;
    if (this.#options.isStateKnown === true) return null;
    return last !== null && last.start >= this.#from ? last : null;
  }

  /** Where the replay starts. */
  get #replayFrom(): number {
    return this.snapshot?.end ?? this.#from;
  }

  get checkpoint(): Checkpoint {
    return this.#options.checkpoint;
  }

  /** Up to where `replay` has gone, as a checkpoint that was taken there; without entries. */
  get reached(): Checkpoint {
    const { checkpoint } = this.#options;
    return {
      logId: checkpoint.logId,
      position: this.segments.at(-1)?.end ?? checkpoint.position,
      segments: new Map(
        this.segments.map(({ first, end, recordBytes, releasedBytes, lastWriteMs }) => [
          first,
          { end, recordBytes, releasedBytes, lastWriteMs },
        ]),
      ),
      snapshot: this.#finder.last ?? checkpoint.snapshot,
      time: this.lastTime,
      entries: [],
    };
  }

  /** Whether what followed the checkpoint is there, and no segment was removed instead. */
  get isContinued(): boolean {
    const next = this.segments.find(({ end }) => end > this.#from);
    return next === undefined || next.first < this.#from || next.previousEnd <= this.#from;
  }

  /** Instead of `repair`, where another process goes on writing: changes nothing. @returns whether nothing is to be repaired up to the limit */
  async look(): Promise<boolean> {
    const last = this.segments.at(-1);
    if (this.#options.isStateKnown === true && !this.isContinued) return false;
    for (const [index, segment] of this.segments.entries()) {
      if (this.#isKnown(segment)) continue;
      const { valid, end, isCounted } = await this.#walkSegment(index, segment);
      this.#releaseRemoved(segment, isCounted);
      if (valid < end && segment !== last) {
        const isFollowed = isDirectlyBefore(segment, this.segments[index + 1] as Segment);
        if (isFollowed || !(await this.#window.isUnused(segment, valid, end))) return false;
      }
    }
    return (last?.end ?? 0) >= this.#from;
  }

  async repair(): Promise<void> {
    const { onEvent } = this.#options;
    for (let index = 0; index < this.segments.length; index++) {
      const segment = this.segments[index] as Segment;
      if (this.#isKnown(segment)) continue;
      if (!(await this.#checkSegment(index, segment))) break;
      const end = this.segments.at(-1)?.end ?? 0;
      onEvent({ type: 'checking', position: segment.end, end });
    }
    await this.#reportGaps();
    await this.#syncUnknown();
  }

  /** A process that was killed leaves what it wrote with the operating system: what is read of it has to stay. */
  async #syncUnknown(): Promise<void> {
    const { files, directory } = this.#options;
    const unknown = this.segments.filter(({ end }) => end > this.#from);
    for (const segment of unknown) await (await segment.open(files)).sync();
    if (unknown.length > 0) await files.syncDirectory(directory);
  }

  /** Takes over what the checkpoint says of a segment; true when it doesn't have to be read. */
  #isKnown(segment: Segment): boolean {
    const { checkpoint, validate } = this.#options;
    const state = checkpoint.segments.get(segment.first);
    if (state === undefined) return false;
    segment.releasedBytes = state.releasedBytes;
    segment.recordBytes = state.recordBytes;
    segment.lastWriteMs = state.lastWriteMs;
    if (state.lastWriteMs > 0) this.#lastWriteMs = state.lastWriteMs;
    if (state.end >= this.#from || validate) return false;
    segment.end = state.end;
    return true;
  }

  /** Goes through one segment: up to where its batches are valid, and up to where they should be. */
  async #walkSegment(index: number, segment: Segment): Promise<SegmentWalk> {
    const { checkpoint, files, validate, limit: last = Number.POSITIVE_INFINITY } = this.#options;
    const next = this.segments[index + 1];
    const isFollowed = next !== undefined && isDirectlyBefore(segment, next);
    const size = await (await segment.open(files)).size();
    const limit = isFollowed ? next.previousEnd - segment.first : size;
    const end = Math.min(limit, size, last - segment.first);
    const isCounted = checkpoint.segments.has(segment.first);
    const from = isCounted && !validate ? this.#from - segment.first : 0;
    const start = Math.max(SEGMENT_HEADER_SIZE, from);
    segment.end = segment.first + start;
    const valid = await this.#window.walk(segment, start, end, (buffer, offset, batch) =>
      this.#onBatch(segment, buffer, offset, batch, isCounted),
    );
    return { valid, end, limit, isCounted };
  }

  /** Checks one segment; false when the log ends in it. */
  async #checkSegment(index: number, segment: Segment): Promise<boolean> {
    const { files } = this.#options;
    const next = this.segments[index + 1];
    const isFollowed = next !== undefined && isDirectlyBefore(segment, next);
    const { valid, end, limit, isCounted } = await this.#walkSegment(index, segment);
    if (valid < end) {
      const isTail = !isFollowed && (await this.#window.isUnused(segment, valid, end));
      if (isTail && next === undefined && this.#from <= segment.first + valid) {
        await this.#truncate(segment, valid);
        return false;
      }
      const isUnusedEnd = isTail && next !== undefined;
      if (!isUnusedEnd && !(await this.#checkDamaged(index, segment, valid, limit, isCounted))) {
        return false;
      }
    }
    this.#releaseRemoved(segment, isCounted);
    if (next === undefined || segment.end >= next.previousEnd) return true;
    if (!isFollowed) {
      this.#gaps.push({ file: segment.path, start: segment.end, end: next.previousEnd });
      return true;
    }
    // The file ends too early.
    const offset = segment.end - segment.first;
    const buffer = await readSegment(files, segment);
    if (!(await this.#onInvalid(index, segment, buffer, offset, limit))) return false;
    segment.end = next.previousEnd;
    return true;
  }

  /** Compaction had removed it when the checkpoint was taken, and it is there again. */
  #releaseRemoved(segment: Segment, isCounted: boolean): void {
    const { checkpoint } = this.#options;
    if (checkpoint.segments.size === 0 || isCounted || segment.end > this.#from) return;
    segment.releasedBytes = segment.recordBytes;
  }

  /** Continues in a segment at an offset that no batch lies at; false when the log ends in it. */
  async #checkDamaged(
    index: number,
    segment: Segment,
    from: number,
    limit: number,
    isCounted: boolean,
  ): Promise<boolean> {
    const next = this.segments[index + 1];
    const isFollowed = next !== undefined && isDirectlyBefore(segment, next);
    const buffer = await readSegment(this.#options.files, segment);
    for (const stretch of scan(buffer, segment.first, from, Math.min(limit, buffer.length))) {
      if (stretch.kind === 'batch') {
        this.#onBatch(segment, buffer, stretch.offset, stretch.batch, isCounted);
        continue;
      }
      const isTail = stretch.kind === 'tail';
      if (isTail && !isFollowed && next !== undefined && isUnused(buffer, stretch.offset, limit)) {
        break;
      }
      const end = isTail ? limit : stretch.end;
      if (!(await this.#onInvalid(index, segment, buffer, stretch.offset, end))) return false;
      segment.end = segment.first + end;
    }
    return true;
  }

  #onBatch(
    segment: Segment,
    buffer: Buffer,
    offset: number,
    batch: Batch,
    isCounted: boolean,
  ): void {
    this.#finder.add(buffer, offset, batch);
    segment.end = batch.position + batch.size;
    segment.lastWriteMs = batch.timeMs;
    // One that a repair has put where nothing could be read has none.
    if (batch.timeMs > 0) this.#lastWriteMs = batch.timeMs;
    // Those after the checkpoint are counted when they are replayed.
    if (!isCounted && batch.position < this.#from) {
      segment.recordBytes += batch.size - BATCH_HEADER_SIZE;
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
    const durable = Math.max(this.#from, await this.#durableAfter(index, buffer, end));
    if (durable <= position) {
      await this.#cut(index, segment, buffer, start);
      return false;
    }
    this.#refuseIfAsked(segment.path, start, end);
    await this.#quarantine(segment, buffer, start, end);
    if (index < this.segments.length - 1 || end < buffer.length) return true;
    // Only preallocated bytes may follow: the log continues at the checkpoint.
    await this.#truncate(segment, start);
    return false;
  }

  #refuseIfAsked(path: string, start: number, end: number): void {
    if (this.#options.onCorruption !== 'refuse') return;
    throw new LogError(
      'corrupt',
      `${path}: bytes ${start} to ${end} are damaged, and onCorruption is refuse; ` +
        'restore a backup, or open the log with onCorruption quarantine',
    );
  }

  /** Up to where the log was durable, as the batches after an offset of a segment say. */
  async #durableAfter(index: number, buffer: Buffer, offset: number): Promise<number> {
    const segment = this.segments[index] as Segment;
    let durable = lastDurable(buffer, segment.first, offset);
    for (const later of this.segments.slice(index + 1)) {
      // A segment is only made when all before it has been written.
      const bytes = await readSegment(this.#options.files, later);
      durable = Math.max(durable, lastDurable(bytes, later.first, SEGMENT_HEADER_SIZE));
    }
    return durable;
  }

  /** Ends the log before `start`: what lies after it had not become durable. */
  async #cut(index: number, segment: Segment, buffer: Buffer, start: number): Promise<void> {
    const { files, directory, onEvent } = this.#options;
    const removed = this.segments.splice(index + 1);
    for (const later of removed.reverse()) {
      await later.close();
      await files.remove(later.path);
    }
    const isClean = removed.length === 0 && isUnused(buffer, start, buffer.length);
    await this.#truncate(segment, start);
    if (isClean) return;
    await files.syncDirectory(directory);
    onEvent({
      type: 'torn-tail',
      file: segment.path,
      offset: start,
      bytes: buffer.length - start,
    });
  }

  async #truncate(segment: Segment, size: number): Promise<void> {
    segment.end = segment.first + size;
    const file = await segment.open(this.#options.files);
    await file.truncate(size);
    await file.sync();
  }

  async #quarantine(segment: Segment, buffer: Buffer, start: number, end: number): Promise<void> {
    const { files, directory, onEvent } = this.#options;
    const bytes = buffer.subarray(start, Math.min(end, buffer.length));
    const copy = await copyAside(files, directory, segment.first + start, bytes);
    this.quarantinedStretches++;
    onEvent({ type: 'quarantined', file: segment.path, offset: start, bytes: end - start, copy });
  }

  /** Segments that are missing after where the replay starts were not removed by compaction. */
  async #reportGaps(): Promise<void> {
    for (const { file, start, end } of this.#gaps) {
      const lost = end - Math.max(start, this.#replayFrom);
      if (lost <= 0) continue;
      this.#refuseIfAsked(file, start, end);
      this.quarantinedStretches++;
      this.#options.onEvent({ type: 'quarantined', file, offset: start, bytes: lost, copy: null });
    }
  }

  /** The entries of the snapshot, in its order. */
  async snapshotEntries(): Promise<[key: string, value: Buffer][]> {
    const entries: [string, Buffer][] = [];
    const { snapshot } = this;
    if (snapshot === null) return entries;
    for (const segment of this.segments) {
      if (segment.end <= snapshot.start || segment.first >= snapshot.end) continue;
      await this.#eachRecord(segment, snapshot.start, snapshot.end, (buffer, start) => {
        if (recordKind(buffer, start) !== RecordKind.snapshotEntry) return;
        const keyStart = start + RECORD_HEADER_SIZE;
        const keyEnd = keyStart + buffer.readUInt16LE(start + 8);
        const value = Buffer.from(buffer.subarray(keyEnd, start + recordSize(buffer, start)));
        entries.push([buffer.toString('utf8', keyStart, keyEnd), value]);
      });
    }
    return entries;
  }

  /**
   * Reads everything after the checkpoint, or after the snapshot where that is newer.
   *
   * @returns how many records were replayed
   */
  async replay(visitor: ReplayVisitor): Promise<number> {
    const replayFrom = this.#replayFrom;
    let records = 0;
    for (const segment of this.segments) {
      if (segment.end <= this.#from) continue;
      await this.#eachRecord(segment, this.#from, segment.end, (buffer, start, position) => {
        const kind = recordKind(buffer, start);
        const size =
          recordSize(buffer, start) - (kind === RecordKind.moved ? MOVED_HEADER_SIZE : 0);
        segment.recordBytes += size;
        if (!isData(kind)) {
          this.#readClock(buffer, start);
          // Or of a snapshot that isn't whole, or has a newer one after it.
          if (position >= replayFrom) segment.releasedBytes += size;
          return;
        }
        const record = recordAt(buffer, start, position);
        if (record.stream.length > 0) visitor.onStream(segment, record);
        if (position < replayFrom) return;
        records++;
        if (kind === RecordKind.moved) visitor.onMoved(movedFrom(buffer, start), record);
        else visitor.onRecord(record);
      });
      const end = this.segments.at(-1)?.end ?? 0;
      this.#options.onEvent({ type: 'recovering', position: segment.end, end, records });
    }
    return records;
  }

  #readClock(buffer: Buffer, start: number): void {
    if (recordKind(buffer, start) !== RecordKind.clock) return;
    this.#wallAheadMs = wallAheadAt(buffer, start);
  }

  async #eachRecord(
    segment: Segment,
    from: number,
    end: number,
    visit: (buffer: Buffer, start: number, position: number) => void,
  ): Promise<void> {
    const limit = Math.min(segment.end, end) - segment.first;
    let offset = Math.max(SEGMENT_HEADER_SIZE, from - segment.first);
    const onBatch = (buffer: Buffer, start: number, batch: Batch) =>
      eachRecord(buffer, start, batch, (at, position) => visit(buffer, at, position));
    offset = await this.#window.walk(segment, offset, limit, onBatch);
    if (offset >= limit) return;
    // Damaged stretches are between.
    const buffer = await readSegment(this.#options.files, segment);
    for (const stretch of scan(buffer, segment.first, offset, Math.min(buffer.length, limit))) {
      if (stretch.kind === 'batch') onBatch(buffer, stretch.offset, stretch.batch);
    }
  }
}

function lastDurable(buffer: Buffer, first: number, offset: number): number {
  let durable = 0;
  for (const stretch of scan(buffer, first, alignUp(offset), buffer.length)) {
    if (stretch.kind === 'batch') durable = Math.max(durable, stretch.batch.durablePosition);
  }
  return durable;
}
