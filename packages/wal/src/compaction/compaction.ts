import { copyAside } from '../files/quarantine.ts';
import {
  eachRecord,
  isData,
  type LogRecord,
  recordAt,
  recordKind,
  SEGMENT_HEADER_SIZE,
} from '../format/format.ts';
import { isUnused, scan } from '../format/scan.ts';
import type { SnapshotRange } from '../format/snapshot.ts';
import { invariant } from '../invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { Segment } from '../segments/segment.ts';
import { readSegment } from '../segments/segment-list.ts';
import { chooseVictims, isLong } from './victims.ts';

export interface CompactionOptions {
  /** Bytes that the log should not exceed, as far as live records allow; 100 MiB when left out. */
  readonly maxSize?: number;
  /** Milliseconds after which records that nobody needs are dropped; 2 hours when left out. */
  readonly maxAge?: number;
  /** Milliseconds between two looks at what there is to do; 0 for none; 30 s when left out. */
  readonly checkInterval?: number;
  /** Segments that are read at the same time; 2 when left out. */
  readonly concurrentWorkers?: number;
  /** Records that are moved in one turn; 1,000 when left out. */
  readonly batchSize?: number;
}

/** What a pass did. */
export interface CompactionResult {
  readonly removedSegments: number;
  readonly removedBytes: number;
  readonly movedRecords: number;
  readonly movedBytes: number;
}

/** What compaction counts up. */
export interface CompactionCounters {
  /** Passes that removed something. */
  compactions: number;
  movedRecords: number;
  movedBytes: number;
  quarantinedStretches: number;
}

/** What compaction needs of its log. */
export interface CompactedLog {
  readonly directory: string;
  readonly files: Files;
  readonly clock: Clock;
  /** Milliseconds of the log's time. */
  readonly logNow: () => number;
  readonly owner: LogOwner | null;
  readonly stats: CompactionCounters;
  readonly onEvent: LogEventListener;
  readonly segments: readonly Segment[];
  readonly size: () => number;
  /** Bytes that its replica holds; 0 without one. */
  readonly span: () => number;
  /** Whether it is neither full, nor failed, nor closing. */
  readonly isOpen: () => boolean;
  readonly isClosing: () => boolean;
  readonly durablePosition: () => number;
  readonly pendingBytes: () => number;
  readonly snapshot: () => SnapshotRange | null;
  readonly appendMoved: (from: LogRecord, parts: readonly Uint8Array[]) => number;
  /** Appends the owner's state and makes it durable; of segments to be removed after it, nothing is needed any more. */
  readonly writeSnapshot: (removed: readonly Segment[]) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly checkpoint: () => Promise<void>;
  readonly remove: (segments: readonly Segment[]) => Promise<number>;
}

/** Moved bytes that may wait to be written. */
const PENDING_MAX = 4 * 1_048_576;

const NOTHING: CompactionResult = {
  removedSegments: 0,
  removedBytes: 0,
  movedRecords: 0,
  movedBytes: 0,
};

/** A record that was moved, and whose copy isn't durable yet. */
interface Move {
  readonly from: LogRecord;
  readonly to: number;
}

/**
 * Removes segments of which little is needed: what is, is appended again first.
 *
 * Invariant: a segment is only unlinked when the copies of its live records and a snapshot after all
 * removed segments are durable, and the index knows both. At every step before that, the log holds all
 * that it held; at every step after, nothing that is missing is needed.
 */
export class Compaction {
  readonly #log: CompactedLog;
  #options: Required<CompactionOptions>;
  #cancelTimer: (() => void) | null;
  #running: Promise<CompactionResult> | null;
  /** Moves that a full disk may still undo. */
  #moves: Move[];
  /** Some were undone: the pass is void. */
  #isVoid: boolean;
  #movedRecords: number;
  #movedBytes: number;

  constructor(log: CompactedLog, options: CompactionOptions) {
    this.#log = log;
    this.#options = withDefaults(options);
    this.#cancelTimer = null;
    this.#running = null;
    this.#moves = [];
    this.#isVoid = false;
    this.#movedRecords = 0;
    this.#movedBytes = 0;
    this.#startTimer();
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  setOptions(options: CompactionOptions): void {
    this.#options = withDefaults(options);
    this.stop();
    this.#startTimer();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** Resolves when no pass is under way. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  #startTimer(): void {
    const { checkInterval } = this.#options;
    if (checkInterval === 0 || this.#log.owner?.keep === undefined) return;
    this.#cancelTimer = this.#log.clock.setTimer(checkInterval, () => {
      this.#cancelTimer = null;
      this.runInBackground();
      this.#startTimer();
    });
  }

  /** Starts a pass unless one is under way; a failure is an event. */
  runInBackground(): void {
    if (this.#running !== null || this.#log.owner?.keep === undefined) return;
    if (this.#options.checkInterval === 0 || this.#log.isClosing()) return;
    this.run().catch(() => {});
  }

  /** Whether the log, or what its replica holds of it, is larger than it should be. */
  get isOversized(): boolean {
    const { maxSize } = this.#options;
    const size = this.#log.size();
    return size > maxSize || isLong(this.#log.span(), size, maxSize);
  }

  /** Makes one pass, or waits for the one that is under way. */
  run(): Promise<CompactionResult> {
    this.#running ??= this.#pass()
      .catch((error: unknown) => {
        if (!this.#log.isClosing()) {
          this.#log.onEvent({ type: 'compaction-failed', why: String(error) });
        }
        throw error;
      })
      .finally(() => {
        this.#running = null;
        this.#moves = [];
      });
    return this.#running;
  }

  async #pass(): Promise<CompactionResult> {
    const { segments, logNow, stats, onEvent } = this.#log;
    if (this.#log.owner?.keep === undefined) return NOTHING;
    const durable = this.#log.durablePosition();
    const removable = segments.filter(
      (segment, index) => index < segments.length - 1 && segment.end <= durable,
    );
    const victims = chooseVictims(
      removable,
      this.#log.size(),
      this.#log.snapshot(),
      logNow(),
      // A full disk has no room for what is moved.
      { ...this.#options, canWrite: this.#log.isOpen(), span: this.#log.span() },
    );
    if (victims.length === 0) return NOTHING;
    this.#isVoid = false;
    this.#movedRecords = 0;
    this.#movedBytes = 0;
    await this.#moveRecords(victims);
    // What the owner doesn't keep may depend on records that are still to become durable. On a full disk
    // none are: they have been refused.
    if (this.#log.isOpen()) await this.#log.flush();
    this.#refuseIfOver();
    if (!this.#isCovered(victims)) {
      await this.#log.writeSnapshot(victims);
      await this.#log.checkpoint();
      this.#refuseIfOver();
    }
    const result: CompactionResult = {
      removedSegments: victims.length,
      removedBytes: await this.#log.remove(victims),
      movedRecords: this.#movedRecords,
      movedBytes: this.#movedBytes,
    };
    stats.compactions++;
    onEvent({ type: 'compacted', ...result });
    return result;
  }

  /** Whether the snapshot that there is serves: nothing was moved, and it lies after all victims. */
  #isCovered(victims: readonly Segment[]): boolean {
    const snapshot = this.#log.snapshot();
    if (snapshot === null || this.#movedRecords > 0) return false;
    return victims.every(({ end }) => end <= snapshot.start);
  }

  async #moveRecords(victims: readonly Segment[]): Promise<void> {
    const totalBytes = victims.reduce((sum, { size }) => sum + size, 0);
    let doneBytes = 0;
    const reading: Promise<Buffer>[] = [];
    for (let index = 0; index < victims.length; index++) {
      const ahead = Math.min(victims.length, index + this.#options.concurrentWorkers);
      while (reading.length < ahead) {
        const bytes = readSegment(this.#log.files, victims[reading.length] as Segment);
        // Who waits for it learns of its failure.
        bytes.catch(() => {});
        reading.push(bytes);
      }
      const segment = victims[index] as Segment;
      const buffer = await (reading[index] as Promise<Buffer>);
      reading[index] = NO_BYTES;
      await this.#moveLive(segment, buffer);
      doneBytes += segment.size;
      this.#log.onEvent({
        type: 'compacting',
        doneBytes,
        totalBytes,
        movedRecords: this.#movedRecords,
        movedBytes: this.#movedBytes,
      });
    }
  }

  async #moveLive(segment: Segment, buffer: Buffer): Promise<void> {
    const records: number[] = [];
    const limit = Math.min(buffer.length, segment.size);
    for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, limit)) {
      if (stretch.kind !== 'batch') {
        await this.#saveDamaged(segment, buffer, stretch.offset, stretch.end);
        continue;
      }
      eachRecord(buffer, stretch.offset, stretch.batch, (start) => {
        if (isData(recordKind(buffer, start))) records.push(start);
      });
    }
    const { batchSize } = this.#options;
    for (let index = 0; index < records.length; index += batchSize) {
      await new Promise<void>((done) => this.#log.clock.defer(done));
      this.#refuseIfOver();
      const end = Math.min(records.length, index + batchSize);
      for (let at = index; at < end; at++) {
        const start = records[at] as number;
        this.#moveIfLive(recordAt(buffer, start, segment.first + start));
      }
      if (this.#log.pendingBytes() > PENDING_MAX) await this.#settleMoves();
    }
    if (this.#moves.length > 0) await this.#settleMoves();
  }

  /** All in one turn: the owner never sees a state in which the record is at two places. */
  #moveIfLive(record: LogRecord): void {
    const owner = this.#log.owner as LogOwner;
    const kept = owner.keep?.(record) ?? null;
    if (kept === null) return;
    const parts = kept instanceof Uint8Array ? [kept] : kept;
    const to = this.#log.appendMoved(record, parts);
    const data = parts.length === 1 ? asBuffer(parts[0] as Uint8Array) : Buffer.concat(parts);
    this.#moves.push({ from: record, to });
    owner.moved?.(record.position, to, { ...record, position: to, data });
    this.#movedRecords++;
    this.#movedBytes += data.length;
    this.#log.stats.movedRecords++;
    this.#log.stats.movedBytes += data.length;
  }

  async #settleMoves(): Promise<void> {
    await this.#log.flush();
    this.#refuseIfOver();
    this.#moves = [];
  }

  /** What was appended from a position on is void: records that were moved there are where they were. */
  takeBack(fromPosition: number): void {
    this.#isVoid = true;
    for (const { from, to } of this.#moves.reverse()) {
      if (to >= fromPosition) this.#log.owner?.moved?.(to, from.position, from);
    }
    this.#moves = [];
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { length } = this.#moves;
    invariant(
      this.isRunning || length === 0,
      `${length} records are being moved, and no pass runs`,
    );
    for (const { from, to } of this.#moves) {
      invariant(from.position < to, `${from.position} was moved back to ${to}`);
      invariant(from.origin <= from.position, `${from.position} comes from ${from.origin}`);
    }
  }

  #refuseIfOver(): void {
    if (this.#isVoid) throw new LogError('full', 'what was moved could not be written');
    if (this.#log.isClosing()) throw new LogError('closed', `${this.#log.directory} is closing`);
  }

  /** Bytes that became unreadable since the log was opened leave with their segment, but for a copy. */
  async #saveDamaged(segment: Segment, buffer: Buffer, start: number, end: number): Promise<void> {
    if (isUnused(buffer, start, end)) return;
    const { files, directory, onEvent } = this.#log;
    const bytes = buffer.subarray(start, end);
    const copy = await copyAside(files, directory, segment.first + start, bytes);
    this.#log.stats.quarantinedStretches++;
    onEvent({ type: 'quarantined', file: segment.path, offset: start, bytes: end - start, copy });
  }
}

const NO_BYTES = Promise.resolve(Buffer.alloc(0));

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function withDefaults(options: CompactionOptions): Required<CompactionOptions> {
  return {
    maxSize: options.maxSize ?? 100 * 1_048_576,
    maxAge: options.maxAge ?? 7_200_000,
    checkInterval: options.checkInterval ?? 30_000,
    concurrentWorkers: Math.max(1, options.concurrentWorkers ?? 2),
    batchSize: Math.max(1, options.batchSize ?? 1000),
  };
}
