import { invariant } from '../invariant.ts';
import type { Files } from '../ports/files.ts';
import { type Segment, segmentAt } from './segment.ts';

/** Files of segments that may be open at once, and those that have still to be written to. */
const OPEN_MAX = 4;

/**
 * The segments of a log that is in use, and their files.
 *
 * Invariant: they are in the order of their positions, without overlap; only the last one is appended to.
 */
export class Segments {
  /** Shared with those who append to it: it stays the same array. */
  readonly list: Segment[];
  readonly #files: Files;
  readonly #directory: string;

  constructor(files: Files, directory: string, list: Segment[]) {
    this.#files = files;
    this.#directory = directory;
    this.list = list;
  }

  get last(): Segment | undefined {
    return this.list.at(-1);
  }

  /** Bytes of all of them, from the first position of each to its end. */
  get size(): number {
    let size = 0;
    for (const segment of this.list) size += segment.size;
    return size;
  }

  /** The one that holds a position; null when none does. */
  at(position: number): Segment | null {
    return segmentAt(this.list, position);
  }

  /**
   * Closes files: of segments that are only read, few stay open, as a process has few descriptors, and a log many segments.
   *
   * @param durable - what lies before this position needs no sync
   */
  closeUnused(durable: number): void {
    const last = this.list.length - 1;
    let open = 0;
    for (const segment of this.list) if (segment.file !== null) open++;
    for (let index = 0; index < last && open > OPEN_MAX; index++) {
      const segment = this.list[index] as Segment;
      if (segment.end <= durable && segment.closeIfIdle()) open--;
    }
  }

  /**
   * Unlinks segments of which nothing is needed; durable when it resolves.
   *
   * @param forget - called for each, when it has left the list, before anything is unlinked
   * @param onRemoved - called for each, when it has been unlinked
   */
  async remove(
    segments: readonly Segment[],
    forget: (segment: Segment) => void,
    onRemoved: (segment: Segment) => void,
  ): Promise<void> {
    for (const segment of segments) {
      const index = this.list.indexOf(segment);
      if (index === -1) continue;
      this.list.splice(index, 1);
      forget(segment);
    }
    for (const segment of segments) {
      await segment.close();
      await this.#files.remove(segment.path);
      onRemoved(segment);
    }
    if (segments.length > 0) await this.#files.syncDirectory(this.#directory);
  }

  async close(): Promise<void> {
    for (const segment of this.list) await segment.close();
  }

  /**
   * @param gathered - bytes of records that count for the last segment, and are not in it yet
   * @throws what doesn't hold
   */
  checkInvariants(gathered: number): void {
    let end = 0;
    for (const segment of this.list) {
      const { first, path } = segment;
      invariant(first >= end, `${path} begins at ${first}, the one before it ends at ${end}`);
      segment.checkInvariants(segment === this.last ? gathered : 0);
      end = segment.end;
    }
  }
}
