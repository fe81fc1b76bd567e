import type { CompactionOptions, LogOptions, SyncOptions } from '@promptmq/wal';
import type { Config } from '../../config/index.ts';

/** What the configuration says of the log. */
export function logOptions(config: Config): LogOptions {
  const { wal, walDir } = config.storage;
  return {
    directory: walDir,
    segmentSize: wal.segmentSize,
    checkpointSize: wal.checkpointSize,
    onCorruption: wal.onCorruption,
    validate: wal.crashRecoveryValidation,
    ...syncOptions(config),
    compaction: compactionOptions(config),
  };
}

/** When it is synced; may be changed while it is open. */
export function syncOptions({ storage }: Config): SyncOptions {
  const { syncMode, syncInterval, batchSyncSize, forceFsync } = storage.wal;
  return { syncMode, syncInterval, batchSyncSize, forceSync: forceFsync };
}

/** When its segments are compacted; may be changed while it is open. */
export function compactionOptions({ storage }: Config): CompactionOptions {
  const { maxWalSize, maxMessageAge, checkInterval, concurrentWorkers, batchSize } =
    storage.compaction;
  return {
    maxSize: maxWalSize,
    maxAge: maxMessageAge,
    checkInterval,
    concurrentWorkers,
    batchSize,
  };
}
