import type { PendingWill } from './connect.ts';
import { Deadline } from './deadline-queue.ts';
import type { BrokerSession } from './router.ts';

/** A session with what the broker keeps beside it. */
export class SessionEntry {
  readonly session: BrokerSession;
  /** What the storage knows it by; 0 when it isn't stored. */
  readonly number: number;
  /** The user that it belongs to; null while no client of it has proved to be one. */
  owner: string | null;
  will: PendingWill | null;
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
    onExpired: (entry: SessionEntry) => void,
    onWillDue: (entry: SessionEntry) => void,
  ) {
    this.session = session;
    this.number = number;
    this.owner = null;
    this.will = null;
    this.disconnectedAt = -1;
    this.willDueAt = Number.POSITIVE_INFINITY;
    this.expiry = new Deadline(() => onExpired(this));
    this.willDue = new Deadline(() => onWillDue(this));
  }
}
