import type { Message } from '@promptmq/session';

/** A will as the broker keeps it: the message, and how long it is held back. */
export interface PendingWill {
  readonly message: Message;
  /** Seconds (§3.1.3.2.2). */
  readonly delayInterval: number;
  /** Seconds; counted from the publication, not from CONNECT. -1 when it doesn't expire. */
  readonly messageExpiryInterval: number;
}
