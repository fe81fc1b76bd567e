import type { HistoryEntry } from '../entry.ts';

/** Why a client did not get a message, or what became of it. */
export type WhyCode =
  | 'unknown-client'
  | 'connect-refused'
  | 'not-subscribed'
  | 'subscribed-later'
  | 'subscribe-denied'
  | 'subscribe-refused'
  | 'unsubscribed'
  | 'subscription-revoked'
  | 'taken-over'
  | 'clean-start'
  | 'disconnected'
  | 'session-expired'
  | 'session-ended'
  | 'receive-denied'
  | 'publish-denied'
  | 'publish-refused'
  | 'will-discarded'
  | 'will-cancelled'
  | 'will-refused'
  | 'no-local'
  | 'queue-full'
  | 'expired'
  | 'packet-too-large'
  | 'slow-subscriber'
  | 'output-full'
  | 'not-connected'
  | 'outside-mount-point'
  | 'refused-by-hook'
  | 'lost'
  | 'retain-handling'
  | 'shared'
  | 'waiting'
  | 'sent-later'
  | 'sent'
  | 'not-recorded';

/** One answer. */
export interface WhyCause {
  readonly code: WhyCode;
  /** A sentence or two. */
  readonly text: string;
  /** What it is known from, oldest first; empty where what there is now says it. */
  readonly evidence: readonly HistoryEntry[];
}

/** Where what is answered is likelier the lower. */
export interface RankedCause extends WhyCause {
  readonly rank: number;
}
