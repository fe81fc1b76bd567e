import { type MemoryAccount, messageSize, NEVER_EXPIRES } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import type { Rights } from '../access/index.ts';
import { Deadline } from '../runtime/deadline-queue.ts';
import type { BrokerSession } from './broker-session.ts';
import type { PendingWill } from './pending-will.ts';
import type { Subscriptions } from './subscriptions.ts';

/** What a will occupies beside the bytes of its message: an estimate. */
const WILL_OVERHEAD_BYTES = 400;

/** A session with what the broker keeps beside it. */
export class SessionEntry {
  readonly session: BrokerSession;
  /** Its place among all sessions, in the order in which they were made; 0 when it has ended. */
  ordinal: number;
  /** What the storage knows it by; 0 when it isn't stored. */
  readonly number: number;
  /** The user that it belongs to; null while no client of it has proved to be one. */
  owner: string | null;
  readonly subscriptions: Subscriptions;
  /** What the client had that left a will; null without one, and after a restart. */
  rights: Rights | null;
  /** When it was made, in whole seconds of the broker's time, which take no object of their own; -1 where a former process did. */
  createdAtSeconds: number;
  /** Messages that were not sent to it and won't be, since it was made or this process began. */
  droppedCount: number;
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
    this.ordinal = 0;
    this.number = number;
    this.owner = null;
    this.subscriptions = subscriptions;
    this.rights = null;
    this.createdAtSeconds = -1;
    this.droppedCount = 0;
    this.#willMemory = willMemory;
    this.#will = null;
    this.disconnectedAt = -1;
    this.willDueAt = Number.POSITIVE_INFINITY;
    this.expiry = new Deadline(() => onExpired(this));
    this.willDue = new Deadline(() => onWillDue(this));
  }

  /**
   * Invariants: a session has a connection, or a time since when it has none, and then it expires unless it never does; a
   * will is due exactly when its deadline is.
   *
   * @throws {Error} when something isn't as it has to be between two turns; for tests
   */
  checkInvariants(): void {
    const { session, expiry, willDue } = this;
    const { clientId, isConnected, expiryInterval } = session;
    session.checkInvariants();
    this.subscriptions.checkInvariants();
    invariant(isConnected === (this.disconnectedAt === -1), `${clientId}: ${this.disconnectedAt}`);
    const isMortal = !isConnected && expiryInterval !== NEVER_EXPIRES;
    invariant(isMortal === (expiry.index !== -1), `${clientId} expires, or should`);
    const willAt = willDue.index === -1 ? Number.POSITIVE_INFINITY : willDue.at;
    const isDue = this.#will === null || willAt === this.willDueAt;
    invariant(isDue, `the will of ${clientId} is due at ${this.willDueAt}, and comes at ${willAt}`);
    invariant(
      !isConnected || willDue.index === -1,
      `the will of ${clientId}, which is there, is due`,
    );
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
