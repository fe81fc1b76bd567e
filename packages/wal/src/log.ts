import { BatchBuilder, type CommitListener } from './batch-builder.ts';
import { type Checkpoint, type CheckpointStore, NoIndex } from './checkpoint-store.ts';
import { type CheckpointedLog, Checkpoints } from './checkpoints.ts';
import { type Clock, nodeClock } from './clock.ts';
import {
  type CompactedLog,
  Compaction,
  type CompactionOptions,
  type CompactionResult,
} from './compaction.ts';
import type { LogEventListener } from './events.ts';
import type { Files, OpenFile } from './files.ts';
import {
  alignUp,
  BATCH_HEADER_SIZE,
  isData,
  type LogRecord,
  MOVED_HEADER_SIZE,
  RECORD_DATA_MAX,
  RECORD_HEADER_SIZE,
  RecordKind,
  SEGMENT_HEADER_SIZE,
  STREAM_NAME_MAX,
  writePosition,
} from './format.ts';
import { LogError } from './log-error.ts';
import { createLogId, foreignText, holdsWholeState, isForeign, logIdOf } from './log-id.ts';
import type { LogOptions, SyncMode, SyncOptions } from './log-options.ts';
import type { LogOwner } from './log-owner.ts';
import { LogReader, type RecordView } from './log-reader.ts';
import { nodeFiles } from './node-files.ts';
import { listSegments, Recovery } from './recovery.ts';
import { Segment, segmentAt } from './segment.ts';
import { SegmentMaker } from './segment-maker.ts';
import { createLogStats, type LogStats } from './stats.ts';
import { positionsInOrder, Streams, streamKey } from './streams.ts';

/** A batch is closed when it has this many bytes, though the write before it is still under way. */
const BATCH_SIZE_MAX = 1_048_576;

/** How long a record that nobody waits for may gather others. */
const LAZY_MS = 20;

/** How often a full disk is tried again. */
const FULL_RETRY_MS = 1000;

const NO_STREAM = new Uint8Array(0);
const DISK_FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

type State = 'open' | 'full' | 'failed' | 'closed';

/** A batch on its way to its segment. */
interface SealedBatch {
  readonly builder: BatchBuilder;
  readonly bytes: Buffer;
  readonly segment: Segment;
}

/**
 * An append-only log of opaque records. What is appended in one turn becomes one batch, which is there
 * whole or not at all after a crash; while one batch is written and synced, the next gathers.
 *
 * Invariants: positions only grow; a batch is written after all before it, so the order of appends is
 * the order on disk and of the listeners; `#durable <= #written <= #head`; nothing is acknowledged after
 * `#state` has become `failed`.
 */
export class Log {
  readonly directory: string;
  /** Identity of the log, in hexadecimal: its segments and its index have it. */
  readonly id: string;
  readonly stats: LogStats;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #index: CheckpointStore;
  readonly #owner: LogOwner | null;
  #syncMode: SyncMode;
  #syncInterval: number;
  #batchSyncSize: number;
  #acksAfterSync: boolean;
  readonly #segmentSize: number;
  readonly #onEvent: LogEventListener;
  readonly #onCommitted: () => void;
  readonly #onRefused: (fromPosition: number, error: LogError) => void;
  readonly #unlock: () => Promise<void>;
  readonly #segments: Segment[];
  readonly #reader: LogReader;
  readonly #compaction: Compaction;

  #state: State;
  #failure: LogError | null;
  #closing: Promise<void> | null;
  /** Where the next batch starts. */
  #head: number;
  #written: number;
  #durable: number;
  /** Up to where the listeners have been told. */
  #acknowledged: number;
  /** Bytes of sealed batches that have not been acknowledged. */
  #pendingBytes: number;

  #batch: BatchBuilder;
  /** Batches that wait to be written. */
  #sealed: SealedBatch[];
  /** Builders to be used again. */
  readonly #spare: BatchBuilder[];
  /** Written batches whose listeners wait for a sync. */
  #unsynced: SealedBatch[];
  /** Those whose sync is under way. */
  #inSync: SealedBatch[];
  #unsyncedRecords: number;
  #isScheduled: boolean;
  #cancelLazy: (() => void) | null;
  #cancelSync: (() => void) | null;
  #cancelRetry: (() => void) | null;
  #writing: Promise<void> | null;
  #syncing: Promise<void> | null;
  /** Who waits for what was appended to be written. */
  #waiting: { position: number; done: () => void; fail: (error: LogError) => void }[];

  readonly #maker: SegmentMaker;
  /** Of a full disk. */
  #retrying: Promise<void> | null;
  /** Positions that were refused last. */
  #refused: { readonly from: number; readonly to: number } | null;

  readonly #streams: Streams;
  readonly #checkpoints: Checkpoints;

  private constructor(
    options: LogOptions,
    id: string,
    isIdWritten: boolean,
    segments: Segment[],
    unlock: () => Promise<void>,
    checkpointed: number,
  ) {
    this.directory = options.directory;
    this.id = id;
    this.stats = createLogStats();
    this.#files = options.files ?? nodeFiles;
    this.#clock = options.clock ?? nodeClock;
    this.#index = options.index ?? new NoIndex();
    this.#owner = options.owner ?? null;
    this.#syncMode = options.syncMode ?? 'immediate';
    this.#syncInterval = options.syncInterval ?? 100;
    this.#batchSyncSize = options.batchSyncSize ?? 100;
    this.#acksAfterSync = acksAfterSync(options);
    this.#segmentSize = options.segmentSize ?? 16 * 1_048_576;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#onCommitted = options.onCommitted ?? (() => {});
    this.#onRefused = options.onRefused ?? (() => {});
    this.#unlock = unlock;
    this.#segments = segments;
    this.#reader = new LogReader(this.#files, segments);
    this.#state = 'open';
    this.#failure = null;
    this.#closing = null;
    this.#head = segments.at(-1)?.end ?? 0;
    this.#written = this.#head;
    this.#durable = this.#head;
    this.#acknowledged = this.#head;
    this.#pendingBytes = 0;
    this.#batch = new BatchBuilder();
    this.#sealed = [];
    this.#spare = [];
    this.#unsynced = [];
    this.#inSync = [];
    this.#unsyncedRecords = 0;
    this.#isScheduled = false;
    this.#cancelLazy = null;
    this.#cancelSync = null;
    this.#cancelRetry = null;
    this.#writing = null;
    this.#syncing = null;
    this.#waiting = [];
    this.#maker = new SegmentMaker(
      this.#files,
      this.directory,
      this.#segmentSize,
      () => this.#state === 'open' && this.#closing === null,
    );
    this.#retrying = null;
    this.#refused = null;
    this.#streams = new Streams();
    const checkpointSize = options.checkpointSize ?? 64 * 1_048_576;
    const checkpointedLog = this.#checkpointedLog(checkpointSize, isIdWritten);
    this.#checkpoints = new Checkpoints(checkpointedLog, checkpointed);
    this.#compaction = new Compaction(this.#compactedLog(), options.compaction ?? {});
  }

  #compactedLog(): CompactedLog {
    return {
      directory: this.directory,
      files: this.#files,
      clock: this.#clock,
      owner: this.#owner,
      stats: this.stats,
      onEvent: this.#onEvent,
      segments: this.#segments,
      size: () => this.size,
      isOpen: () => this.#state === 'open' && this.#closing === null,
      isClosing: () => this.#closing !== null,
      durablePosition: () => this.#durable,
      pendingBytes: () => this.pendingBytes,
      snapshot: () => this.#checkpoints.snapshot,
      appendMoved: (from, parts) => this.#appendMoved(from, parts),
      writeSnapshot: () => this.#checkpoints.writeSnapshot(),
      flush: () => this.flush(),
      checkpoint: () => this.checkpoint(),
      remove: (segments) => this.#remove(segments),
    };
  }

  #checkpointedLog(checkpointSize: number, isIdWritten: boolean): CheckpointedLog {
    return {
      // An older log gets its identity with its next segment: the index never names one that the log lacks.
      logId: () => (isIdWritten || this.#segments.at(-1)?.isCurrent ? this.id : null),
      index: this.#index,
      owner: this.#owner,
      stats: this.stats,
      onEvent: this.#onEvent,
      segments: this.#segments,
      streams: this.#streams,
      checkpointSize,
      seal: () => {
        if (!this.#batch.isEmpty) this.#seal();
        return this.#head;
      },
      append: (kind, data, name) => this.#add(data, null, name, kind),
      flush: () => this.flush(),
      writtenPosition: () => this.#written,
      refused: () => this.#refused,
    };
  }

  /**
   * Opens a log, or begins one. What a crash left behind is repaired first, and the owner gets the
   * last checkpoint and all records behind it.
   *
   * An index of another log is set aside, and made anew from the segments.
   *
   * @throws {LogError} `locked`, `newer-version`, or `corrupt`; `foreign` when the segments are of several logs, or the
   * index is of another one and they can't do without their own; the system's error when files can't be read
   */
  static async open(options: LogOptions): Promise<Log> {
    const files = options.files ?? nodeFiles;
    const clock = options.clock ?? nodeClock;
    const index = options.index ?? new NoIndex();
    await files.makeDirectory(options.directory);
    const unlock = await files.lock(options.directory);
    const startedAt = clock.now();
    let opened: readonly Segment[] = [];
    try {
      if (options.owner?.keep !== undefined && options.owner.snapshot === undefined) {
        throw new TypeError('an owner that has `keep` needs `snapshot`, too');
      }
      index.open();
      opened = await listSegments(files, options.directory);
      const checkpoint = await ownCheckpoint(options, index, files, opened);
      const recovery = new Recovery({
        files,
        directory: options.directory,
        segments: opened,
        checkpoint,
        validate: options.validate ?? false,
        onCorruption: options.onCorruption ?? 'quarantine',
        onEvent: options.onEvent ?? (() => {}),
      });
      await recovery.repair();
      const { segments, snapshot } = recovery;
      options.owner?.restore(snapshot ? await recovery.snapshotEntries() : checkpoint.entries);
      for (const segment of snapshot === null ? [] : segments) {
        segment.releasedBytes = snapshot?.releasedBytes.get(segment.first) ?? segment.releasedBytes;
      }
      const release = (position: number, bytes: number) => {
        const segment = segmentAt(segments, position);
        if (segment !== null) segment.releasedBytes += bytes;
      };
      const streams = new Streams();
      const records = await recovery.replay({
        onRecord: (record) => options.owner?.replay(record, release),
        onMoved: (from, record) => options.owner?.moved?.(from, record.position, record),
        onStream: (segment, { stream, position, origin }) =>
          streams.note(segment.first, streamKey(stream), position, origin),
      });
      const formerId = logIdOf(segments) ?? checkpoint.logId;
      const id = formerId ?? createLogId();
      const log = new Log(options, id, formerId !== null, segments, unlock, checkpoint.position);
      if (log.#head < checkpoint.position) {
        options.onEvent?.({
          type: 'quarantined',
          file: options.directory,
          offset: log.#head,
          bytes: checkpoint.position - log.#head,
          copy: null,
        });
        await log.#skipTo(checkpoint.position);
      }
      log.#streams.putBack(streams.take());
      log.#checkpoints.snapshot = snapshot ?? checkpoint.snapshot;
      // What the index has of the state is older than what the snapshot replaced.
      log.#checkpoints.isIndexStale = snapshot !== null;
      log.stats.recoveredRecords = records;
      log.stats.quarantinedStretches = recovery.quarantinedStretches;
      log.stats.recoveryMs = clock.now() - startedAt;
      return log;
    } catch (error) {
      for (const segment of opened) await segment.close();
      await index.close();
      await unlock();
      throw error;
    }
  }

  // ------------------------------------------------------------------- positions

  /** Position of the oldest record that there may be. */
  get tail(): number {
    return this.#segments[0]?.first ?? this.#head;
  }

  /** Position after everything that has been appended and closed into batches. */
  get head(): number {
    return this.#head;
  }

  /** Everything before this position survives a power cut. */
  get durablePosition(): number {
    return this.#durable;
  }

  /**
   * Everything that was appended before this position is as safe as the sync mode promises. The position
   * of a record is below the end of its batch, so `position < log.acknowledgedPosition` says whether the
   * record is committed; one that was refused (`onRefused`) never is.
   */
  get acknowledgedPosition(): number {
    return this.#acknowledged;
  }

  /** Bytes that have been appended and are neither acknowledged nor refused yet. */
  get pendingBytes(): number {
    return this.#pendingBytes + (this.#batch.isEmpty ? 0 : this.#batch.length);
  }

  /** Bytes from tail to head. */
  get size(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get isFull(): boolean {
    return this.#state === 'full';
  }

  /** Why the log has ended; null while it hasn't. */
  get failure(): LogError | null {
    return this.#failure;
  }

  // --------------------------------------------------------------------- append

  /**
   * Appends a record. It is written at the end of the turn, together with all others of the turn.
   *
   * @param data - copied before the call returns; given in pieces, it is put together
   * @param onCommitted - told in the order of the appends: null when the record is as safe as the sync
   * mode promises, or why it never will be
   * @param stream - a name to find the record by, up to 65,535 bytes
   * @returns the record's position
   * @throws {LogError} `full`, `failed`, `closed` or `too-large`; nothing was appended then
   */
  append(
    data: Uint8Array | readonly Uint8Array[],
    onCommitted: CommitListener | null = null,
    stream: Uint8Array = NO_STREAM,
  ): number {
    const parts = data instanceof Uint8Array ? [data] : data;
    const position = this.#add(parts, onCommitted, stream);
    if (!this.#isScheduled) this.#schedule();
    return position;
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#clock.defer(() => {
      this.#isScheduled = false;
      this.#startWriting();
    });
  }

  /**
   * Appends a record that nobody waits for: it is written with the next one that is waited for, or
   * within 20 ms.
   */
  appendLazily(data: Uint8Array | readonly Uint8Array[]): number {
    const parts = data instanceof Uint8Array ? [data] : data;
    const position = this.#add(parts, null, NO_STREAM);
    if (!this.#isScheduled && this.#cancelLazy === null) {
      this.#cancelLazy = this.#clock.setTimer(LAZY_MS, () => {
        this.#cancelLazy = null;
        this.#startWriting();
      });
    }
    return position;
  }

  #add(
    parts: readonly Uint8Array[],
    onCommitted: CommitListener | null,
    stream: Uint8Array,
    kind: RecordKind = RecordKind.data,
    origin = -1,
  ): number {
    if (this.#state !== 'open' || this.#closing !== null) throw this.#refusal();
    let dataLength = 0;
    for (let index = 0; index < parts.length; index++) {
      dataLength += (parts[index] as Uint8Array).length;
    }
    if (dataLength > RECORD_DATA_MAX || stream.length > STREAM_NAME_MAX) {
      throw new LogError('too-large', `a record of ${dataLength} bytes`);
    }
    const needed = RECORD_HEADER_SIZE + stream.length + dataLength;
    if (!this.#batch.isEmpty && this.#batch.length + needed > BATCH_SIZE_MAX) {
      this.#seal();
      this.#startWriting();
    }
    if (this.#batch.isEmpty) this.#beginBatch();
    const position = this.#batch.add(parts, dataLength, stream, kind);
    if (onCommitted !== null) this.#batch.listeners.push(onCommitted);
    if (stream.length > 0 && isData(kind)) {
      const segment = this.#segments[this.#segments.length - 1] as Segment;
      const name = streamKey(stream);
      this.#streams.note(segment.first, name, position, origin === -1 ? position : origin);
    }
    this.stats.records++;
    return position;
  }

  #refusal(): LogError {
    if (this.#state === 'full') return new LogError('full', `no room in ${this.directory}`);
    return this.#failure ?? new LogError('closed', `${this.directory} is closed`);
  }

  #beginBatch(): void {
    const last = this.#segments.at(-1);
    const isFull = last === undefined || this.#head - last.first >= this.#segmentSize;
    if (isFull || !last.isCurrent) {
      const first = this.#head;
      const previousFirst = last?.first ?? first;
      this.#segments.push(new Segment(this.directory, first, first, previousFirst, this.id));
      this.#head += SEGMENT_HEADER_SIZE;
    }
    this.#batch.reset(this.#head);
  }

  /** Closes the batch that gathers, so that it can be written. */
  #seal(): void {
    const builder = this.#batch;
    const timeMs = this.#clock.now();
    const bytes = builder.seal(this.#durable, Math.floor(timeMs));
    const segment = this.#segments.at(-1) as Segment;
    this.#sealed.push({ builder, bytes, segment });
    this.#pendingBytes += bytes.length;
    this.#head = builder.position + bytes.length;
    segment.end = this.#head;
    segment.recordBytes += builder.length - BATCH_HEADER_SIZE;
    segment.lastWriteMs = timeMs;
    this.#batch = this.#spare.pop() ?? new BatchBuilder();
    this.#batch.reset(this.#head);
  }

  // --------------------------------------------------------------------- commit

  #startWriting(): void {
    if (this.#writing !== null || this.#state !== 'open') return;
    if (this.#batch.isEmpty && this.#sealed.length === 0) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      this.#startWriting();
    });
  }

  async #write(): Promise<void> {
    this.#cancelLazy?.();
    this.#cancelLazy = null;
    while (this.#state === 'open') {
      if (!this.#batch.isEmpty) this.#seal();
      const group = this.#sealed;
      if (group.length === 0) return;
      this.#sealed = [];
      const startedAt = this.#clock.now();
      try {
        for (const batch of group) await this.#writeBatch(batch);
      } catch (error) {
        this.#onWriteError(group, error);
        return;
      }
      const durationMs = this.#clock.now() - startedAt;
      this.stats.writeMs += durationMs;
      this.stats.onWrite?.(durationMs);
      await this.#onWritten(group);
    }
  }

  async #writeBatch({ segment, bytes, builder }: SealedBatch): Promise<void> {
    const file = segment.file ?? (await this.#createSegment(segment));
    await file.write(bytes, builder.position - segment.first);
    // Not before: a sync that is under way would take it for synced, though it may not hold these bytes.
    segment.isDirty = true;
  }

  /** All batches of a group are with the operating system. */
  async #onWritten(group: readonly SealedBatch[]): Promise<void> {
    const last = group.at(-1) as SealedBatch;
    this.#written = last.builder.position + last.bytes.length;
    this.#wakeWaiting();
    this.stats.batches += group.length;
    for (const batch of group) {
      this.stats.writtenBytes += batch.bytes.length;
      this.#unsyncedRecords += batch.builder.count;
    }
    // After a change of the mode, those before may still wait: the order stays that of the appends.
    if (this.#acksAfterSync || this.#unsynced.length > 0 || this.#inSync.length > 0) {
      this.#unsynced.push(...group);
    } else {
      this.#acknowledge(group);
    }
    if (this.#syncMode === 'immediate') await this.#syncUpTo(this.#written);
    else this.#syncSoon();
    this.#checkpoints.takeSoon();
  }

  #acknowledge(group: readonly SealedBatch[]): void {
    if (group.length === 0) return;
    for (const { builder, bytes } of group) {
      this.#acknowledged = builder.position + bytes.length;
      this.#pendingBytes -= bytes.length;
      const { listeners } = builder;
      for (let index = 0; index < listeners.length; index++) {
        (listeners[index] as CommitListener)(null);
      }
      listeners.length = 0;
      if (this.#spare.length < 4) this.#spare.push(builder);
    }
    this.#onCommitted();
  }

  /**
   * Changes when what is appended is synced and acknowledged, from the next batch on; what is left out
   * gets its default. Nothing that waits for a sync is acknowledged without one.
   */
  setSyncMode(options: SyncOptions): void {
    this.#syncMode = options.syncMode ?? 'immediate';
    this.#syncInterval = options.syncInterval ?? 100;
    this.#batchSyncSize = options.batchSyncSize ?? 100;
    this.#acksAfterSync = acksAfterSync(options);
    this.#cancelSync?.();
    this.#cancelSync = null;
    // A timer of the mode before may have been all that what is unsynced waited for.
    if (this.#state === 'open' && this.#durable < this.#written) void this.#sync();
  }

  /** `batch` and `periodic`: has what was written synced in time. */
  #syncSoon(): void {
    if (this.#syncMode === 'batch' && this.#unsyncedRecords >= this.#batchSyncSize) {
      void this.#sync();
    } else {
      this.#cancelSync ??= this.#clock.setTimer(this.#syncInterval, () => {
        this.#cancelSync = null;
        void this.#sync();
      });
    }
  }

  /** Syncs everything written so far; one at a time. Never rejects: a failure ends the log. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncDirtySegments().finally(() => {
      this.#syncing = null;
      const isServing = this.#state === 'open' || this.#state === 'full';
      if (isServing && this.#durable < this.#written) this.#syncSoon();
    });
    return this.#syncing;
  }

  async #syncDirtySegments(): Promise<void> {
    const written = this.#written;
    this.#inSync = this.#unsynced;
    this.#unsynced = [];
    const records = this.#unsyncedRecords;
    this.#unsyncedRecords = 0;
    const startedAt = this.#clock.now();
    try {
      for (const segment of this.#segments) {
        if (!segment.isDirty) continue;
        segment.isDirty = false;
        await (segment.file as OpenFile).sync();
      }
    } catch (error) {
      // What a failed sync left behind is unknown: trying again could report success for lost data.
      this.#fail(error);
      return;
    }
    if (this.#state === 'failed') return;
    this.stats.syncs++;
    this.stats.syncedRecords += records;
    this.stats.syncMs += this.#clock.now() - startedAt;
    this.stats.onSync?.(this.#clock.now() - startedAt, records);
    this.#durable = written;
    let synced = this.#inSync;
    this.#inSync = [];
    if (!this.#acksAfterSync && this.#unsynced.length > 0) {
      // The mode has changed: for these it is enough that they are written.
      synced = synced.concat(this.#unsynced);
      this.#unsynced = [];
    }
    this.#acknowledge(synced);
  }

  /** A sync that is under way doesn't cover what was written since it began. */
  async #syncUpTo(position: number): Promise<void> {
    while (this.#durable < position && this.#state === 'open') await this.#sync();
  }

  /** Resolves when everything appended so far is durable. */
  async flush(): Promise<void> {
    if (!this.#batch.isEmpty) this.#seal();
    const position = this.#head;
    await this.#untilWritten(position);
    while (this.#durable < position) {
      if (this.#state === 'failed' || this.#state === 'closed') throw this.#refusal();
      await this.#sync();
    }
  }

  #wakeWaiting(): void {
    if (this.#waiting.length === 0) return;
    const met = this.#waiting.filter(({ position }) => position <= this.#written);
    this.#waiting = this.#waiting.filter(({ position }) => position > this.#written);
    for (const { done } of met) done();
  }

  // ------------------------------------------------------------------- segments

  async #createSegment(segment: Segment): Promise<OpenFile> {
    const file = await this.#maker.make(segment);
    await this.#trimFile(segment);
    this.#maker.prepareNext();
    if (this.#compaction.isOversized) this.#compaction.runInBackground();
    return file;
  }

  /** Gives back what was preallocated behind the data of the segment before. */
  async #trimFile(next: Segment): Promise<void> {
    const previous = this.#segments[this.#segments.indexOf(next) - 1];
    await previous?.file?.truncate(previous.size);
  }

  // ------------------------------------------------------------------- failures

  #onWriteError(group: readonly SealedBatch[], error: unknown): void {
    this.#sealed = [...group, ...this.#sealed];
    if (DISK_FULL_CODES.includes((error as NodeJS.ErrnoException).code)) this.#becomeFull(error);
    else this.#fail(error);
  }

  /** Refuses what has not been written, and appends until there is room. */
  #becomeFull(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'full';
    const refusal = new LogError('full', `no room in ${this.directory}`, { cause: error });
    if (!this.#batch.isEmpty) this.#seal();
    const refused = this.#sealed;
    this.#sealed = [];
    // Nothing of these segments, or of their ends, has been acknowledged; their positions are gone.
    for (let last = this.#segments.at(-1); last !== undefined; last = this.#segments.at(-1)) {
      if (last.first < this.#written) {
        last.end = Math.min(last.end, this.#written);
        break;
      }
      this.#segments.pop();
      void last.close().then(() => this.#files.remove(last.path).catch(() => {}));
    }
    for (const { builder, segment } of refused) {
      this.stats.refusedRecords += builder.count;
      segment.recordBytes -= builder.length - BATCH_HEADER_SIZE;
    }
    this.#onEvent({ type: 'full', why: String(error) });
    this.#refuse(refused, this.#written, refusal);
    this.#retryLater();
  }

  #refuse(batches: readonly SealedBatch[], fromPosition: number, error: LogError): void {
    this.#refused = { from: fromPosition, to: this.#head };
    this.#streams.drop(fromPosition, this.#head);
    this.#compaction.takeBack(fromPosition);
    this.#onRefused(fromPosition, error);
    for (const { builder, bytes } of batches) {
      this.#pendingBytes -= bytes.length;
      for (const listener of builder.listeners) listener(error);
      builder.listeners.length = 0;
    }
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
  }

  #retryLater(): void {
    this.#cancelRetry = this.#clock.setTimer(FULL_RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#retrying = this.#retry().finally(() => {
        this.#retrying = null;
      });
    });
  }

  /** There is room when what follows has a segment to go to. */
  async #retry(): Promise<void> {
    const last = this.#segments.at(-1);
    const first = alignUp(this.#head);
    const next = this.#segmentBehind(last, first);
    try {
      // Drops what a write that failed may have left behind the data.
      if (last !== undefined) {
        const file = await last.open(this.#files);
        await file.truncate(last.size);
        await file.sync();
      }
      await this.#maker.makeWhole(next);
    } catch (error) {
      if (this.#state !== 'full') return;
      if (DISK_FULL_CODES.includes((error as NodeJS.ErrnoException).code)) {
        await this.#maker.discard();
        this.#retryLater();
      } else {
        this.#fail(error);
      }
      return;
    }
    if (this.#state !== 'full') {
      await next.close();
      return;
    }
    this.#segments.push(next);
    this.#head = next.end;
    this.#written = next.end;
    this.#durable = next.end;
    this.#acknowledged = next.end;
    this.#batch.reset(this.#head);
    this.#state = 'open';
    this.#onEvent({ type: 'has-room' });
  }

  #fail(error: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    const why = error instanceof Error ? error.message : String(error);
    this.#failure = new LogError('failed', `${this.directory}: ${why}`, { cause: error });
    this.#stopTimers();
    if (!this.#batch.isEmpty) this.#seal();
    const refused = [...this.#inSync, ...this.#unsynced, ...this.#sealed];
    this.#inSync = [];
    this.#unsynced = [];
    this.#sealed = [];
    this.#onEvent({ type: 'failed', why });
    this.#refuse(refused, this.#acknowledged, this.#failure);
  }

  #stopTimers(): void {
    for (const cancel of [this.#cancelLazy, this.#cancelSync, this.#cancelRetry]) cancel?.();
    this.#cancelLazy = null;
    this.#cancelSync = null;
    this.#cancelRetry = null;
  }

  #segmentBehind(last: Segment | undefined, first: number): Segment {
    const previousFirst = last?.first ?? first;
    return new Segment(this.directory, first, last?.end ?? first, previousFirst, this.id);
  }

  /** The segments end before what the index knows of: goes on behind it. */
  async #skipTo(position: number): Promise<void> {
    const last = this.#segments.at(-1);
    const first = alignUp(position);
    const segment = this.#segmentBehind(last, first);
    this.#segments.push(segment);
    this.#head = segment.end;
    this.#written = this.#head;
    this.#durable = this.#head;
    this.#acknowledged = this.#head;
    try {
      // With the file there, the next start doesn't find the same loss again.
      await this.#maker.make(segment);
    } catch (error) {
      // On a full disk, it is made with the first batch.
      if (!DISK_FULL_CODES.includes((error as NodeJS.ErrnoException).code)) throw error;
    }
  }

  // -------------------------------------------------------------------- reading

  /**
   * Reads a record. One that has just been appended is written first.
   *
   * @returns the record, whose bytes must not be changed
   * @throws {LogError} `not-found` when there is no record at the position, or it can't be read
   */
  async read(position: number): Promise<LogRecord> {
    if (!this.#batch.isEmpty && position >= this.#batch.position) this.#seal();
    if (position >= this.#head) {
      throw new LogError('not-found', `position ${position} is behind the head of the log`);
    }
    await this.#untilWritten(position + 1);
    return this.#reader.read(position);
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

  /** Waits until everything before a position is with the operating system. */
  #untilWritten(position: number): Promise<void> {
    if (position <= this.#written) return Promise.resolve();
    if (this.#state !== 'open') return Promise.reject(this.#refusal());
    this.#startWriting();
    return new Promise((done, fail) => {
      this.#waiting.push({ position, done, fail });
    });
  }

  /**
   * Reads the records from a position on, in order, up to what is written when the reading gets there.
   * Damaged stretches are passed over.
   *
   * @param from - of a record or of the beginning of a batch; positions that are gone are passed over
   */
  async *records(from = 0): AsyncGenerator<LogRecord> {
    yield* this.#reader.records(from, () => this.#written);
  }

  /**
   * Positions of the records of a stream that are still in the log, in the order in which they were first
   * appended.
   */
  streamPositions(stream: Uint8Array): number[] {
    const name = streamKey(stream);
    const lists: (readonly number[])[] = [];
    for (const { first } of this.#segments) {
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
    const isGathering = !this.#batch.isEmpty && position >= this.#batch.position;
    const segment = isGathering ? this.#segments.at(-1) : segmentAt(this.#segments, position);
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
    const isCovered = (segment: Segment | undefined) =>
      segment !== undefined && segment !== this.#segments.at(-1) && segment.end <= position;
    if (!isCovered(this.#segments[0])) return 0;
    await this.#compaction.settled();
    if (this.#owner?.snapshot !== undefined) await this.#checkpoints.writeSnapshot();
    await this.checkpoint();
    const removed = this.#segments.filter(
      (segment) => isCovered(segment) && segment.end <= this.#checkpoints.position,
    );
    return this.#remove(removed);
  }

  /** Unlinks segments of which nothing is needed; durable when it resolves. */
  async #remove(segments: readonly Segment[]): Promise<number> {
    for (const segment of segments) {
      const index = this.#segments.indexOf(segment);
      if (index === -1) continue;
      this.#segments.splice(index, 1);
      this.#streams.forget(segment.first);
      this.#checkpoints.noteRemoved(segment);
      this.#reader.forget(segment);
    }
    let removedBytes = 0;
    for (const segment of segments) {
      await segment.close();
      await this.#files.remove(segment.path);
      removedBytes += segment.size;
      this.stats.removedSegments++;
      this.stats.removedBytes += segment.size;
    }
    if (segments.length > 0) await this.#files.syncDirectory(this.directory);
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

  #appendMoved({ position, origin, stream }: LogRecord, parts: readonly Uint8Array[]): number {
    const header = Buffer.allocUnsafe(MOVED_HEADER_SIZE);
    writePosition(header, 0, position);
    writePosition(header, 8, origin);
    const to = this.#add([header, ...parts], null, stream, RecordKind.moved, origin);
    // What compaction adds to a record doesn't count as the owner's.
    (this.#segments.at(-1) as Segment).recordBytes -= MOVED_HEADER_SIZE;
    if (!this.#isScheduled) this.#schedule();
    return to;
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

  /** Writes and syncs what was appended, takes a checkpoint and closes. Nothing can be appended after. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#compaction.stop();
    try {
      await this.#compaction.settled();
      if (this.#state === 'open') {
        await this.flush();
        await this.checkpoint();
      }
    } finally {
      this.#state = 'closed';
      this.#stopTimers();
      await this.#writing;
      await this.#syncing;
      await this.#retrying;
      await this.#maker.discard();
      for (const segment of this.#segments) await segment.close();
      await this.#index.close();
      await this.#unlock();
    }
  }
}

/** The index's checkpoint, when it is this log's; one of another log is set aside. */
async function ownCheckpoint(
  { directory, onEvent }: LogOptions,
  index: CheckpointStore,
  files: Files,
  segments: readonly Segment[],
): Promise<Checkpoint> {
  // Throws when the segments themselves are of several logs.
  logIdOf(segments);
  const checkpoint = index.load();
  if (!isForeign(checkpoint, segments)) return checkpoint;
  const why = `the index ${foreignText(checkpoint, directory, segments)}`;
  if (!(await holdsWholeState(files, segments))) {
    throw new LogError(
      'foreign',
      `${why}; what its first segments held is only in its own index, which has to be put back`,
    );
  }
  const aside = await index.setAside();
  onEvent?.({ type: 'index-rebuilt', why: `${why}; it is now ${aside}` });
  return index.load();
}

function acksAfterSync({ syncMode = 'immediate', forceSync = false }: SyncOptions): boolean {
  return syncMode === 'immediate' || forceSync;
}
