/** Counters of the storage, beside those of the log. */
export interface StorageStats {
  /** Queued and retained messages that could not be read back. */
  lostMessages: number;
}
