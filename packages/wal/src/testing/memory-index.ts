import type { SnapshotRange } from '../format/snapshot.ts';
import type {
  Checkpoint,
  CheckpointChange,
  CheckpointStore,
  SegmentState,
  TimeMark,
} from '../ports/checkpoint-store.ts';

/** A checkpoint in memory that outlives the log that uses it, as one on a disk would: for `LogOptions.index`. */
export class MemoryIndex implements CheckpointStore {
  #logId: string | null = null;
  #position = 0;
  #segments: ReadonlyMap<number, SegmentState> = new Map();
  #snapshot: SnapshotRange | null = null;
  #time: TimeMark | null = null;
  #entries = new Map<string, Buffer>();
  #streams = new Map<number, Map<string, number[]>>();
  /** Awaited before a commit takes effect: a crash meanwhile leaves the checkpoint before it. */
  delay: () => Promise<void> = async () => {};
  #isDead = false;
  /** How often it was found to be another log's. */
  timesSetAside = 0;

  open(): void {}

  load(): Checkpoint {
    return {
      logId: this.#logId,
      position: this.#position,
      segments: this.#segments,
      snapshot: this.#snapshot,
      time: this.#time,
      entries: [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)),
    };
  }

  async setAside(): Promise<string> {
    this.#logId = null;
    this.#position = 0;
    this.#segments = new Map();
    this.#snapshot = null;
    this.#time = null;
    this.#entries.clear();
    this.#streams.clear();
    this.timesSetAside++;
    return 'nowhere';
  }

  async commit(change: CheckpointChange): Promise<void> {
    await this.delay();
    if (this.#isDead) await new Promise<never>(() => {});
    if (change.isWhole) this.#entries.clear();
    for (const [key, value] of change.entries) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, Buffer.from(value));
    }
    for (const [segment, names] of change.streams) {
      const known = this.#streams.get(segment) ?? new Map<string, number[]>();
      this.#streams.set(segment, known);
      for (const [name, pairs] of names) {
        known.set(name, [...(known.get(name) ?? []), ...pairs.toArray()]);
      }
    }
    for (const segment of change.removedSegments) this.#streams.delete(segment);
    this.#logId = change.logId;
    this.#position = change.position;
    this.#segments = new Map(change.segments);
    this.#snapshot = change.snapshot;
    this.#time = change.time;
  }

  streamPairs(segment: number, stream: Uint8Array): number[] {
    return this.#streams.get(segment)?.get(Buffer.from(stream).toString('latin1')) ?? [];
  }

  async close(): Promise<void> {}

  /** What the next process finds; commits that are under way never happen. */
  crash(): MemoryIndex {
    this.#isDead = true;
    return this.copy();
  }

  /** An independent one, as it is now. */
  copy(): MemoryIndex {
    const next = new MemoryIndex();
    next.#logId = this.#logId;
    next.#position = this.#position;
    next.#segments = this.#segments;
    next.#snapshot = this.#snapshot;
    next.#time = this.#time;
    next.#entries = new Map(this.#entries);
    next.#streams = new Map(
      [...this.#streams].map(([segment, names]) => [
        segment,
        new Map([...names].map(([name, positions]) => [name, [...positions]])),
      ]),
    );
    return next;
  }
}
