import {
  type CompactedLog,
  Compaction,
  type CompactionOptions,
  type CompactionResult,
} from '../compaction/compaction.ts';
import { nodeFiles } from '../files/node-files.ts';
import type { LogRecord } from '../format/format.ts';
import { positionsInOrder, Streams, streamKey } from '../index/streams.ts';
import { invariant } from '../invariant.ts';
import { type LockedLog, openLocked, type RecoveredLog } from '../open/opening.ts';
import { type CheckpointStore, NoIndex } from '../ports/checkpoint-store.ts';
import { type Clock, nodeClock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import { LogReader, type RecordView } from '../segments/log-reader.ts';
import type { Segment } from '../segments/segment.ts';
import { SegmentMaker } from '../segments/segment-maker.ts';
import { Segments } from '../segments/segments.ts';
import { Appender } from './appender.ts';
import type { CommitListener } from './batch-builder.ts';
import { BatchWriter } from './batch-writer.ts';
import { type CheckpointedLog, Checkpoints } from './checkpoints.ts';
import { Committer } from './committer.ts';
import { Failures } from './failures.ts';
import type { LogOptions, SyncOptions } from './log-options.ts';
import { LogState } from './log-state.ts';
import { createLogStats, type LogStats } from './log-stats.ts';
import { LogTime } from './log-time.ts';
import { Replication } from './replication.ts';

/**
 * An append-only log of opaque records. What is appended in one turn becomes one batch, which is there
 * whole or not at all after a crash; while one batch is written and synced, the next gathers.
 *
 * The parts of it, in the order in which a record meets them: `Appender` gathers batches, `BatchWriter` writes
 * them, `Committer` syncs them and notifies the listeners; `Failures` steps in where one can't be written. `Replication` copies
 * what is written to a replica, if there is one. They share `LogState`, and the segments.
 *
 * Invariant: a batch is written after all before it, so the order of appends is the order on disk and of the
 * listeners.
 */
export class Log {
  readonly directory: string;
  /** Identity of the log, in hexadecimal: its segments and its index have it. */
  readonly id: string;
  readonly stats: LogStats;
  /** What batches are dated with. */
  readonly time: LogTime;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #index: CheckpointStore;
  readonly #owner: LogOwner | null;
  readonly #onEvent: LogEventListener;
  readonly #release: () => Promise<void>;
  readonly #state: LogState;
  readonly #segments: Segments;
  readonly #streams: Streams;
  readonly #reader: LogReader;
  readonly #maker: SegmentMaker;
  readonly #appender: Appender;
  readonly #committer: Committer;
  readonly #writer: BatchWriter;
  readonly #replication: Replication | null;
  readonly #failures: Failures;
  readonly #checkpoints: Checkpoints;
  readonly #compaction: Compaction;
  #closing: Promise<void> | null;

  private constructor(options: LogOptions, time: LogTime, { recovered, release }: LockedLog) {
    const { directory } = options;
    const { id, segments: list } = recovered;
    const files = options.files ?? nodeFiles;
    const clock = options.clock ?? nodeClock;
    const onEvent = options.onEvent ?? (() => {});
    const segmentSize = options.segmentSize ?? 16 * 1_048_576;
    const stats = createLogStats();
    const state = new LogState(directory, list.at(-1)?.end ?? 0);
    const streams = new Streams();
    this.directory = directory;
    this.id = id;
    this.stats = stats;
    this.time = time;
    this.#files = files;
    this.#clock = clock;
    this.#index = options.index ?? new NoIndex();
    this.#owner = options.owner ?? null;
    this.#onEvent = onEvent;
    this.#release = release;
    this.#state = state;
    this.#segments = new Segments(files, directory, list);
    this.#streams = streams;
    this.#reader = new LogReader(files, list);
    const isWanted = () => state.status === 'open' && !state.isClosing;
    const maker = new SegmentMaker(files, directory, segmentSize, isWanted);
    this.#maker = maker;
    const startWriting = () => this.#writer.start();
    const appender = new Appender({
      ...{ id, clock, time, stats, state, segments: list, streams },
      segmentSize,
      startWriting,
    });
    this.#appender = appender;
    const { replica } = options;
    const committer = new Committer(
      {
        ...{ clock, stats, state, segments: list, appender },
        isReplicated: replica !== undefined,
        onCommitted: options.onCommitted ?? (() => {}),
        onSyncFailed: (error) => this.#failures.fail(error),
      },
      options,
    );
    this.#committer = committer;
    const onReplicated = () => committer.onReplicated();
    const replication =
      replica === undefined
        ? null
        : new Replication({ state, files, segments: list, replica, onReplicated });
    this.#replication = replication;
    const writer = new BatchWriter({
      ...{ clock, stats, state, segments: list, appender, committer, maker, replication },
      onWritten: () => {
        this.#checkpoints.takeSoon();
        if (!this.#state.isClosing) this.#checkpoints.writeSnapshotSoon();
      },
      onError: (error) => this.#failures.onWriteError(error),
      onSegmentMade: () => {
        this.#segments.closeUnused(state.durable);
        if (this.#compaction.isOversized) this.#compaction.runInBackground();
      },
    });
    this.#writer = writer;
    this.#failures = new Failures({
      ...{ id, files, clock, stats, state, segments: list },
      ...{ appender, committer, writer, maker, replication, onEvent },
      onRefused: (fromPosition, error) => {
        streams.drop(fromPosition, state.head);
        time.forgetMark();
        this.#compaction.takeBack(fromPosition);
        options.onRefused?.(fromPosition, error);
      },
    });
    this.#checkpoints = new Checkpoints(
      this.#checkpointedLog(options, recovered.isIdWritten),
      recovered.checkpoint.position,
    );
    this.#compaction = new Compaction(this.#compactedLog(), options.compaction ?? {});
    this.#closing = null;
  }

  #compactedLog(): CompactedLog {
    const state = this.#state;
    return {
      directory: this.directory,
      files: this.#files,
      clock: this.#clock,
      logNow: this.time.now,
      owner: this.#owner,
      stats: this.stats,
      onEvent: this.#onEvent,
      segments: this.#segments.list,
      size: () => this.size,
      span: () => (this.#replication === null ? 0 : state.head - this.tail),
      isOpen: () => state.status === 'open' && !state.isClosing,
      isClosing: () => state.isClosing,
      durablePosition: () => state.durable,
      pendingBytes: () => this.pendingBytes,
      snapshot: () => this.#checkpoints.snapshot,
      appendMoved: (from, parts) => this.#appender.appendMoved(from, parts),
      writeSnapshot: (removed) => this.#checkpoints.writeSnapshot(removed),
      flush: () => this.flush(),
      checkpoint: () => this.checkpoint(),
      remove: (segments) => this.#remove(segments),
    };
  }

  #checkpointedLog(options: LogOptions, isIdWritten: boolean): CheckpointedLog {
    const state = this.#state;
    return {
      // An older log gets its identity with its next segment: the index never names one that the log lacks.
      logId: () => (isIdWritten || this.#segments.last?.isCurrent ? this.id : null),
      index: this.#index,
      owner: this.#owner,
      stats: this.stats,
      time: this.time,
      onEvent: this.#onEvent,
      segments: this.#segments.list,
      streams: this.#streams,
      checkpointSize: options.checkpointSize ?? 64 * 1_048_576,
      snapshotSize: options.snapshotSize ?? Number.POSITIVE_INFINITY,
      tail: () => this.tail,
      isReplicated: options.replica !== undefined,
      seal: () => {
        this.#appender.seal();
        return state.head;
      },
      append: (kind, data, name) => this.#appender.add(data, null, name, kind),
      flush: () => this.flush(),
      writtenPosition: () => state.written,
      refused: () => state.refused,
    };
  }

  /**
   * Opens a log, or begins one. What a crash left is repaired first, and the owner gets the
   * last checkpoint and all records after it.
   *
   * An index of another log is set aside, and made again from the segments.
   *
   * @throws {LogError} `locked`, `newer-version`, or `corrupt`; `foreign` when the segments are of several logs, or the
   * index is of another one and they can't do without their own; `missing` when the last segments that the index knows of
   * aren't there; the system's error when files can't be read
   */
  static async open(options: LogOptions): Promise<Log> {
    const { files = nodeFiles, clock = nodeClock, index = new NoIndex() } = options;
    const startedAt = clock.now();
    const time = options.time ?? new LogTime(clock);
    const locked = await openLocked(options, files, index);
    try {
      const { recovered, sourceEnd, waitedMs } = locked;
      time.resume(recovered.time);
      const replica = sourceEnd?.replica ?? options.replica;
      const replicated = replica === undefined ? {} : { replica };
      const log = new Log({ ...options, index, ...replicated }, time, locked);
      log.#takeOver(recovered);
      await log.#replication?.catchUp();
      log.#replication?.trim(log.tail);
      log.#segments.closeUnused(log.durablePosition);
      log.stats.recoveryMs = clock.now() - startedAt - waitedMs;
      return log;
    } catch (error) {
      await locked.release();
      throw error;
    }
  }

  #takeOver(recovered: RecoveredLog): void {
    const { checkpoint, snapshot } = recovered;
    this.#streams.putBack(recovered.streams.take());
    this.#checkpoints.snapshot = snapshot ?? checkpoint.snapshot;
    // What the index has of the state is older than what the snapshot replaced.
    this.#checkpoints.isIndexStale = snapshot !== null;
    this.stats.recoveredRecords = recovered.records;
    this.stats.quarantinedStretches = recovered.quarantinedStretches;
  }

  // ------------------------------------------------------------------- positions

  /** Position of the oldest record that there may be. */
  get tail(): number {
    return this.#segments.list[0]?.first ?? this.#state.head;
  }

  /** Position after everything that has been appended and closed into batches. */
  get head(): number {
    return this.#state.head;
  }

  /** Everything before this position survives a power cut. */
  get durablePosition(): number {
    return this.#state.durable;
  }

  /** The replica has everything before this position; without one, it stays where it was at open. */
  get replicatedPosition(): number {
    return this.#state.replicated;
  }

  /**
   * Everything that was appended before this position is as safe as the sync mode promises. The position
   * of a record is below the end of its batch, so `position < log.acknowledgedPosition` says whether the
   * record is committed; one that was refused (`onRefused`) never is.
   */
  get acknowledgedPosition(): number {
    return this.#state.acknowledged;
  }

  /** Bytes that have been appended and are neither acknowledged nor refused yet. */
  get pendingBytes(): number {
    return this.#state.pendingBytes + this.#appender.gatheredBytes;
  }

  /** Bytes from tail to head. */
  get size(): number {
    return this.#segments.size;
  }

  get segments(): readonly Segment[] {
    return this.#segments.list;
  }

  get isFull(): boolean {
    return this.#state.status === 'full';
  }

  /** Why the log has ended; null while it hasn't. */
  get failure(): LogError | null {
    return this.#state.failure;
  }

  // --------------------------------------------------------------------- append

  /**
   * Appends a record. It is written at the end of the turn, together with all others of the turn.
   *
   * @param data - copied before the call returns; given in pieces, it is put together
   * @param onCommitted - called in the order of the appends: null when the record is as safe as the sync
   * mode promises, or why it never will be
   * @param stream - a name to find the record by, up to 65,535 bytes
   * @returns the record's position
   * @throws {LogError} `full`, `failed`, `closed` or `too-large`; nothing was appended then
   */
  append(
    data: Uint8Array | readonly Uint8Array[],
    onCommitted: CommitListener | null = null,
    stream?: Uint8Array,
  ): number {
    return this.#appender.append(data, onCommitted, stream);
  }

  /**
   * Appends a record that nobody waits for: it is written with the next one that is waited for, or
   * within 20 ms.
   */
  appendLazily(data: Uint8Array | readonly Uint8Array[]): number {
    return this.#appender.appendLazily(data);
  }

  /**
   * Writes down what the wall clock shows now, unless that is known or will be with what gathers, or nothing has been written
   * for ten minutes. To be called now and then: a log to which nothing is appended while the wall clock is set would take
   * that for time that passed when it is opened.
   */
  noteTime(): void {
    if (this.#state.status === 'open' && !this.#state.isClosing) this.#appender.noteTime();
  }

  // --------------------------------------------------------------------- commit

  /**
   * Changes when what is appended is synced and acknowledged, from the next batch on; what is left out
   * gets its default. Nothing that waits for a sync is acknowledged without one.
   */
  setSyncMode(options: SyncOptions): void {
    this.#committer.setMode(options);
  }

  /**
   * Ends the log, since another process continues it: nothing is acknowledged any more, and what waits for that is refused with
   * `fenced`. To be closed as ever.
   *
   * @param why - for the message
   */
  fence(why: string): void {
    this.#failures.fail(new Error(why), 'fenced');
  }

  /** Resolves when everything appended so far is durable, and the replica has it. */
  async flush(): Promise<void> {
    const state = this.#state;
    this.#appender.seal();
    const position = state.head;
    await this.#writer.untilWritten(position);
    while (state.durable < position) {
      if (state.status === 'failed' || state.status === 'closed') throw state.refusal();
      await this.#committer.sync();
    }
    await this.#replication?.until(position);
  }

  // -------------------------------------------------------------------- reading

  /**
   * Reads a record. One that has just been appended is written first.
   *
   * @returns the record, whose bytes must not be changed
   * @throws {LogError} `not-found` when there is no record at the position, or it can't be read
   */
  async read(position: number): Promise<LogRecord> {
    if (this.#appender.isGathering(position)) this.#appender.seal();
    if (position >= this.#state.head) {
      throw new LogError(
        'not-found',
        `nothing is written at position ${position} yet: the head of the log is ${this.#state.head}`,
      );
    }
    await this.#writer.untilWritten(position + 1);
    const record = await this.#reader.read(position);
    this.#segments.closeUnused(this.#state.durable);
    return record;
  }

  /**
   * Reads a record if that takes no I/O: it lies in a window that a `read` before has loaded. Meant for
   * going through positions in order: where this returns null, `read` loads a window with what follows.
   *
   * @returns the record, whose bytes must not be changed; null when `read` has to be awaited instead
   */
  readNow(position: number): LogRecord | null {
    return this.#reader.readNow(position);
  }

  /** As `readNow`, without objects; the view is only valid until the next call. */
  viewNow(position: number): RecordView | null {
    return this.#reader.viewNow(position);
  }

  /**
   * Reads the records from a position on, in order, up to what is written when the reading gets there.
   * Damaged stretches are passed over.
   *
   * @param from - of a record or of the beginning of a batch; positions that are gone are passed over
   */
  async *records(from = 0): AsyncGenerator<LogRecord> {
    yield* this.#reader.records(from, () => this.#state.written);
  }

  /**
   * Positions of the records of a stream that are still in the log, in the order in which they were first
   * appended.
   */
  streamPositions(stream: Uint8Array): number[] {
    const name = streamKey(stream);
    const lists: (readonly number[])[] = [];
    for (const { first } of this.#segments.list) {
      lists.push(this.#index.streamPairs(first, stream), this.#streams.pairs(first, name));
    }
    return positionsInOrder(lists);
  }

  // ------------------------------------------------------------- releasing, trimming

  /**
   * Says that bytes of a record are no longer needed: compaction looks for segments with many of them, and
   * then asks `LogOwner.keep`. A record that it will never keep can be released when it is appended.
   *
   * @param bytes - of the record (`recordBytes`), or the share of it that one of its users had
   */
  release(position: number, bytes: number): void {
    const segment = this.#appender.isGathering(position)
      ? this.#segments.last
      : this.#segments.at(position);
    if (segment != null) segment.releasedBytes += bytes;
  }

  /**
   * Removes all segments whose records lie before a position. The checkpoint is taken first, so that
   * nothing that is removed would be needed to recover. The owner must be able to do without them; what an
   * owner with `snapshot` has made of them stays.
   *
   * @returns how many bytes were removed
   */
  async trim(position: number): Promise<number> {
    const { list } = this.#segments;
    const isCovered = (segment: Segment | undefined) =>
      segment !== undefined && segment !== list.at(-1) && segment.end <= position;
    if (!isCovered(list[0])) return 0;
    await this.#compaction.settled();
    await this.writeSnapshot();
    await this.checkpoint();
    const removed = list.filter(
      (segment) => isCovered(segment) && segment.end <= this.#checkpoints.position,
    );
    return this.#remove(removed);
  }

  /**
   * Writes the owner's state to the log, so that one without an index is opened by it; an owner without `snapshot` has none. Resolves when
   * it is durable, and the replica has it.
   */
  async writeSnapshot(): Promise<void> {
    if (this.#owner?.snapshot !== undefined) await this.#checkpoints.writeSnapshot([]);
  }

  /** @returns how many bytes were removed */
  async #remove(segments: readonly Segment[]): Promise<number> {
    let removedBytes = 0;
    const forget = (segment: Segment) => {
      this.#streams.forget(segment.first);
      this.#checkpoints.noteRemoved(segment);
      this.#reader.forget(segment);
    };
    await this.#segments.remove(segments, forget, ({ size }) => {
      removedBytes += size;
      this.stats.removedSegments++;
      this.stats.removedBytes += size;
    });
    if (segments.length > 0) this.#replication?.trim(this.tail);
    return removedBytes;
  }

  // ------------------------------------------------------------------ compaction

  /**
   * Removes segments that are mostly dead, after their live records have been appended again; see
   * `chooseVictims` for which. Does nothing unless the owner has `keep`. A call during a pass waits for it.
   *
   * @throws {LogError} when what is moved could not be written; nothing was removed then
   */
  compact(): Promise<CompactionResult> {
    return this.#compaction.run();
  }

  /** Changes when segments are compacted; what is left out gets its default. */
  setCompaction(options: CompactionOptions): void {
    this.#compaction.setOptions(options);
  }

  // ----------------------------------------------------------------- checkpoints

  /**
   * Writes the owner's state and the streams to the index, durably. One at a time: a call during
   * another one waits for it and takes its own.
   */
  checkpoint(): Promise<void> {
    return this.#checkpoints.take();
  }

  /** Where the last checkpoint was taken. */
  get checkpointPosition(): number {
    return this.#checkpoints.position;
  }

  // ----------------------------------------------------------------------- close

  /**
   * Writes and syncs what was appended, takes a checkpoint, which says when it was taken, and closes. Nothing can be appended after. With a replica,
   * from which another machine may continue at once, no checkpoint is taken.
   */
  close(): Promise<void> {
    this.#state.isClosing = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#compaction.stop();
    try {
      await this.#compaction.settled();
      if (this.#state.status === 'open') {
        await this.flush();
        if (this.#replication === null) {
          // One that fails is followed by one that holds everything.
          await this.checkpoint().catch(() => this.checkpoint());
        } else {
          await this.#checkpoints.settled();
          await this.#checkpoints.writeOwedSnapshot();
        }
        await this.#checkpoints.settled();
      }
    } finally {
      this.#state.status = 'closed';
      this.#failures.stopTimers();
      this.#replication?.end(this.#state.refusal());
      await this.#writer.settled();
      await this.#committer.settled();
      await this.#failures.settled();
      await this.#maker.discard();
      await this.#release();
    }
  }

  // ------------------------------------------------------------------ invariants

  /**
   * Checks what has to hold of all its parts between two turns, for tests and simulations. It takes as long as what is in
   * memory is large, and changes nothing.
   *
   * @throws what doesn't hold
   */
  checkInvariants(): void {
    const { status, head } = this.#state;
    const { last } = this.#segments;
    invariant(
      status !== 'open' || last === undefined || last.end === head,
      `the last segment ends at ${last?.end}, the head is ${head}`,
    );
    this.#state.checkInvariants();
    this.#segments.checkInvariants(this.#appender.gatheredBytes);
    this.#appender.checkInvariants();
    this.#writer.checkInvariants();
    this.#committer.checkInvariants();
    this.#replication?.checkInvariants();
    this.#failures.checkInvariants();
    this.#streams.checkInvariants();
    this.#reader.checkInvariants();
    this.#checkpoints.checkInvariants(head);
    this.#compaction.checkInvariants();
    this.time.checkInvariants();
  }
}
