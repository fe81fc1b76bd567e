const MINUTE_MS = 60_000;
const MINUTES = [1, 5, 15] as const;

/** Names of the averages, in their order. */
export const LOAD_PERIODS = MINUTES.map((minutes) => `${minutes}min`);

/**
 * How much a counter grew a minute, as exponentially weighted averages over 1, 5 and 15 minutes: what
 * is older than a period counts for less than 37 % of it.
 */
export class LoadAverage {
  readonly #averages: number[];
  #total: number;

  /** @param total - the counter's value now */
  constructor(total = 0) {
    this.#averages = MINUTES.map(() => 0);
    this.#total = total;
  }

  /**
   * Takes the counter's value in.
   *
   * @param elapsedMs - since it was taken in before; at 0 nothing changes
   * @returns the averages, by the minute, in the order of LOAD_PERIODS
   */
  update(total: number, elapsedMs: number): readonly number[] {
    if (elapsedMs <= 0) return this.#averages;
    const rate = ((total - this.#total) * MINUTE_MS) / elapsedMs;
    this.#total = total;
    for (let index = 0; index < MINUTES.length; index++) {
      const weight = Math.exp(-elapsedMs / (MINUTE_MS * (MINUTES[index] as number)));
      this.#averages[index] = weight * (this.#averages[index] as number) + (1 - weight) * rate;
    }
    return this.#averages;
  }
}
