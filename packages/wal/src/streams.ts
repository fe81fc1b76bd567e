/** Pairs of a record's position and its origin, one after the other, by stream name as latin1. */
type Names = Map<string, number[]>;

/**
 * Which records belong to which streams: what the index hasn't been given yet, by segment.
 */
export class Streams {
  #segments: Map<number, Names> = new Map();

  note(segment: number, name: string, position: number, origin: number): void {
    let names = this.#segments.get(segment);
    if (names === undefined) {
      names = new Map();
      this.#segments.set(segment, names);
    }
    const pairs = names.get(name);
    if (pairs === undefined) names.set(name, [position, origin]);
    else pairs.push(position, origin);
  }

  pairs(segment: number, name: string): readonly number[] {
    return this.#segments.get(segment)?.get(name) ?? [];
  }

  forget(segment: number): void {
    this.#segments.delete(segment);
  }

  /** Forgets the records between two positions: they were refused. */
  drop(from: number, to: number): void {
    for (const names of this.#segments.values()) {
      for (const [name, pairs] of names) {
        const left: number[] = [];
        for (let index = 0; index < pairs.length; index += 2) {
          const position = pairs[index] as number;
          if (position < from || position >= to) left.push(position, pairs[index + 1] as number);
        }
        if (left.length === 0) names.delete(name);
        else names.set(name, left);
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
    for (const [segment, names] of taken) {
      const newer = this.#segments.get(segment);
      if (newer === undefined) {
        this.#segments.set(segment, names);
        continue;
      }
      for (const [name, pairs] of names) {
        newer.set(name, pairs.concat(newer.get(name) ?? []));
      }
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
