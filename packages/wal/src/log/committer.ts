import { invariant } from '../invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenFile } from '../ports/files.ts';
import type { Segment } from '../segments/segment.ts';
import type { Appender, SealedBatch } from './appender.ts';
import type { CommitListener } from './batch-builder.ts';
import type { SyncMode, SyncOptions } from './log-options.ts';
import type { LogState } from './log-state.ts';
import type { LogStats } from './log-stats.ts';

/** What syncing and acknowledging need of their log. */
export interface CommittedLog {
  readonly clock: Clock;
  readonly stats: LogStats;
  readonly state: LogState;
  readonly segments: readonly Segment[];
  readonly appender: Appender;
  /** Whether a batch is acknowledged only when the replica has it, too. */
  readonly isReplicated: boolean;
  /** Called once after each group of batches has been acknowledged. */
  readonly onCommitted: () => void;
  readonly onSyncFailed: (error: unknown) => void;
}

/**
 * Syncs what was written when the mode says so, and notifies the listeners when the mode promises it and the replica, if there
 * is one, has it.
 *
 * Invariant: listeners are notified in the order of the appends, and none after the log has failed.
 */
export class Committer {
  readonly #log: CommittedLog;
  readonly #state: LogState;
  #syncMode: SyncMode;
  #syncInterval: number;
  #batchSyncSize: number;
  #acksAfterSync: boolean;
  /** Batches that are as safe as the mode promises, and whose listeners wait for the replica. */
  #unreplicated: SealedBatch[];
  /** Written batches whose listeners wait for a sync. */
  #unsynced: SealedBatch[];
  /** Those whose sync is under way. */
  #inSync: SealedBatch[];
  #unsyncedRecords: number;
  #cancelSync: (() => void) | null;
  #syncing: Promise<void> | null;

  constructor(log: CommittedLog, options: SyncOptions) {
    this.#log = log;
    this.#state = log.state;
    this.#syncMode = options.syncMode ?? 'immediate';
    this.#syncInterval = options.syncInterval ?? 100;
    this.#batchSyncSize = options.batchSyncSize ?? 100;
    this.#acksAfterSync = acksAfterSync(options);
    this.#unreplicated = [];
    this.#unsynced = [];
    this.#inSync = [];
    this.#unsyncedRecords = 0;
    this.#cancelSync = null;
    this.#syncing = null;
  }

  /** Whether the listeners of all that was written have been notified. */
  get isAllAcknowledged(): boolean {
    return this.#unreplicated.length + this.#inSync.length + this.#unsynced.length === 0;
  }

  /** As `Log.setSyncMode`. */
  setMode(options: SyncOptions): void {
    this.#syncMode = options.syncMode ?? 'immediate';
    this.#syncInterval = options.syncInterval ?? 100;
    this.#batchSyncSize = options.batchSyncSize ?? 100;
    this.#acksAfterSync = acksAfterSync(options);
    this.cancelTimer();
    // A timer of the mode before may have been all that what is unsynced waited for.
    const { status, durable, written } = this.#state;
    if (status === 'open' && durable < written) void this.sync();
  }

  cancelTimer(): void {
    this.#cancelSync?.();
    this.#cancelSync = null;
  }

  /** Resolves when no sync is under way. */
  async settled(): Promise<void> {
    await this.#syncing;
  }

  /** All batches of a group are with the operating system. */
  async onWritten(group: readonly SealedBatch[]): Promise<void> {
    for (const { builder } of group) this.#unsyncedRecords += builder.recordCount;
    // After a change of the mode, those before may still wait: the order stays that of the appends.
    if (this.#acksAfterSync || this.#unsynced.length > 0 || this.#inSync.length > 0) {
      for (const batch of group) this.#unsynced.push(batch);
    } else {
      this.#onSafe(group);
    }
    if (this.#syncMode === 'immediate') await this.syncUpTo(this.#state.written);
    else this.#syncSoon();
  }

  /** Batches are as safe as the mode promises. */
  #onSafe(group: readonly SealedBatch[]): void {
    if (!this.#log.isReplicated) {
      this.#acknowledge(group);
      return;
    }
    for (const batch of group) this.#unreplicated.push(batch);
    this.onReplicated();
  }

  /** The replica has what lies before `state.replicated`. */
  onReplicated(): void {
    const { replicated } = this.#state;
    let count = 0;
    for (const { builder, bytes } of this.#unreplicated) {
      if (builder.position + bytes.length > replicated) break;
      count++;
    }
    this.#acknowledge(this.#unreplicated.splice(0, count));
  }

  #acknowledge(group: readonly SealedBatch[]): void {
    if (group.length === 0) return;
    const state = this.#state;
    for (const { builder, bytes } of group) {
      state.acknowledged = builder.position + bytes.length;
      state.pendingBytes -= bytes.length;
      const { listeners } = builder;
      for (let index = 0; index < listeners.length; index++) {
        (listeners[index] as CommitListener)(null);
      }
      listeners.length = 0;
      this.#log.appender.reuse(builder);
    }
    this.#log.onCommitted();
  }

  /** `batch` and `periodic`: has what was written synced in time. */
  #syncSoon(): void {
    if (this.#syncMode === 'batch' && this.#unsyncedRecords >= this.#batchSyncSize) {
      void this.sync();
    } else {
      this.#cancelSync ??= this.#log.clock.setTimer(this.#syncInterval, () => {
        this.#cancelSync = null;
        void this.sync();
      });
    }
  }

  /** Syncs everything written so far; one at a time. Never rejects: a failure ends the log. */
  sync(): Promise<void> {
    this.#syncing ??= this.#syncDirtySegments().finally(() => {
      this.#syncing = null;
      const { durable, written } = this.#state;
      if (this.#isServing && durable < written) this.#syncSoon();
    });
    return this.#syncing;
  }

  /** Whether what is written is still synced and acknowledged. */
  get #isServing(): boolean {
    const { status } = this.#state;
    return status === 'open' || status === 'full';
  }

  async #syncDirtySegments(): Promise<void> {
    const { clock, stats, segments, onSyncFailed } = this.#log;
    const { written } = this.#state;
    this.#inSync = this.#unsynced;
    this.#unsynced = [];
    const records = this.#unsyncedRecords;
    this.#unsyncedRecords = 0;
    // Their own list: while one is synced, others may be removed.
    const dirty = segments.filter(({ isDirty }) => isDirty);
    const startedAt = clock.now();
    try {
      for (const segment of dirty) {
        segment.isDirty = false;
        await (segment.file as OpenFile).sync();
      }
    } catch (error) {
      // What a failed sync left is unknown: trying again could report success for lost data.
      onSyncFailed(error);
      return;
    }
    if (this.#state.status === 'failed') return;
    stats.syncs++;
    stats.syncedRecords += records;
    stats.syncMs += clock.now() - startedAt;
    stats.onSync?.(clock.now() - startedAt, records);
    this.#state.durable = written;
    let synced = this.#inSync;
    this.#inSync = [];
    if (!this.#acksAfterSync && this.#unsynced.length > 0) {
      // The mode has changed: for these it is enough that they are written.
      synced = synced.concat(this.#unsynced);
      this.#unsynced = [];
    }
    this.#onSafe(synced);
  }

  /**
   * Returns when what was written before a position is durable, or the log has ended: a sync that is under way doesn't cover
   * what was written since it began.
   */
  async syncUpTo(position: number): Promise<void> {
    while (this.#state.durable < position && this.#isServing) await this.sync();
  }

  /** The log has failed: hands over the batches whose listeners have not been notified. */
  takeUnacknowledged(): SealedBatch[] {
    const batches = [...this.#unreplicated, ...this.#inSync, ...this.#unsynced];
    this.#unreplicated = [];
    this.#inSync = [];
    this.#unsynced = [];
    return batches;
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { status, acknowledged, written } = this.#state;
    const waiting = [...this.#unreplicated, ...this.#inSync, ...this.#unsynced];
    invariant(status !== 'failed' || waiting.length === 0, 'a log that has failed acknowledges');
    let end = acknowledged;
    for (const { builder, bytes } of waiting) {
      const { position } = builder;
      invariant(position >= end, `a batch at ${position} is acknowledged after ${end}`);
      end = position + bytes.length;
    }
    invariant(end <= written, `${end} waits to be acknowledged, and ${written} is written`);
    invariant(this.#unsyncedRecords >= 0, `${this.#unsyncedRecords} records are not synced`);
  }
}

function acksAfterSync({ syncMode = 'immediate', forceSync = false }: SyncOptions): boolean {
  return syncMode === 'immediate' || forceSync;
}
