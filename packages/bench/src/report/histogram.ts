/** Steps of each power of two: a value is known to 1/128 of itself, 0.8 %. */
const STEP_BITS = 7;
const STEPS = 1 << STEP_BITS;
const VALUE_MAX = 0xffff_ffff;
const BUCKET_COUNT = (32 - STEP_BITS + 1) * STEPS;

/** Percentiles of a distribution, in the unit of what was recorded. */
export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * Counts values by size in log-linear buckets: exact below 256, to 0.8 % above. It has a fixed size, and
 * recording makes no object.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** @param value - an integer from 0 to 4,294,967,295; what is beyond counts as the nearest of these */
  record(value: number): void {
    const clamped = value < 0 ? 0 : value > VALUE_MAX ? VALUE_MAX : value;
    const bucket = bucketOf(clamped);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sum += clamped;
    if (clamped > this.#max) this.#max = clamped;
  }

  /**
   * The smallest recorded size that this percentage of the values does not exceed; 0 when there are none.
   *
   * @param percent - 0 to 100
   */
  percentile(percent: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#count - 1e-9));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return Math.min(this.#max, highestOf(bucket));
    }
    return this.#max;
  }

  percentiles(): Percentiles {
    return {
      count: this.#count,
      mean: this.mean,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      max: this.#max,
    };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value | 0;
  const exponent = 31 - Math.clz32(value);
  return (exponent - STEP_BITS) * STEPS + (value >>> (exponent - STEP_BITS));
}

/** The largest value that counts in a bucket. */
function highestOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  return ((bucket % STEPS) + STEPS + 1) * 2 ** shift - 1;
}
