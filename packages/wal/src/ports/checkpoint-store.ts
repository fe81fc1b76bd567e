import type { PairList } from '../format/pair-list.ts';
import type { SnapshotRange } from '../format/snapshot.ts';

/** A change of the owner's state: what to put under a key; null removes the key. */
export type CheckpointEntry = readonly [key: string, value: Uint8Array | null];

/** What is known of a segment. */
export interface SegmentState {
  /** Position after its last batch. */
  readonly end: number;
  /** Bytes of its records, and of those that are no longer needed. */
  readonly recordBytes: number;
  readonly releasedBytes: number;
  /** When its last batch was written, in milliseconds of the log's time. */
  readonly lastWriteMs: number;
}

/** What a log says of time: up to where its own went, and what the wall clock was ahead of it then. */
export interface TimeMark {
  /** Milliseconds of the log's time. */
  readonly logMs: number;
  /** Wall clock minus log time, in milliseconds. */
  readonly wallAheadMs: number;
}

/** What an index says of itself. */
export interface IndexSummary {
  /** Where it is. */
  readonly file: string;
  /** Identity of the log that it is of, in hexadecimal; null when it doesn't say. */
  readonly logId: string | null;
  /** Of its checkpoint; 0 when there is none. */
  readonly position: number;
}

export interface Checkpoint {
  /** Identity of the log that it is of, in hexadecimal; null when there is none, or an older package took it. */
  readonly logId: string | null;
  /** The state holds the effects of all records before this position, and of no later ones. */
  readonly position: number;
  /** By first position. */
  readonly segments: ReadonlyMap<number, SegmentState>;
  /** The last snapshot in the log; null when there is none. */
  readonly snapshot: SnapshotRange | null;
  /** Of the moment in which it was taken; null when there is none, or an older package took it. */
  readonly time: TimeMark | null;
  /** The owner's state, in the order of the keys. */
  readonly entries: Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface CheckpointChange {
  /** Identity of the log, in hexadecimal; null as long as no segment has one. */
  readonly logId: string | null;
  readonly position: number;
  /** The entries are all there are: former ones go. */
  readonly isWhole: boolean;
  readonly segments: ReadonlyMap<number, SegmentState>;
  readonly snapshot: SnapshotRange | null;
  readonly time: TimeMark;
  readonly entries: Iterable<CheckpointEntry>;
  /** What to add to streams: by segment's first position, then by stream name as latin1. */
  readonly streams: ReadonlyMap<number, ReadonlyMap<string, PairList>>;
  /** Segments that are gone. */
  readonly removedSegments: readonly number[];
}

/**
 * Where a log keeps its checkpoint and the index of its streams. It can be deleted: both are made again
 * from the segments. `LmdbIndex` is the real one.
 */
export interface CheckpointStore {
  /**
   * Called once, before anything else, when the log's lock is held: puts aside what may be damaged, and loads what it needs.
   *
   * @param isLogWhole - whether the log can do without it
   */
  prepare?(isLogWhole: () => Promise<boolean>): Promise<void>;
  /**
   * Called once, after `prepare`.
   *
   * @throws {LogError} `newer-version`
   */
  open(): void;
  /** The last checkpoint; position 0 and no entries when there is none. */
  load(): Checkpoint;
  /**
   * It is another log's: puts what it holds aside, and begins again.
   *
   * @returns where it is now
   */
  setAside(): Promise<string>;
  /** Applies a change whole or not at all; it is durable when the promise is fulfilled. */
  commit(change: CheckpointChange): Promise<void>;
  /** Pairs of position and origin of a stream in one segment, as far as the checkpoint knows. */
  streamPairs(segment: number, stream: Uint8Array): number[];
  close(): Promise<void>;
}

export const NO_CHECKPOINT: Checkpoint = {
  logId: null,
  position: 0,
  segments: new Map(),
  snapshot: null,
  time: null,
  entries: [],
};

/** Of a log that has no index: it is read from its beginning at each start. */
export class NoIndex implements CheckpointStore {
  async prepare(): Promise<void> {}

  open(): void {}

  load(): Checkpoint {
    return NO_CHECKPOINT;
  }

  async setAside(): Promise<string> {
    return '';
  }

  async commit(): Promise<void> {}

  streamPairs(): number[] {
    return [];
  }

  async close(): Promise<void> {}
}
