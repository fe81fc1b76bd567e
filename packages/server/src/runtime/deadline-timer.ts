import { invariant } from '@promptmq/topics';
import type { DeadlineQueue } from './deadline-queue.ts';
import type { Runtime } from './runtime.ts';

/**
 * The one timer that all deadlines of a broker share.
 *
 * Invariant: it goes off no later than the earliest deadline.
 */
export class DeadlineTimer {
  readonly #deadlines: DeadlineQueue;
  readonly #runtime: Runtime;
  /** When it goes off; Infinity while it isn't set, -Infinity when it isn't to be set any more. */
  #at: number;
  #cancel: () => void;

  constructor(deadlines: DeadlineQueue, runtime: Runtime) {
    this.#deadlines = deadlines;
    this.#runtime = runtime;
    this.#at = Number.POSITIVE_INFINITY;
    this.#cancel = () => {};
    deadlines.onEarlier = () => this.#arm();
    this.#arm();
  }

  /** Makes sure that it goes off at the earliest deadline. */
  #arm(): void {
    const at = this.#deadlines.nextAt;
    if (at >= this.#at) return;
    this.#cancel();
    this.#at = at;
    const delayMs = Math.max(0, Math.ceil(at - this.#runtime.now()));
    this.#cancel = this.#runtime.setTimer(delayMs, () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#deadlines.runDue(this.#runtime.now());
      this.#arm();
    });
  }

  /** The clock continues at another time than it was armed by. */
  rearm(): void {
    if (this.#at === Number.NEGATIVE_INFINITY) return;
    this.#cancel();
    this.#at = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  /** @throws {Error} when it would go off too late; for tests */
  checkInvariants(): void {
    invariant(this.#at <= this.#deadlines.nextAt, `${this.#at} is after ${this.#deadlines.nextAt}`);
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#cancel();
    this.#at = Number.NEGATIVE_INFINITY;
  }
}
