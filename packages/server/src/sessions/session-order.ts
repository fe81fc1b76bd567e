import { invariant } from '@promptmq/topics';

/** Entries of a block at most: taking one out moves those after it in the block, which is quick. */
const BLOCK_SIZE = 512;

/** What has a place in an order. */
export interface Ordered {
  /** Its place; 0 while it has none. */
  ordinal: number;
}

/**
 * Entries in the order in which they came. Whoever lists them a part at a time continues after the last one that it has seen,
 * whatever has come and gone meanwhile: finding the place takes a binary search, not a walk, and no change takes long, however
 * many there are.
 *
 * Invariants: ordinals grow from one entry to the next, and are never given again; no block is empty, and two neighbours have more
 * than half a block together.
 */
export class SessionOrder<E extends Ordered> {
  readonly #blocks: E[][];
  #size: number;
  #lastOrdinal: number;

  constructor() {
    this.#blocks = [];
    this.#size = 0;
    this.#lastOrdinal = 0;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts an entry last. */
  add(entry: E): void {
    entry.ordinal = ++this.#lastOrdinal;
    this.#size++;
    const last = this.#blocks.at(-1);
    if (last === undefined || last.length === BLOCK_SIZE) this.#blocks.push([entry]);
    else last.push(entry);
  }

  /** Takes an entry out; one that has no place stays without. */
  remove(entry: E): void {
    const at = this.#blockAfter(entry.ordinal - 1);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const index = firstAfter(block, entry.ordinal - 1);
    if (block[index] !== entry) return;
    block.splice(index, 1);
    entry.ordinal = 0;
    this.#size--;
    if (block.length === 0) this.#blocks.splice(at, 1);
    this.#join(at - 1);
    this.#join(at);
  }

  /** Makes one of a block and the next where both have little left. */
  #join(at: number): void {
    const block = this.#blocks[at];
    const next = this.#blocks[at + 1];
    if (block === undefined || next === undefined) return;
    if (block.length + next.length > BLOCK_SIZE / 2) return;
    for (const entry of next) block.push(entry);
    this.#blocks.splice(at + 1, 1);
  }

  /** The entries that came after the one that had this place, in order; 0 for all. Nothing may change in between. */
  *after(ordinal: number): Generator<E> {
    const first = this.#blockAfter(ordinal);
    for (let at = first; at < this.#blocks.length; at++) {
      const block = this.#blocks[at] as E[];
      const from = at === first ? firstAfter(block, ordinal) : 0;
      for (let index = from; index < block.length; index++) yield block[index] as E;
    }
  }

  /**
   * The place after which the entry with this index stands, 0 for the first. Blocks are counted, not entries: a million take some
   * microseconds.
   *
   * @returns null when there are no more than so many
   */
  placeBefore(index: number): number | null {
    let left = index;
    for (const block of this.#blocks) {
      const entry = block[left];
      if (entry !== undefined) return entry.ordinal - 1;
      left -= block.length;
    }
    return null;
  }

  /** Where the first block is that has an entry after an ordinal. */
  #blockAfter(ordinal: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle] as E[];
      if ((block[block.length - 1] as E).ordinal <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let former = 0;
    let size = 0;
    for (const [at, block] of this.#blocks.entries()) {
      const { length } = block;
      const next = this.#blocks[at + 1]?.length ?? BLOCK_SIZE;
      invariant(length > 0 && length <= BLOCK_SIZE, `a block of ${length}`);
      invariant(length + next > BLOCK_SIZE / 2, `a block of ${length} beside one of ${next}`);
      size += length;
      for (const { ordinal } of block) {
        invariant(ordinal > former, `place ${ordinal} comes after ${former}`);
        former = ordinal;
      }
    }
    invariant(former <= this.#lastOrdinal, `the place ${former} may be given again`);
    invariant(size === this.#size, `${this.#size} counted of ${size}`);
  }
}

/** Where the first entry of a block is that comes after an ordinal. */
function firstAfter(block: readonly Ordered[], ordinal: number): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((block[middle] as Ordered).ordinal <= ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}
