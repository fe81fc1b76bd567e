import type { DropReason } from '@promptmq/session';

/** Why a message that was published did not go to anyone. */
export type RefusalReason =
  | 'not-authorized'
  | 'retained-full'
  | 'payload-format-invalid'
  /** A subscriber's queue is full, and `mqtt.queue-overflow` is `reject`. */
  | 'queue-full'
  /** It would have to be on the disk, which is full. */
  | 'storage-full';

/**
 * Counters of one broker, counted up in place on the hot path and read from outside. All are totals
 * since the start, except those named as current.
 */
export interface BrokerStats {
  connectionsCurrent: number;
  connectionsTotal: number;
  /** Connections that were refused because `mqtt.max-connections` was reached. */
  connectionsRefused: number;
  sessionsCurrent: number;
  bytesReceived: number;
  bytesSent: number;
  /** PUBLISH packets received. */
  messagesReceived: number;
  /** PUBLISH packets sent. */
  messagesSent: number;
  /** How often a publisher was not read from for a while, for a subscriber to catch up. */
  publishersHeldBack: number;
  retainedCurrent: number;
  subscriptionsCurrent: number;
  /** Messages not delivered to one session, by reason. */
  readonly dropped: Record<DropReason, number>;
  /** Messages refused whole, by reason. */
  readonly refused: Record<RefusalReason, number>;
}

export function createStats(): BrokerStats {
  return {
    connectionsCurrent: 0,
    connectionsTotal: 0,
    connectionsRefused: 0,
    sessionsCurrent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    messagesReceived: 0,
    messagesSent: 0,
    publishersHeldBack: 0,
    retainedCurrent: 0,
    subscriptionsCurrent: 0,
    dropped: {
      expired: 0,
      'queue-full': 0,
      'packet-too-large': 0,
      'slow-subscriber': 0,
      'not-connected': 0,
      'session-ended': 0,
      lost: 0,
    },
    refused: {
      'not-authorized': 0,
      'retained-full': 0,
      'payload-format-invalid': 0,
      'queue-full': 0,
      'storage-full': 0,
    },
  };
}
