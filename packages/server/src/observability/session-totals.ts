import type { BrokerSession } from '../sessions/broker-session.ts';
import type { ObservedBroker } from './host.ts';

/** What all sessions hold together. */
export interface SessionTotals {
  /** QoS 1 and 2 messages sent and not acknowledged. */
  inflight: number;
  /** Messages that wait to be sent, retained ones for new subscriptions included. */
  queued: number;
  queuedBytes: number;
  /** The most that wait for one session. */
  longestQueue: number;
}

/** How long totals are good for: several metrics of one scrape share them. */
const FRESH_MS = 100;

/** Adds the sessions up: some 50 ns each, when somebody asks. */
export class SessionCensus {
  readonly #broker: ObservedBroker;
  #totals: SessionTotals;
  #takenAt: number;

  constructor(broker: ObservedBroker) {
    this.#broker = broker;
    this.#totals = { inflight: 0, queued: 0, queuedBytes: 0, longestQueue: 0 };
    this.#takenAt = Number.NEGATIVE_INFINITY;
  }

  get totals(): Readonly<SessionTotals> {
    const now = this.#broker.runtime.now();
    if (now - this.#takenAt < FRESH_MS) return this.#totals;
    const totals = { inflight: 0, queued: 0, queuedBytes: 0, longestQueue: 0 };
    for (const session of this.#broker.sessions.all()) {
      totals.inflight += session.inflightCount;
      totals.queued += session.queuedCount;
      totals.queuedBytes += session.queue.bytes;
      if (session.queuedCount > totals.longestQueue) totals.longestQueue = session.queuedCount;
    }
    this.#totals = totals;
    this.#takenAt = now;
    return totals;
  }
}

/** A client that takes messages more slowly than they come. */
export interface SlowSubscriber {
  readonly clientId: string;
  readonly isConnected: boolean;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly inflightMessages: number;
  /** Bytes handed to the transport and not taken yet. */
  readonly outputBytes: number;
}

/**
 * The sessions for which the most waits, in bytes; those for which nothing waits are left out.
 *
 * @param limit - how many at most
 */
export function slowSubscribers(broker: ObservedBroker, limit: number): SlowSubscriber[] {
  const slowest: SlowSubscriber[] = [];
  for (const session of broker.sessions.all()) {
    const one = slowSubscriberOf(session);
    if (one !== null) slowest.push(one);
  }
  return slowest.sort((a, b) => waitingBytes(b) - waitingBytes(a)).slice(0, limit);
}

/** What waits for a session; null when nothing does. */
export function slowSubscriberOf(session: BrokerSession): SlowSubscriber | null {
  const outputBytes = session.link?.sender?.output.pendingBytes ?? 0;
  if (session.queuedCount === 0 && outputBytes === 0) return null;
  return {
    clientId: session.clientId,
    isConnected: session.isConnected,
    queuedMessages: session.queuedCount,
    queuedBytes: session.queue.bytes,
    inflightMessages: session.inflightCount,
    outputBytes,
  };
}

export function waitingBytes({ queuedBytes, outputBytes }: SlowSubscriber): number {
  return queuedBytes + outputBytes;
}
