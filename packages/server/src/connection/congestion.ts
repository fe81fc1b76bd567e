import { invariant } from '@promptmq/topics';
import { Deadline, type DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { HeldPublisher } from './peer.ts';

/** More messages than this waiting for a subscriber, and those who publish to it are held back. */
export const CONGESTED_MESSAGES = 200;

/** How long publishers wait for a subscriber that takes nothing before it counts as stalled. */
const PATIENCE_MS = 100;

/** How long they wait for one that takes something all the while, but doesn't catch up. */
const PATIENCE_MAX_MS = 1000;

/**
 * The publishers that wait for one subscriber: they are not read from while more waits for it than is
 * good. A subscriber that is only a little slower than its publishers loses nothing this way; one that
 * doesn't catch up in time no longer holds anybody back, and its own limits decide what it loses.
 *
 * Invariant: a publisher in `#waiting` is held once; all are let go when the subscriber has caught up,
 * when patience ends, or when the subscriber is gone.
 */
export class Congestion {
  readonly #deadlines: DeadlineQueue;
  readonly #stats: Pick<BrokerStats, 'publishersHeldBack'>;
  readonly #deadline: Deadline;
  readonly #waiting: Set<HeldPublisher>;
  /** When the first of them began to wait. */
  #since: number;
  /** Whether the subscriber has taken something since the deadline was set. */
  #hasProgressed: boolean;
  /** Until the subscriber has caught up again. */
  #isStalled: boolean;

  constructor(deadlines: DeadlineQueue, stats: Pick<BrokerStats, 'publishersHeldBack'>) {
    this.#deadlines = deadlines;
    this.#stats = stats;
    this.#deadline = new Deadline((now) => this.#onDeadline(now));
    this.#waiting = new Set();
    this.#since = 0;
    this.#hasProgressed = false;
    this.#isStalled = false;
  }

  /** Holds a publisher back, unless patience with the subscriber has ended already. */
  hold(publisher: HeldPublisher, now: number): void {
    if (this.#isStalled || this.#waiting.has(publisher)) return;
    this.#waiting.add(publisher);
    this.#stats.publishersHeldBack++;
    publisher.pauseReading();
    if (this.#deadline.index !== -1) return;
    this.#since = now;
    this.#beginPatience(now);
  }

  /** The subscriber has taken something. */
  noteProgress(): void {
    this.#hasProgressed = true;
  }

  /** The subscriber has caught up, or is gone. */
  end(): void {
    this.#isStalled = false;
    this.#deadlines.cancel(this.#deadline);
    this.#letGo();
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const isForgotten = this.#waiting.size > 0 && this.#deadline.index === -1;
    invariant(!isForgotten, `${this.#waiting.size} publishers wait without an end`);
    invariant(this.#waiting.size === 0 || !this.#isStalled, 'publishers wait for who is stalled');
  }

  #beginPatience(now: number): void {
    this.#hasProgressed = false;
    this.#deadlines.schedule(this.#deadline, now + PATIENCE_MS);
  }

  #onDeadline(now: number): void {
    if (this.#hasProgressed && now - this.#since < PATIENCE_MAX_MS) {
      this.#beginPatience(now);
      return;
    }
    this.#isStalled = true;
    this.#letGo();
  }

  #letGo(): void {
    for (const publisher of this.#waiting) publisher.resumeReading();
    this.#waiting.clear();
  }
}
