import { BATCH_HEADER_SIZE, RecordKind } from '../format/format.ts';
import type { SnapshotRange } from '../format/snapshot.ts';
import { encodeSnapshotEnd, overlap } from '../format/snapshot.ts';
import type { Streams } from '../index/streams.ts';
import { invariant } from '../invariant.ts';
import type { CheckpointStore } from '../ports/checkpoint-store.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { Segment } from '../segments/segment.ts';
import type { LogStats } from './log-stats.ts';
import type { LogTime } from './log-time.ts';

/** What checkpoints need of their log. */
export interface CheckpointedLog {
  /** Its identity; null as long as it isn't on disk, nor in the batches up to the head. */
  readonly logId: () => string | null;
  readonly index: CheckpointStore;
  readonly owner: LogOwner | null;
  readonly stats: LogStats;
  readonly time: LogTime;
  readonly onEvent: LogEventListener;
  readonly segments: readonly Segment[];
  readonly streams: Streams;
  /** Bytes after which a checkpoint is taken. */
  readonly checkpointSize: number;
  /** Bytes after which a snapshot is written. */
  readonly snapshotSize: number;
  /** The oldest position. */
  readonly tail: () => number;
  /** A replica keeps segments that have gone here: a snapshot names all that there are. */
  readonly isReplicated: boolean;
  /** Closes the batch that gathers; returns the position after it. */
  readonly seal: () => number;
  /** Appends a record of the log's own; returns its position. */
  readonly append: (kind: RecordKind, data: readonly Uint8Array[], name: Uint8Array) => number;
  /** Resolves when everything appended so far is durable. */
  readonly flush: () => Promise<void>;
  readonly writtenPosition: () => number;
  /** Positions that were refused last. */
  readonly refused: () => { readonly from: number; readonly to: number } | null;
}

const NO_NAME = new Uint8Array(0);

/**
 * Writes down what the owner has made of the log: to the index as a checkpoint, to the log as a snapshot.
 *
 * Invariant: both hold the effects of all records before their position, and of no others.
 */
export class Checkpoints {
  readonly #log: CheckpointedLog;
  /** Where the last checkpoint was taken. */
  position: number;
  /** The last durable snapshot. */
  snapshot: SnapshotRange | null;
  /** The next checkpoint has to hold everything: the last one failed, or the index is older than a snapshot. */
  isIndexStale: boolean;
  #checkpointing: Promise<void> | null;
  #snapshotting: Promise<void> | null;
  /** A snapshot that fails is tried again after as many bytes as if it had been written here. */
  #snapshotFailedAt: number;
  #removedSegments: number[];
  /** The positions last refused that a snapshot has made up for, as `refused` gives them. */
  #madeUpFor: { readonly from: number; readonly to: number } | null;

  constructor(log: CheckpointedLog, position: number) {
    this.#log = log;
    this.position = position;
    this.snapshot = null;
    this.isIndexStale = false;
    this.#checkpointing = null;
    this.#snapshotting = null;
    this.#snapshotFailedAt = 0;
    this.#removedSegments = [];
    this.#madeUpFor = null;
  }

  /** A segment is gone: the next checkpoint has the index forget it. */
  noteRemoved(segment: Segment): void {
    this.#removedSegments.push(segment.first);
  }

  /** Writes a snapshot in the background when enough has been written since the last one. */
  writeSnapshotSoon(): void {
    const { owner, snapshotSize, writtenPosition, tail, onEvent } = this.#log;
    if (snapshotSize === Number.POSITIVE_INFINITY || owner?.snapshot === undefined) return;
    const last = Math.max(this.snapshot?.end ?? tail(), this.#snapshotFailedAt);
    if (writtenPosition() - last < snapshotSize || this.#snapshotting !== null) return;
    this.writeSnapshot([]).catch((error: unknown) => {
      onEvent({ type: 'checkpoint-failed', why: String(error) });
      this.#snapshotFailedAt = writtenPosition();
    });
  }

  /**
   * Appends the owner's state, and makes it durable. One at a time: a call during another one waits for it and writes its own.
   *
   * @param removed - segments of which nothing is needed after it
   */
  async writeSnapshot(removed: readonly Segment[]): Promise<void> {
    await this.settled();
    this.#snapshotting = this.#writeSnapshot(removed).finally(() => {
      this.#snapshotting = null;
    });
    await this.#snapshotting;
  }

  /** Resolves when no snapshot is being written. */
  async settled(): Promise<void> {
    while (this.#snapshotting !== null) await this.#snapshotting.catch(() => {});
  }

  async #writeSnapshot(removed: readonly Segment[]): Promise<void> {
    const { owner, segments, seal, append, isReplicated } = this.#log;
    const refused = this.#log.refused();
    // Like a checkpoint, all in one turn: the state as of the snapshot's begin.
    const entries = [...(owner?.snapshot?.() ?? [])];
    seal();
    const begin = append(RecordKind.snapshotBegin, [], NO_NAME);
    const start = begin - BATCH_HEADER_SIZE;
    for (const [key, value] of entries) {
      append(RecordKind.snapshotEntry, [value], Buffer.from(key));
    }
    const former = this.snapshot;
    const releasedBytes = new Map<number, number>();
    for (const segment of segments) {
      const bytes = Math.floor(segment.releasedBytes + overlap(segment, former));
      const isNamed = isReplicated ? !removed.includes(segment) : bytes > 0;
      if (isNamed) releasedBytes.set(segment.first, bytes);
    }
    const data = encodeSnapshotEnd({ begin, count: entries.length, releasedBytes });
    append(RecordKind.snapshotEnd, [data], NO_NAME);
    const end = seal();
    await this.#log.flush();
    this.snapshot = { start, end };
    this.#madeUpFor = refused;
    for (const segment of segments) segment.releasedBytes += overlap(segment, former);
    this.#log.stats.snapshots++;
  }

  /**
   * @param head - of the log
   * @throws what doesn't hold
   */
  checkInvariants(head: number): void {
    const { position, snapshot } = this;
    invariant(position <= head, `the checkpoint is at ${position}, the head at ${head}`);
    if (snapshot !== null) {
      const { start, end } = snapshot;
      invariant(start < end && end <= head, `a snapshot from ${start} to ${end}, head ${head}`);
    }
    for (const first of this.#removedSegments) {
      const isThere = this.#log.segments.some((segment) => segment.first === first);
      invariant(!isThere, `the segment at ${first} was removed, and is there`);
    }
  }

  /** Takes a checkpoint in the background when enough has been written since the last one. */
  takeSoon(): void {
    const { writtenPosition, checkpointSize, onEvent } = this.#log;
    if (writtenPosition() - this.position < checkpointSize) return;
    if (this.#checkpointing !== null) return;
    // A checkpoint that fails is tried again with the next; the log alone is enough to recover.
    this.take().catch((error: unknown) => {
      onEvent({ type: 'checkpoint-failed', why: String(error) });
      this.position = writtenPosition();
    });
  }

  /**
   * Writes the owner's state and the streams to the index, durably. One at a time: a call during
   * another one waits for it and takes its own.
   */
  async take(): Promise<void> {
    while (this.#checkpointing !== null) await this.#checkpointing.catch(() => {});
    this.#checkpointing = this.#takeCheckpoint().finally(() => {
      this.#checkpointing = null;
    });
    await this.#checkpointing;
  }

  /** What was refused and holds all the same, an index alone would know of, and a replica would not. */
  async writeOwedSnapshot(): Promise<void> {
    if (this.#isSnapshotOwed) await this.writeSnapshot([]);
  }

  get #isSnapshotOwed(): boolean {
    const { owner, isReplicated, refused } = this.#log;
    return isReplicated && owner?.snapshot !== undefined && refused() !== this.#madeUpFor;
  }

  async #takeCheckpoint(): Promise<void> {
    const { owner, index } = this.#log;
    // Else the state is that of this turn.
    if (this.#isSnapshotOwed) await this.writeSnapshot([]);
    // All in one turn: the state holds the effects of what is before the head, and of nothing else.
    const position = this.#log.seal();
    const streams = this.#log.streams.take();
    const removedSegments = this.#removedSegments;
    this.#removedSegments = [];
    const isWhole = this.isIndexStale;
    const segments = new Map(
      this.#log.segments.map(({ first, end, recordBytes, releasedBytes, lastWriteMs }) => [
        first,
        { end, recordBytes, releasedBytes, lastWriteMs },
      ]),
    );
    const logId = this.#log.logId();
    const { snapshot } = this;
    const time = this.#log.time.mark;
    try {
      // Should it throw, changes that it had given out already would be missing in the next one.
      const entries = [...(owner?.changes(isWhole) ?? [])];
      // The index must not know of records that a power cut would take away.
      await this.#log.flush();
      await index.commit({
        logId,
        position,
        isWhole,
        segments,
        snapshot,
        time,
        entries,
        streams,
        removedSegments,
      });
      this.isIndexStale = false;
    } catch (error) {
      this.isIndexStale = true;
      for (const segment of removedSegments) this.#removedSegments.push(segment);
      this.#log.streams.putBack(streams);
      // Some of them may have been refused meanwhile.
      const refused = this.#log.refused();
      if (refused !== null) this.#log.streams.drop(refused.from, refused.to);
      throw error;
    }
    this.position = position;
    this.#log.stats.checkpoints++;
  }
}
