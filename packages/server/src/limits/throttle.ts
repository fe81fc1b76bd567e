import { invariant } from '@promptmq/topics';
import { Deadline, type DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Faulty } from '../runtime/faults.ts';
import type { RateAccount } from './rates/keyed-rates.ts';
import type { RateBucket } from './rates/rate-bucket.ts';

/** Is notified of what a client has sent when that was processed, and may have the rest wait. */
export interface PacketThrottle {
  afterMessage(): void;
  /** @param filters - how many a SUBSCRIBE had */
  afterSubscribe(filters: number): void;
}

/** What a throttle sees of its connection. */
export interface ThrottledConnection extends Faulty {
  /** When the bytes came that are processed now; milliseconds of the broker's time. */
  readonly receivedAt: number;
  /** Nothing that it has sent is processed, and it isn't read from, until as many calls of `resume`. */
  suspend(): void;
  resume(): void;
  /** It isn't read from until as many calls of `resumeReading`. */
  pauseReading(): void;
  resumeReading(): void;
}

/** A bucket that a connection uses. */
export interface Charge {
  /** Of the configuration, such as `limits.client.messages`. */
  readonly limit: string;
  readonly bucket: RateBucket;
}

/** By what they are charged. */
export interface Charges {
  readonly messages: readonly Charge[];
  readonly bytes: readonly Charge[];
  readonly subscribes: readonly Charge[];
}

/** What a throttle needs of the house. */
export interface ThrottleHost {
  readonly deadlines: DeadlineQueue;
  /** A connection has to wait for a rate. */
  onWait(limit: string): void;
  /** It is over, and has no accounts any more. */
  onEnd(accounts: readonly RateAccount[]): void;
}

/** What a throttle did to its connection, to be undone by whoever ends it. */
export interface Waits {
  readonly isSuspended: boolean;
  readonly isPaused: boolean;
}

/**
 * Slows one connection down to the rates that it has a part in: what it has sent is not processed for a while, and it is not read
 * from, so that what follows waits at the client. Nothing is dropped, and nobody else waits.
 *
 * Messages and filters are counted one by one, in the middle of what has come; bytes as they come.
 *
 * Invariant: the connection is suspended by it exactly while `#decode` is scheduled, and paused exactly while `#read` is.
 */
export class Throttle implements PacketThrottle {
  readonly #host: ThrottleHost;
  readonly #connection: ThrottledConnection;
  readonly #charges: Charges;
  readonly #accounts: readonly RateAccount[];
  readonly #decode: Deadline;
  readonly #read: Deadline;

  constructor(
    host: ThrottleHost,
    connection: ThrottledConnection,
    charges: Charges,
    accounts: readonly RateAccount[],
  ) {
    this.#host = host;
    this.#connection = connection;
    this.#charges = charges;
    this.#accounts = accounts;
    this.#decode = new Deadline(() => connection.resume(), connection);
    this.#read = new Deadline(() => connection.resumeReading(), connection);
  }

  /** A PUBLISH has been processed. */
  afterMessage(): void {
    this.#suspendFor(this.#use(this.#charges.messages, 1, 1));
  }

  /** A SUBSCRIBE has come. */
  afterSubscribe(filters: number): void {
    this.#suspendFor(this.#use(this.#charges.subscribes, filters, 1));
  }

  /** Bytes have come. */
  onBytes(size: number): void {
    const waitMs = this.#use(this.#charges.bytes, size, 0);
    if (waitMs === 0 || this.#read.index !== -1) return;
    this.#host.deadlines.schedule(this.#read, this.#connection.receivedAt + waitMs);
    this.#connection.pauseReading();
  }

  /** The connection is over. */
  end(): Waits {
    const waits = { isSuspended: this.#decode.index !== -1, isPaused: this.#read.index !== -1 };
    this.#host.deadlines.cancel(this.#decode);
    this.#host.deadlines.cancel(this.#read);
    this.#host.onEnd(this.#accounts);
    return waits;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const { key, holders } of this.#accounts) {
      invariant(holders > 0, `the account of ${key} was given back, and is used`);
    }
  }

  #suspendFor(waitMs: number): void {
    if (waitMs === 0 || this.#decode.index !== -1) return;
    this.#host.deadlines.schedule(this.#decode, this.#connection.receivedAt + waitMs);
    this.#connection.suspend();
  }

  /** @returns for how long the connection is to wait, in milliseconds */
  #use(charges: readonly Charge[], amount: number, next: number): number {
    const now = this.#connection.receivedAt;
    let waitMs = 0;
    for (const { limit, bucket } of charges) {
      const itsWaitMs = bucket.use(amount, next, now);
      if (itsWaitMs > 0) this.#host.onWait(limit);
      if (itsWaitMs > waitMs) waitMs = itsWaitMs;
    }
    return waitMs;
  }
}
