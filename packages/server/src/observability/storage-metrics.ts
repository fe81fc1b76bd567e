import type { CheckResult, MetricsRegistry } from '@promptmq/metrics';
import { BucketHistogram, exponentialBounds } from '@promptmq/metrics/histogram';
import type { Log, LogStats } from '@promptmq/wal';
import type { brokerCatalogue } from './catalogue.ts';

/** What metrics and readiness want to know of the storage. */
export interface StorageMetricsSource {
  readonly stats: LogStats;
  /** Bytes of the log on disk. */
  readonly usageBytes: number;
  readonly segmentCount: number;
  /** Bytes of them that are still needed. */
  readonly liveBytes: number;
  /** Bytes appended that a power cut could still take. */
  readonly unsyncedBytes: number;
  /** Bytes after the last checkpoint. */
  readonly checkpointLagBytes: number;
  readonly isFull: boolean;
  /** Why it has failed for good; null while it serves. */
  readonly failure: Error | null;
}

/** The source that reads a log. */
export function storageSourceOf(log: Log): StorageMetricsSource {
  return {
    stats: log.stats,
    get usageBytes() {
      return log.size;
    },
    get segmentCount() {
      return log.segments.length;
    },
    get liveBytes() {
      return log.segments.reduce((sum, segment) => sum + segment.liveBytes, 0);
    },
    get unsyncedBytes() {
      return Math.max(0, log.head - log.durablePosition);
    },
    get checkpointLagBytes() {
      return Math.max(0, log.head - log.checkpointPosition);
    },
    get isFull() {
      return log.isFull;
    },
    get failure() {
      return log.failure;
    },
  };
}

/** Seconds: 20 µs to 10 s. */
const WRITE_BOUNDS = exponentialBounds(0.00002, 2, 20);
const GROUP_BOUNDS = exponentialBounds(1, 2, 15);

type BrokerRegistry = MetricsRegistry<typeof brokerCatalogue>;

/**
 * Adds the metrics of a storage to a registry. It takes the listeners `onWrite` and `onSync` of the
 * log's counters.
 *
 * @param now - milliseconds of a clock
 */
export function addStorageMetrics(
  registry: BrokerRegistry,
  source: StorageMetricsSource,
  now: () => number,
): void {
  const { stats } = source;
  const writes = new BucketHistogram(WRITE_BOUNDS);
  const syncs = new BucketHistogram(WRITE_BOUNDS);
  const groups = new BucketHistogram(GROUP_BOUNDS);
  const unsynced = new UnsyncedAge(source, now);
  stats.onWrite = (durationMs) => {
    writes.observe(durationMs / 1000);
    unsynced.note();
  };
  stats.onSync = (durationMs, records) => {
    syncs.observe(durationMs / 1000);
    if (records > 0) groups.observe(records);
    unsynced.onSync(durationMs);
  };
  registry.add('promptmq_storage_usage_bytes', () => source.usageBytes);
  registry.add('promptmq_storage_segments', () => source.segmentCount);
  registry.add('promptmq_storage_live_ratio', () =>
    source.usageBytes === 0 ? 1 : Math.min(1, source.liveBytes / source.usageBytes),
  );
  registry.add('promptmq_storage_records_total', () => stats.records);
  registry.add('promptmq_storage_batches_total', () => stats.batches);
  registry.add('promptmq_storage_written_bytes_total', () => stats.writtenBytes);
  registry.add('promptmq_storage_wal_write_duration_seconds', () => writes);
  registry.add('promptmq_storage_wal_sync_duration_seconds', () => syncs);
  registry.add('promptmq_storage_wal_group_records', () => groups);
  registry.add('promptmq_storage_unsynced_bytes', () => source.unsyncedBytes);
  registry.add('promptmq_storage_oldest_unsynced_seconds', () => unsynced.seconds);
  registry.add('promptmq_storage_refused_records_total', () => stats.refusedRecords);
  registry.add('promptmq_storage_checkpoints_total', () => stats.checkpoints);
  registry.add('promptmq_storage_checkpoint_lag_bytes', () => source.checkpointLagBytes);
  registry.add('promptmq_storage_compacted_segments_total', () => stats.removedSegments);
  registry.add('promptmq_storage_compacted_bytes_total', () => stats.removedBytes);
  registry.add('promptmq_storage_moved_records_total', () => stats.movedRecords);
  registry.add('promptmq_storage_moved_bytes_total', () => stats.movedBytes);
  registry.add('promptmq_storage_quarantined', () => stats.quarantinedStretches);
  registry.add('promptmq_recovery_duration_seconds', () => stats.recoveryMs / 1000);
  registry.add('promptmq_recovery_records', () => stats.recoveredRecords);
}

/** For how long something has been unsynced, seen at writes, syncs and scrapes. */
class UnsyncedAge {
  readonly #source: StorageMetricsSource;
  readonly #now: () => number;
  /** -1 while all is synced. */
  #since: number;

  constructor(source: StorageMetricsSource, now: () => number) {
    this.#source = source;
    this.#now = now;
    this.#since = -1;
  }

  note(): void {
    if (this.#source.unsyncedBytes === 0) this.#since = -1;
    else if (this.#since === -1) this.#since = this.#now();
  }

  /** What is still unsynced has come since the sync began. */
  onSync(durationMs: number): void {
    this.#since = this.#now() - durationMs;
  }

  get seconds(): number {
    this.note();
    return this.#since === -1 ? 0 : Math.max(0, this.#now() - this.#since) / 1000;
  }
}

/** Whether storage takes what has to be durable. */
export function checkStorage({ failure, stats }: StorageMetricsSource): CheckResult {
  if (failure !== null) return { isOk: false, detail: failure.message };
  const { quarantinedStretches } = stats;
  return quarantinedStretches === 0
    ? { isOk: true }
    : { isOk: true, detail: `${quarantinedStretches} unreadable stretches set aside at the start` };
}

export function checkDisk({ isFull }: StorageMetricsSource): CheckResult {
  return isFull ? { isOk: false, detail: 'the disk is full' } : { isOk: true };
}
