import type { Rate } from '../../config/index.ts';
import { RateBucket } from '../../limits/rates/rate-bucket.ts';

/** Keys and addresses whose requests are counted: beyond, the one that was quiet longest has all of its rate again. */
const TRACKED_MAX = 10_000;

/**
 * How many requests come from whom. Who sends more than the rate is refused, and told when to come again.
 *
 * Invariant: buckets are in the order in which they were used last, and `TRACKED_MAX` at most.
 */
export class RequestRates {
  readonly #rate: () => Rate | null;
  readonly #now: () => number;
  readonly #buckets: Map<string, RateBucket>;

  /**
   * @param rate - live; null: nothing is limited
   * @param now - milliseconds
   */
  constructor(rate: () => Rate | null, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#buckets = new Map();
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Counts a request; the seconds after which to come again when it is one too many, and doesn't count; else 0. */
  take(who: string): number {
    const bucket = this.#bucketOf(who);
    if (bucket === null || bucket.take(this.#now())) return 0;
    return secondsOf(bucket.rate);
  }

  /** As `take`, but nothing is counted. */
  ask(who: string): number {
    const bucket = this.#bucketOf(who);
    const isFree = bucket === null || bucket.use(0, 1, this.#now()) === 0;
    return isFree ? 0 : secondsOf(bucket.rate);
  }

  #bucketOf(who: string): RateBucket | null {
    const rate = this.#rate();
    if (rate === null) return null;
    let bucket = this.#buckets.get(who);
    this.#buckets.delete(who);
    if (bucket === undefined || !isSame(bucket.rate, rate)) bucket = new RateBucket(rate);
    this.#buckets.set(who, bucket);
    for (const [oldest] of this.#buckets) {
      if (this.#buckets.size <= TRACKED_MAX) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}

/** After this time there is one again. */
function secondsOf({ amount, periodMs }: Rate): number {
  return Math.ceil(periodMs / amount / 1000);
}

function isSame(a: Rate, b: Rate): boolean {
  return a.amount === b.amount && a.periodMs === b.periodMs;
}
