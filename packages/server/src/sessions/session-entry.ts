import { type MemoryAccount, messageSize } from '@promptmq/session';
import { Deadline } from '../runtime/deadline-queue.ts';
import type { BrokerSession } from './broker-session.ts';
import type { PendingWill } from './pending-will.ts';
import type { Subscriptions } from './subscriptions.ts';

/** What a will occupies beside the bytes of its message: an estimate. */
const WILL_OVERHEAD_BYTES = 400;

/** A session with what the broker keeps beside it. */
export class SessionEntry {
  readonly session: BrokerSession;
  /** What the storage knows it by; 0 when it isn't stored. */
  readonly number: number;
  /** The user that it belongs to; null while no client of it has proved to be one. */
  owner: string | null;
  readonly subscriptions: Subscriptions;
  readonly #willMemory: MemoryAccount;
  #will: PendingWill | null;
  /** Milliseconds of the broker's time; -1 while the session has a connection. */
  disconnectedAt: number;
  /** Milliseconds of the broker's time; Infinity while no will is due. */
  willDueAt: number;
  /** Scheduled while the session has no connection and doesn't live for ever. */
  readonly expiry: Deadline;
  /** Scheduled for `willDueAt`. */
  readonly willDue: Deadline;

  constructor(
    session: BrokerSession,
    number: number,
    subscriptions: Subscriptions,
    willMemory: MemoryAccount,
    onExpired: (entry: SessionEntry) => void,
    onWillDue: (entry: SessionEntry) => void,
  ) {
    this.session = session;
    this.number = number;
    this.owner = null;
    this.subscriptions = subscriptions;
    this.#willMemory = willMemory;
    this.#will = null;
    this.disconnectedAt = -1;
    this.willDueAt = Number.POSITIVE_INFINITY;
    this.expiry = new Deadline(() => onExpired(this));
    this.willDue = new Deadline(() => onWillDue(this));
  }

  get will(): PendingWill | null {
    return this.#will;
  }

  /** Is counted in the broker's memory, wherever it comes from. */
  set will(will: PendingWill | null) {
    this.#willMemory.bytes += willBytes(will) - willBytes(this.#will);
    this.#will = will;
  }
}

/** What a will counts. */
export function willBytes(will: PendingWill | null): number {
  return will === null ? 0 : messageSize(will.message) + WILL_OVERHEAD_BYTES;
}
