import type { CompactionOptions } from '../compaction/compaction.ts';
import type { CorruptionPolicy } from '../open/recovery.ts';
import type { CheckpointStore } from '../ports/checkpoint-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { Replica } from '../ports/replica.ts';
import type { LogTime } from './log-time.ts';

export type SyncMode =
  /** A record is acknowledged when it is on disk: neither a kill nor a power cut loses it. */
  | 'immediate'
  /**
   * Acknowledged when the operating system has it, synced every `batchSyncSize` records and at least every
   * `syncInterval`: a kill loses nothing, a power cut at most what was written since the last sync.
   */
  | 'batch'
  /** The same, synced every `syncInterval`. */
  | 'periodic';

/** When what was appended is synced, and when it is acknowledged. */
export interface SyncOptions {
  readonly syncMode?: SyncMode;
  /** Milliseconds. */
  readonly syncInterval?: number;
  /** Records. */
  readonly batchSyncSize?: number;
  /** Acknowledge after the sync in every mode; `batch` and `periodic` then only sync more rarely. */
  readonly forceSync?: boolean;
}

export interface LogOptions extends SyncOptions {
  /** Where the segments are; made when missing. */
  readonly directory: string;
  /** Identity of a log that begins, 32 hexadecimal digits; a random one when left out. */
  readonly id?: string;
  readonly index?: CheckpointStore;
  readonly owner?: LogOwner;
  /** Called once after each group of batches has been acknowledged, and its listeners notified. */
  readonly onCommitted?: () => void;
  /**
   * Called once when what has been appended is refused after all, because the disk is full or the log
   * has failed, before the listeners are notified: everything at or after `fromPosition` is void.
   */
  readonly onRefused?: (fromPosition: number, error: LogError) => void;
  /** A segment is followed by another when it has this many bytes. */
  readonly segmentSize?: number;
  /** Bytes of log after which a checkpoint is taken. */
  readonly checkpointSize?: number;
  /**
   * Bytes of log after which the owner's state is written to it as a snapshot, so that a log without an index is opened in a
   * time that has a bound; none but those of compaction when left out.
   */
  readonly snapshotSize?: number;
  /** Where the log is copied to while it is written; nothing is acknowledged that it doesn't have. */
  readonly replica?: Replica;
  /**
   * Where the log comes from, while another process still writes it: the owner gets its state meanwhile, and the log is opened when the source has
   * ended, with the replica and the identity that it names then.
   */
  readonly source?: LogSource;
  readonly onCorruption?: CorruptionPolicy;
  /** Checks all of the log at open, not only what lies after the last checkpoint. */
  readonly validate?: boolean;
  readonly compaction?: CompactionOptions;
  readonly onEvent?: LogEventListener;
  readonly files?: Files;
  readonly clock?: Clock;
  /** For an owner that dates what it writes: made of the same clock, and not used by another log. */
  readonly time?: LogTime;
}
