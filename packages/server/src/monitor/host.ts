import type { ObservedBroker } from '../observability/index.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';

/** A session with its place among all, in the order in which they were made. */
export interface PlacedSession {
  readonly ordinal: number;
  readonly session: BrokerSession;
}

/** What is read of a broker to be watched. */
export interface MonitoredBroker extends ObservedBroker {
  readonly sessions: ObservedBroker['sessions'] & {
    /** Messages that wait in all sessions. */
    readonly queuedCount: number;
    /** What a client identifier has; null when it has no session. */
    find(clientId: string): PlacedSession | null;
    /** Those that were made after the one with this place; 0 for all. */
    after(ordinal: number): Iterable<PlacedSession>;
  };
}
