/** A change of the owner's state: what to put under a key; null removes the key. */
export type CheckpointEntry = readonly [key: string, value: Uint8Array | null];

export interface Checkpoint {
  /** The state holds the effects of all records before this position, and of no later ones. */
  readonly position: number;
  /** Bytes of each segment, by its first position, that are no longer needed. */
  readonly releasedBytes: ReadonlyMap<number, number>;
  /** The owner's state, in the order of the keys. */
  readonly entries: Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface CheckpointChange {
  readonly position: number;
  /** The entries are all there are: former ones go. */
  readonly isWhole: boolean;
  readonly releasedBytes: ReadonlyMap<number, number>;
  readonly entries: Iterable<CheckpointEntry>;
  /** Positions to add to streams, in order; by segment's first position, then by stream name as latin1. */
  readonly streams: ReadonlyMap<number, ReadonlyMap<string, readonly number[]>>;
  /** Segments that are gone. */
  readonly removedSegments: readonly number[];
}

/**
 * Where a log keeps its checkpoint and the index of its streams. It can be deleted: both are made anew
 * from the segments. `LmdbIndex` is the real one.
 */
export interface CheckpointStore {
  /** The last checkpoint; position 0 and no entries when there is none. */
  load(): Checkpoint;
  /** Applies a change whole or not at all; it is durable when the promise is fulfilled. */
  commit(change: CheckpointChange): Promise<void>;
  /** Positions of a stream in one segment, in order, as far as the checkpoint knows. */
  streamPositions(segment: number, stream: Uint8Array): number[];
  /** Forgets everything. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Of a log that has no index: it is read from its beginning at each start. */
export class NoIndex implements CheckpointStore {
  load(): Checkpoint {
    return { position: 0, releasedBytes: new Map(), entries: [] };
  }

  async commit(): Promise<void> {}

  streamPositions(): number[] {
    return [];
  }

  async clear(): Promise<void> {}

  async close(): Promise<void> {}
}
