/**
 * A histogram in plain numbers: `observe` is a few comparisons and three additions.
 *
 * Invariant: `counts` has one entry more than `bounds`, for what is above the last; their sum is the
 * number of observations.
 */
export class BucketHistogram {
  /** Upper bounds of the buckets, inclusive and ascending. */
  readonly bounds: readonly number[];
  /** Observations by bucket, each counted once. */
  readonly counts: number[];
  sum: number;

  /** @throws {TypeError} when the bounds are not finite and ascending */
  constructor(bounds: readonly number[]) {
    for (let index = 0; index < bounds.length; index++) {
      const previous = index === 0 ? Number.NEGATIVE_INFINITY : (bounds[index - 1] as number);
      const bound = bounds[index] as number;
      if (!(Number.isFinite(bound) && bound > previous)) {
        throw new TypeError(`bucket bounds must be finite and ascending: ${bounds.join(', ')}`);
      }
    }
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
    this.sum = 0;
  }

  /** Counts a value; NaN is left out. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index++;
    (counts[index] as number)++;
    this.sum += value;
  }

  /** Number of observations. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}

/** Upper bounds that grow by a factor: `first`, `first * factor`, … */
export function exponentialBounds(first: number, factor: number, count: number): number[] {
  // Rounded to 12 digits, so that 0.0001 * 10 * 10 is 0.01.
  return Array.from({ length: count }, (_, index) =>
    Number((first * factor ** index).toPrecision(12)),
  );
}
