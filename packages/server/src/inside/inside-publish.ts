import type { Message } from '@promptmq/session';
import type { HeldPublisher } from '../connection/peer.ts';

/** What became of a message that the program published in which the broker is embedded. */
export interface InsidePublished {
  /** 0 (Success), or 16 (No matching subscribers). */
  readonly reasonCode: number;
  /** How many subscriptions it matched: sessions, and groups of shared subscriptions. */
  readonly matched: number;
  /** Where its record is in the log; null where nothing had to be written. */
  readonly position: number | null;
}

/**
 * One message of the program from `publish` until it is told what has become of it: that is when the record is committed,
 * and no recipient that is behind holds it back any more.
 *
 * Invariant: it is settled once.
 */
export class InsidePublish implements HeldPublisher {
  readonly message: Message;
  /** Bytes that are held for it. */
  readonly size: number;
  readonly receivedAt: number;
  readonly #settled: () => void;
  readonly #resolve: (published: InsidePublished) => void;
  readonly #reject: (error: Error) => void;
  /** By how many recipients it is held back. */
  #holds: number;
  /** Set when its record is committed. */
  #published: InsidePublished | null;
  #isSettled: boolean;

  /** @param settled - called before the program is told */
  constructor(
    message: Message,
    size: number,
    receivedAt: number,
    resolve: (published: InsidePublished) => void,
    reject: (error: Error) => void,
    settled: (publish: InsidePublish) => void,
  ) {
    this.message = message;
    this.size = size;
    this.receivedAt = receivedAt;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#settled = () => settled(this);
    this.#holds = 0;
    this.#published = null;
    this.#isSettled = false;
  }

  pauseReading(): void {
    this.#holds++;
  }

  resumeReading(): void {
    this.#holds--;
    this.#settleIfDone();
  }

  /** Its record is committed, or it has none. */
  commit(published: InsidePublished): void {
    this.#published = published;
    this.#settleIfDone();
  }

  refuse(error: Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled();
    this.#reject(error);
  }

  #settleIfDone(): void {
    if (this.#published === null || this.#holds > 0 || this.#isSettled) return;
    this.#isSettled = true;
    this.#settled();
    this.#resolve(this.#published);
  }
}
