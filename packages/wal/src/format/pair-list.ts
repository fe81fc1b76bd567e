import { decodePairs, encodePairs } from './stream-pairs.ts';

/** How many pairs are kept as numbers; before there are more, they are encoded. */
const PLAIN_MAX = 512;

/**
 * Pairs of position and origin of one stream's records in one segment, in the order of the positions. Long
 * lists are kept as the index has them: as numbers they would take several times the memory, and leave
 * large arrays for the garbage collector as they grow.
 */
export class PairList {
  readonly #name: string;
  /** Position of the first pair and bytes of each list that is encoded; null while there is none. */
  #encoded: (readonly [first: number, bytes: Buffer])[] | null;
  /** What comes after them: positions and origins, one after the other. */
  #plain: number[];

  /** @param name - of the stream, as latin1 */
  constructor(name: string) {
    this.#name = name;
    this.#encoded = null;
    this.#plain = [];
  }

  push(position: number, origin: number): void {
    if (this.#plain.length >= 2 * PLAIN_MAX) {
      this.#encoded ??= [];
      this.#encoded.push(this.#encode());
      this.#plain = [];
    }
    this.#plain.push(position, origin);
  }

  /** All pairs: positions and origins, one after the other. */
  toArray(): number[] {
    const pairs: number[] = [];
    for (const [, bytes] of this.#encoded ?? []) {
      for (const number of decodePairs(this.#name, bytes)) pairs.push(number);
    }
    for (const number of this.#plain) pairs.push(number);
    return pairs;
  }

  /** The whole list as one or more that are encoded, each with the position of its first pair. */
  *encoded(): Generator<readonly [first: number, bytes: Buffer]> {
    if (this.#encoded !== null) yield* this.#encoded;
    if (this.#plain.length > 0) yield this.#encode();
  }

  #encode(): readonly [first: number, bytes: Buffer] {
    return [this.#plain[0] as number, encodePairs(this.#name, this.#plain)];
  }
}
