import type { KeptEntry } from './entry.ts';

/**
 * Entries in the order in which they were made; those that are gone stay in it until there are many.
 *
 * Invariant: `length` is the number of those that are not gone.
 */
export class EntryList {
  length: number;
  #entries: KeptEntry[];
  /** Where the first one may be. */
  #head: number;

  constructor() {
    this.length = 0;
    this.#entries = [];
    this.#head = 0;
  }

  push(entry: KeptEntry): void {
    this.#entries.push(entry);
    this.length++;
  }

  /** The oldest; undefined when there is none. */
  peek(): KeptEntry | undefined {
    while (this.#entries[this.#head]?.isGone === true) this.#head++;
    return this.#entries[this.#head];
  }

  /** One of them has gone. */
  onGone(): void {
    this.length--;
    if (this.#entries.length < 64 || this.length * 2 > this.#entries.length) return;
    this.#entries = this.#entries.filter(({ isGone }) => !isGone);
    this.#head = 0;
  }

  /** The newest first. */
  *newestFirst(): Generator<KeptEntry> {
    for (let index = this.#entries.length - 1; index >= this.#head; index--) {
      const entry = this.#entries[index] as KeptEntry;
      if (!entry.isGone) yield entry;
    }
  }
}
