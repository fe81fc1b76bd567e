import { BucketHistogram, exponentialBounds } from '@promptmq/metrics/histogram';
import type { LogStats } from '@promptmq/wal';

/** Milliseconds: 10 µs to 13 s, each a quarter more than the one before. */
const BOUNDS = exponentialBounds(0.01, 1.25, 64);

/** How long the syncs of a log took since `begin`. It joins whoever else is told of them. */
export class SyncWindow {
  readonly #stats: LogStats;
  #durations: BucketHistogram;
  #maxMs: number;
  readonly #former: LogStats['onSync'];
  readonly #own: NonNullable<LogStats['onSync']>;

  constructor(stats: LogStats) {
    this.#stats = stats;
    this.#durations = new BucketHistogram(BOUNDS);
    this.#maxMs = 0;
    this.#former = stats.onSync;
    this.#own = (durationMs, records) => {
      this.#former?.(durationMs, records);
      this.#durations.observe(durationMs);
      if (durationMs > this.#maxMs) this.#maxMs = durationMs;
    };
    stats.onSync = this.#own;
  }

  /** Milliseconds within which 99 of 100 were done, at most a quarter too high; 0 where there was none. */
  get p99Ms(): number {
    const { counts, count } = this.#durations;
    let left = Math.ceil(0.99 * count);
    if (left === 0) return 0;
    for (const [index, bound] of BOUNDS.entries()) {
      left -= counts[index] as number;
      if (left <= 0) return Math.min(bound, this.#maxMs);
    }
    return this.#maxMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  begin(): void {
    this.#durations = new BucketHistogram(BOUNDS);
    this.#maxMs = 0;
  }

  /** Nothing is told any more. */
  stop(): void {
    if (this.#stats.onSync === this.#own) this.#stats.onSync = this.#former;
  }
}
