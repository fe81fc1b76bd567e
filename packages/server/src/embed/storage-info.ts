import type { Broker } from '../broker.ts';

/** A file of the log. */
export interface StoredSegment {
  /** Position of its first byte. */
  readonly first: number;
  /** Bytes. */
  readonly size: number;
  /** Of them, those that are still needed. */
  readonly liveBytes: number;
}

/** The log, as it is at a moment. Positions are bytes from the beginning of all logs; durations are milliseconds. */
export interface StorageInfo {
  readonly directory: string;
  readonly syncMode: string;
  readonly isFull: boolean;
  /** Why it has failed for good; null while it serves. */
  readonly failure: string | null;
  readonly positions: {
    /** Of the oldest record that there may be. */
    readonly tail: number;
    /** After what has been appended. */
    readonly head: number;
    /** Before it, all survives a power cut. */
    readonly durable: number;
    /** Before it, all is as safe as the sync mode promises. */
    readonly acknowledged: number;
    /** Up to here, a start reads an index instead of the log. */
    readonly checkpoint: number;
  };
  /** Bytes on the disk, and of them those that are still needed. */
  readonly size: number;
  readonly liveBytes: number;
  readonly segments: readonly StoredSegment[];
  /** Totals since the start. */
  readonly written: {
    readonly records: number;
    readonly bytes: number;
    readonly syncs: number;
    readonly syncMs: number;
    readonly refusedRecords: number;
  };
  readonly compaction: {
    readonly removedSegments: number;
    readonly removedBytes: number;
    readonly movedRecords: number;
    readonly movedBytes: number;
  };
  /** What the last start found. */
  readonly recovery: {
    readonly records: number;
    readonly durationMs: number;
    /** Damaged parts that were set aside. */
    readonly quarantined: number;
  };
}

/** @returns null without storage */
export function storageInfoOf({ storage, config }: Broker): StorageInfo | null {
  if (storage === null) return null;
  const { log } = storage;
  const { stats } = log;
  const segments = log.segments.map(({ first, size, liveBytes }) => ({ first, size, liveBytes }));
  return {
    directory: log.directory,
    syncMode: config.storage.wal.syncMode,
    isFull: log.isFull,
    failure: log.failure?.message ?? null,
    positions: {
      tail: log.tail,
      head: log.head,
      durable: log.durablePosition,
      acknowledged: log.acknowledgedPosition,
      checkpoint: log.checkpointPosition,
    },
    size: log.size,
    liveBytes: segments.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
    segments,
    written: {
      records: stats.records,
      bytes: stats.writtenBytes,
      syncs: stats.syncs,
      syncMs: stats.syncMs,
      refusedRecords: stats.refusedRecords,
    },
    compaction: {
      removedSegments: stats.removedSegments,
      removedBytes: stats.removedBytes,
      movedRecords: stats.movedRecords,
      movedBytes: stats.movedBytes,
    },
    recovery: {
      records: stats.recoveredRecords,
      durationMs: stats.recoveryMs,
      quarantined: stats.quarantinedStretches,
    },
  };
}
