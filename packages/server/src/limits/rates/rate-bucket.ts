import type { Rate } from '../../config/index.ts';

/** However short it would be, a client isn't read from for this long, in milliseconds: to begin and end that costs more than a message. */
const WAIT_MIN_MS = 20;

/** And that part of the time in which all of a rate becomes free again: so nothing of it is lost by waiting. */
const WAIT_MIN_PART = 10;

/**
 * What of a rate is left: all of it at first, and what was used becomes free again evenly. It is one number: when it
 * will be full again.
 *
 * More can be used than is left, as what has come has come: whoever uses it then waits for as long as that takes to become free. So
 * those who share a bucket wait one after the other, and all together get what the rate says.
 */
export class RateBucket {
  readonly rate: Rate;
  /** Milliseconds of the broker's time. */
  #fullAt: number;

  constructor(rate: Rate) {
    this.rate = rate;
    this.#fullAt = Number.NEGATIVE_INFINITY;
  }

  isFull(now: number): boolean {
    return this.#fullAt <= now;
  }

  /**
   * Uses some of it.
   *
   * @param next - what whoever uses it needs next: 1 of what is counted singly, 0 of what isn't known before it has come
   * @returns how many milliseconds it is to wait before that; 0 when it need not
   */
  use(amount: number, next: number, now: number): number {
    const { periodMs } = this.rate;
    this.#fullAt = Math.max(this.#fullAt, now) + amount * this.#msEach;
    const waitMs = this.#fullAt - now + next * this.#msEach - periodMs;
    // A division may leave a trace of what is there exactly.
    if (waitMs < 1e-6) return 0;
    return Math.max(waitMs, Math.min(WAIT_MIN_MS, periodMs / WAIT_MIN_PART));
  }

  /** Uses one if there is one. */
  take(now: number): boolean {
    const fullAt = Math.max(this.#fullAt, now) + this.#msEach;
    if (fullAt - now > this.rate.periodMs + 1e-6) return false;
    this.#fullAt = fullAt;
    return true;
  }

  get #msEach(): number {
    return this.rate.periodMs / this.rate.amount;
  }
}
