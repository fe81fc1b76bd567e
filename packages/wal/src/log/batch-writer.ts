import { invariant } from '../invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenFile } from '../ports/files.ts';
import type { LogError } from '../ports/log-error.ts';
import type { Segment } from '../segments/segment.ts';
import type { SegmentMaker } from '../segments/segment-maker.ts';
import type { Appender, SealedBatch } from './appender.ts';
import type { Committer } from './committer.ts';
import type { LogState } from './log-state.ts';
import type { LogStats } from './log-stats.ts';
import type { Replication } from './replication.ts';

/** What writing needs of its log. */
export interface WrittenLog {
  readonly clock: Clock;
  readonly stats: LogStats;
  readonly state: LogState;
  readonly segments: readonly Segment[];
  readonly appender: Appender;
  readonly maker: SegmentMaker;
  readonly committer: Committer;
  readonly replication: Replication | null;
  /** Called after each group, when as much of it is safe as the sync mode waits for. */
  readonly onWritten: () => void;
  /** A batch could not be written; it waits again, with all after it. */
  readonly onError: (error: unknown) => void;
  readonly onSegmentMade: () => void;
}

/**
 * Writes batches to their segments, group by group: while one is written, the next gathers.
 *
 * Invariant: a batch is written after all before it.
 */
export class BatchWriter {
  readonly #log: WrittenLog;
  readonly #state: LogState;
  readonly #appender: Appender;
  #writing: Promise<void> | null;
  /** Who waits for what was appended to be written. */
  #waiting: { position: number; done: () => void; fail: (error: LogError) => void }[];

  constructor(log: WrittenLog) {
    this.#log = log;
    this.#state = log.state;
    this.#appender = log.appender;
    this.#writing = null;
    this.#waiting = [];
  }

  /** Writes what is due, unless that is under way. */
  start(): void {
    if (this.#writing !== null || this.#state.status !== 'open') return;
    if (!this.#appender.isDue) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      this.start();
    });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { clock, stats, onError, replication } = this.#log;
    while (this.#state.status === 'open') {
      const group = this.#appender.takeDue();
      if (group.length === 0) return;
      const startedAt = clock.now();
      let writtenCount = 0;
      try {
        for (const batch of group) {
          await this.#writeBatch(batch);
          writtenCount++;
        }
      } catch (error) {
        this.#appender.putBack(group.slice(writtenCount));
        // Those are in the file: refused, they would be back after a crash.
        if (writtenCount > 0) await this.#onWritten(group.slice(0, writtenCount));
        onError(error);
        return;
      }
      const durationMs = clock.now() - startedAt;
      stats.writeMs += durationMs;
      stats.onWrite?.(durationMs);
      await this.#onWritten(group);
      if (replication !== null) await replication.untilRoom();
    }
  }

  async #onWritten(group: readonly SealedBatch[]): Promise<void> {
    const { stats, committer, onWritten } = this.#log;
    const last = group.at(-1) as SealedBatch;
    this.#state.written = last.builder.position + last.bytes.length;
    this.#wakeWaiting();
    stats.batches += group.length;
    for (const { bytes } of group) stats.writtenBytes += bytes.length;
    await committer.onWritten(group);
    onWritten();
  }

  async #writeBatch(batch: SealedBatch): Promise<void> {
    const { segment, bytes, builder } = batch;
    const file = segment.file ?? (await this.#createSegment(segment));
    await file.write(bytes, builder.position - segment.first);
    // Not before: a sync that is under way would take it for synced, though it may not hold these bytes.
    segment.isDirty = true;
    // Not before it is written: what the replica has, this log must not do without.
    this.#log.replication?.ship(batch);
  }

  async #createSegment(segment: Segment): Promise<OpenFile> {
    const { maker, segments, onSegmentMade } = this.#log;
    const file = await maker.make(segment);
    // Gives back what was preallocated after the data of the segment before.
    const previous = segments[segments.indexOf(segment) - 1];
    await previous?.file?.truncate(previous.size);
    maker.prepareNext();
    onSegmentMade();
    return file;
  }

  /** Waits until everything before a position is with the operating system. */
  untilWritten(position: number): Promise<void> {
    if (position <= this.#state.written) return Promise.resolve();
    if (this.#state.status !== 'open') return Promise.reject(this.#state.refusal());
    this.start();
    return new Promise((done, fail) => {
      this.#waiting.push({ position, done, fail });
    });
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { written } = this.#state;
    for (const { position } of this.#waiting) {
      invariant(position > written, `somebody waits for ${position}, and ${written} is written`);
    }
  }

  #wakeWaiting(): void {
    if (this.#waiting.length === 0) return;
    const { written } = this.#state;
    const met = this.#waiting.filter(({ position }) => position <= written);
    this.#waiting = this.#waiting.filter(({ position }) => position > written);
    for (const { done } of met) done();
  }

  /** What they wait for will not be written. */
  failWaiting(error: LogError): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }
}
