import type { Log, LogRecord, Release } from '@promptmq/wal';
import type { StorageHost } from '../host.ts';
import { loadRetained } from '../retained/retained-loader.ts';
import type { RetainedRecords } from '../retained/retained-records.ts';
import type { StorageStats } from '../storage-stats.ts';
import type { StoredState } from '../stored-state.ts';
import { replayRecord } from './replay-record.ts';
import { restoreCheckpoint } from './restore-checkpoint.ts';

/**
 * The way from what is on disk back to the state, at a start. Its methods are called in their order: the first two by the
 * log while it is opened, `finish` when it has been, and `takeUp` when the broker knows what time it is.
 */
export class Recovery {
  readonly #host: StorageHost;
  readonly #state: StoredState;

  constructor(host: StorageHost, state: StoredState) {
    this.#host = host;
    this.#state = state;
  }

  /** 1. The last checkpoint, or a snapshot of the log where there is none: sessions, queues and where retained messages lie. */
  restore(entries: Iterable<readonly [key: string, value: Uint8Array]>): void {
    restoreCheckpoint(this.#state, this.#host.sessions, entries);
  }

  /** 2. The records after it, one after the other. What one gives up of another is released. */
  replay(record: LogRecord, release: Release): void {
    replayRecord(this.#state, this.#host.sessions, record, release);
  }

  /**
   * 3. What the process before may have sent is marked so; retained messages are read. Messages that wait in queues stay in the
   * log until they are sent.
   */
  async finish(log: Log, retained: RetainedRecords, stats: StorageStats): Promise<void> {
    for (const { session } of this.#state.entries.values()) {
      session.stored?.queue.markSent(session.stored.sentSequence);
    }
    await loadRetained(this.#host, log, retained, stats);
  }

  /** 4. Sessions continue without a connection, or end; wills are published when they are due. */
  takeUp(): void {
    this.#host.sessions.takeUp([...this.#state.entries.values()], this.#state.endings);
  }
}
