/** Counters of one log, counted up in place. Totals since it was opened. */
export interface LogStats {
  records: number;
  batches: number;
  /** Bytes of batches, headers included. */
  writtenBytes: number;
  /** Milliseconds that writing groups of batches took, all together, without their syncs. */
  writeMs: number;
  /** Called after each group has been written, for histograms. */
  onWrite: ((durationMs: number) => void) | null;
  syncs: number;
  /** Records that these syncs made durable: the group size is their ratio. */
  syncedRecords: number;
  /** Milliseconds that syncs took, all together. */
  syncMs: number;
  /** Called after each sync, for histograms. */
  onSync: ((durationMs: number, records: number) => void) | null;
  /** Records that were not written because the disk was full. */
  refusedRecords: number;
  checkpoints: number;
  /** Passes of compaction that removed something, and the snapshots that were written. */
  compactions: number;
  snapshots: number;
  /** Compaction: segments removed, and what had to be appended again. */
  removedSegments: number;
  removedBytes: number;
  movedRecords: number;
  movedBytes: number;
  /** At open. */
  recoveredRecords: number;
  quarantinedStretches: number;
  recoveryMs: number;
}

export function createLogStats(): LogStats {
  return {
    records: 0,
    batches: 0,
    writtenBytes: 0,
    writeMs: 0,
    onWrite: null,
    syncs: 0,
    syncedRecords: 0,
    syncMs: 0,
    onSync: null,
    refusedRecords: 0,
    checkpoints: 0,
    compactions: 0,
    snapshots: 0,
    removedSegments: 0,
    removedBytes: 0,
    movedRecords: 0,
    movedBytes: 0,
    recoveredRecords: 0,
    quarantinedStretches: 0,
    recoveryMs: 0,
  };
}
