/** Random numbers that a seed determines (mulberry32). */
export class Random {
  #state: number;

  /** @param seed - a whole number; what it determines stays the same from one version to the next */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True as often as `probability`, from 0 to 1, says. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several, each as likely; `items` isn't empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
