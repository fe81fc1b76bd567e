import { invariant } from '@promptmq/topics';

/** So many places of entries that are gone are kept at most before others move up, beside as many as there are entries. */
const GONE_MAX = 1000;

/** What has a place in an order. */
export interface Ordered {
  /** Its place; 0 while it has none. */
  ordinal: number;
}

/**
 * Entries in the order in which they came. Whoever lists them a part at a time continues after the last one that it has seen,
 * whatever has come and gone meanwhile: finding the place takes a binary search, not a walk.
 *
 * Invariants: ordinals grow from one entry to the next and are never given again; at most half of the places, and 1,000
 * more, are those of entries that are gone.
 */
export class SessionOrder<E extends Ordered> {
  /** Rising. */
  #ordinals: number[];
  /** null for one that is gone. */
  #entries: (E | null)[];
  #goneCount: number;
  #lastOrdinal: number;

  constructor() {
    this.#ordinals = [];
    this.#entries = [];
    this.#goneCount = 0;
    this.#lastOrdinal = 0;
  }

  get size(): number {
    return this.#entries.length - this.#goneCount;
  }

  /** Puts an entry last. */
  add(entry: E): void {
    entry.ordinal = ++this.#lastOrdinal;
    this.#ordinals.push(entry.ordinal);
    this.#entries.push(entry);
  }

  /** Takes an entry out; one that has no place stays without. */
  remove(entry: E): void {
    const index = this.#firstAfter(entry.ordinal - 1);
    if (this.#entries[index] !== entry) return;
    this.#entries[index] = null;
    entry.ordinal = 0;
    this.#goneCount++;
    if (this.#goneCount > this.size + GONE_MAX) this.#moveUp();
  }

  /** The entries that came after the one that had this place, in order; 0 for all. Nothing may change in between. */
  *after(ordinal: number): Generator<E> {
    for (let index = this.#firstAfter(ordinal); index < this.#entries.length; index++) {
      const entry = this.#entries[index] as E | null;
      if (entry !== null) yield entry;
    }
  }

  /** Where the first place after an ordinal is. */
  #firstAfter(ordinal: number): number {
    let low = 0;
    let high = this.#ordinals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ordinals[middle] as number) <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #moveUp(): void {
    const entries = this.#entries.filter((entry) => entry !== null);
    this.#entries = entries;
    this.#ordinals = entries.map(({ ordinal }) => ordinal);
    this.#goneCount = 0;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let former = 0;
    let count = 0;
    for (const [index, ordinal] of this.#ordinals.entries()) {
      invariant(ordinal > former, `place ${ordinal} comes after ${former}`);
      former = ordinal;
      const entry = this.#entries[index] as E | null;
      if (entry === null) continue;
      count++;
      invariant(entry.ordinal === ordinal, `what is at ${ordinal} has the place ${entry.ordinal}`);
    }
    invariant(former <= this.#lastOrdinal, `the place ${former} may be given again`);
    invariant(count === this.size, `${this.size} counted of ${count}`);
    invariant(this.#goneCount <= count + GONE_MAX, `${this.#goneCount} places of what is gone`);
  }
}
