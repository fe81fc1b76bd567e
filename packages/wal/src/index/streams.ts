import { PairList } from '../format/pair-list.ts';
import { invariant } from '../invariant.ts';

/** Pairs of a record's position and its origin, by stream name as latin1. */
type Names = Map<string, PairList>;

/**
 * Which records belong to which streams: what the index hasn't been given yet, by segment.
 *
 * Invariant: the positions of a stream grow, and lie in their segment.
 */
export class Streams {
  #segments: Map<number, Names> = new Map();

  note(segment: number, name: string, position: number, origin: number): void {
    let names = this.#segments.get(segment);
    if (names === undefined) {
      names = new Map();
      this.#segments.set(segment, names);
    }
    let pairs = names.get(name);
    if (pairs === undefined) {
      pairs = new PairList(name);
      names.set(name, pairs);
    }
    pairs.push(position, origin);
  }

  pairs(segment: number, name: string): readonly number[] {
    return this.#segments.get(segment)?.get(name)?.toArray() ?? [];
  }

  forget(segment: number): void {
    this.#segments.delete(segment);
  }

  /** Forgets all other segments. */
  keepOnly(segments: ReadonlySet<number>): void {
    for (const first of this.#segments.keys()) {
      if (!segments.has(first)) this.#segments.delete(first);
    }
  }

  /** Forgets the records between two positions: they were refused. */
  drop(from: number, to: number): void {
    for (const [segment, names] of this.#segments) {
      this.#segments.set(segment, new Map());
      for (const [name, list] of names) {
        this.#noteAll(segment, name, list, (position) => position < from || position >= to);
      }
    }
  }

  /** Hands over everything, for the index. */
  take(): Map<number, Names> {
    const taken = this.#segments;
    this.#segments = new Map();
    return taken;
  }

  /** Takes back what the index could not be given: it comes before what has been noted since. */
  putBack(taken: ReadonlyMap<number, Names>): void {
    const newer = this.#segments;
    this.#segments = new Map(taken);
    for (const [segment, names] of newer) {
      for (const [name, list] of names) this.#noteAll(segment, name, list);
    }
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    for (const [segment, names] of this.#segments) {
      for (const [name, list] of names) {
        let last = segment;
        const pairs = list.toArray();
        for (let index = 0; index < pairs.length; index += 2) {
          const position = pairs[index] as number;
          const origin = pairs[index + 1] as number;
          invariant(position > last, `${name} has ${position} after ${last}`);
          invariant(origin <= position, `${name} has ${position}, which comes from ${origin}`);
          last = position;
        }
      }
    }
  }

  #noteAll(
    segment: number,
    name: string,
    list: PairList,
    isWanted: (position: number) => boolean = () => true,
  ): void {
    const pairs = list.toArray();
    for (let index = 0; index < pairs.length; index += 2) {
      const position = pairs[index] as number;
      if (isWanted(position)) this.note(segment, name, position, pairs[index + 1] as number);
    }
  }
}

export function streamKey(stream: Uint8Array): string {
  return Buffer.from(stream.buffer, stream.byteOffset, stream.length).toString('latin1');
}

/**
 * Positions in the order in which the records were first appended.
 *
 * @param lists - pairs of position and origin, in the order of the positions but for repetitions
 */
export function positionsInOrder(lists: Iterable<readonly number[]>): number[] {
  const positions: number[] = [];
  const origins: number[] = [];
  let isMoved = false;
  let last = -1;
  for (const pairs of lists) {
    for (let index = 0; index < pairs.length; index += 2) {
      const position = pairs[index] as number;
      // What was replayed at open may be known to the index already.
      if (position <= last) continue;
      const origin = pairs[index + 1] as number;
      positions.push(position);
      origins.push(origin);
      if (position !== origin) isMoved = true;
      last = position;
    }
  }
  if (!isMoved) return positions;
  // Of a record that compaction has copied, the copy counts.
  const byOrigin = new Map<number, number>();
  for (let index = 0; index < positions.length; index++) {
    byOrigin.set(origins[index] as number, positions[index] as number);
  }
  return [...byOrigin].sort(([a], [b]) => a - b).map(([, position]) => position);
}
