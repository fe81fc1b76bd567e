import { invariant, TextMap } from '@promptmq/topics';

/** One of the keys that are followed. */
export interface Hitter {
  readonly key: string;
  /** At least what was added for it, and at most `error` more. */
  readonly weight: number;
  /** By how much the weight can be too high. */
  readonly error: number;
  /** What was added beside the weight since the key has been followed: at most all of it. */
  readonly other: number;
  /** Of the weight as an estimate, where what was added stood for more than was seen. */
  readonly variance: number;
}

/**
 * The keys with most weight, in memory that doesn't grow (Metwally, Agrawal, El Abbadi: Space-Saving, 2005). A key that isn't followed
 * takes the place of the one with the least weight, and inherits that as its error.
 *
 * Invariants: the weights add up to everything that was added. A key that has more than `total / capacity` is followed; its true weight is between
 * `weight - error` and `weight`; one that isn't followed has at most `floor`. `#heap` is a heap by weight, the least first.
 */
export class HeavyHitters {
  readonly #capacity: number;
  /** Where a key is in the arrays. */
  readonly #slots: TextMap<number>;
  readonly #keys: string[];
  readonly #weights: Float64Array;
  readonly #errors: Float64Array;
  readonly #others: Float64Array;
  readonly #variances: Float64Array;
  /** Slots as a heap, and for each slot its place there. */
  readonly #heap: Int32Array;
  readonly #places: Int32Array;
  #total: number;

  /** @param capacity - keys that are followed */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#slots = new TextMap();
    this.#keys = [];
    this.#weights = new Float64Array(capacity);
    this.#errors = new Float64Array(capacity);
    this.#others = new Float64Array(capacity);
    this.#variances = new Float64Array(capacity);
    this.#heap = new Int32Array(capacity);
    this.#places = new Int32Array(capacity);
    this.#total = 0;
  }

  /** Everything that was added. */
  get total(): number {
    return this.#total;
  }

  /** What a key that isn't followed can have at most. */
  get floor(): number {
    if (this.#keys.length < this.#capacity) return 0;
    return this.#weights[this.#heap[0] as number] as number;
  }

  /**
   * @param weight - above 0
   * @param other - see `Hitter`
   * @param variance - of the weight; 0 when it is exact
   */
  add(key: string, weight: number, other: number, variance: number): void {
    this.#total += weight;
    const known = this.#slots.get(key);
    if (known !== undefined) {
      (this.#weights[known] as number) += weight;
      (this.#others[known] as number) += other;
      (this.#variances[known] as number) += variance;
      this.#sink(this.#places[known] as number);
      return;
    }
    const slot = this.#keys.length < this.#capacity ? this.#take(key) : this.#replace(key);
    (this.#weights[slot] as number) += weight;
    this.#others[slot] = other;
    this.#variances[slot] = variance;
    this.#sink(this.#places[slot] as number);
  }

  /** What is known of a key; null when it isn't followed. */
  find(key: string): Hitter | null {
    const slot = this.#slots.get(key);
    return slot === undefined ? null : this.#hitterAt(slot);
  }

  /** All that are followed, in any order. */
  *all(): Generator<Hitter> {
    for (let slot = 0; slot < this.#keys.length; slot++) yield this.#hitterAt(slot);
  }

  clear(): void {
    this.#slots.clear();
    this.#keys.length = 0;
    for (const row of [this.#weights, this.#errors, this.#others, this.#variances]) row.fill(0);
    this.#total = 0;
  }

  #hitterAt(slot: number): Hitter {
    return {
      key: this.#keys[slot] as string,
      weight: this.#weights[slot] as number,
      error: this.#errors[slot] as number,
      other: this.#others[slot] as number,
      variance: this.#variances[slot] as number,
    };
  }

  /** A place that nobody has had, at the end of the heap: its weight is 0, so it may have to rise. */
  #take(key: string): number {
    const slot = this.#keys.length;
    this.#keys.push(key);
    this.#slots.set(key, slot);
    let place = slot;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      this.#put(place, this.#heap[parent] as number);
      place = parent;
    }
    this.#put(0, slot);
    return slot;
  }

  #replace(key: string): number {
    const slot = this.#heap[0] as number;
    this.#slots.delete(this.#keys[slot] as string);
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#errors[slot] = this.#weights[slot] as number;
    return slot;
  }

  /** Moves a slot down until none below it has less weight. */
  #sink(start: number): void {
    const slot = this.#heap[start] as number;
    const weight = this.#weights[slot] as number;
    const count = this.#keys.length;
    let place = start;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#weightAt(child + 1) < this.#weightAt(child)) child++;
      if (this.#weightAt(child) >= weight) break;
      this.#put(place, this.#heap[child] as number);
      place = child;
    }
    this.#put(place, slot);
  }

  #weightAt(place: number): number {
    return this.#weights[this.#heap[place] as number] as number;
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#places[slot] = place;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const count = this.#keys.length;
    invariant(this.#slots.size === count, `${this.#slots.size} keys found of ${count}`);
    let sum = 0;
    for (let place = 0; place < count; place++) {
      const slot = this.#heap[place] as number;
      invariant(this.#places[slot] === place, `slot ${slot} is not where it is looked for`);
      invariant(
        this.#slots.get(this.#keys[slot] as string) === slot,
        `slot ${slot} has another key`,
      );
      const parent = (place - 1) >> 1;
      invariant(place === 0 || this.#weightAt(parent) <= this.#weightAt(place), 'no heap');
      sum += this.#weights[slot] as number;
    }
    invariant(Math.abs(sum - this.#total) <= 1e-9 * this.#total, `${sum} of ${this.#total}`);
  }
}
