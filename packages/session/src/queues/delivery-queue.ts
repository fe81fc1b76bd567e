import { invariant } from '@promptmq/topics';
import type { Delivery } from '../messages/delivery.ts';

/** What happens to a message that finds the queue full. */
export type QueueOverflow =
  | 'drop-newest'
  | 'drop-oldest'
  /** The message is refused before it is queued for anyone; whoever publishes asks `isFullFor` first. */
  | 'reject';

/** What all queues of a broker may hold together, and do. */
export interface QueueTotals {
  readonly messagesMax: number;
  readonly bytesMax: number;
  messages: number;
  bytes: number;
}

export interface QueueLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly overflow: QueueOverflow;
  /** Shared by all queues; absent when there is no such limit. */
  readonly totals?: QueueTotals | undefined;
  /**
   * Whether what is sent with RETAIN stays when it has expired: who gets it retains it, and it takes the place of an older one
   * there. Not so when absent.
   */
  readonly keepsRetained?: boolean;
}

/** Messages that wait for a session's connection or quota, in the order in which they are to be sent. */
export interface DeliveryQueue {
  readonly length: number;
  /** What the waiting messages count against the limits. */
  readonly bytes: number;
  /** Appends a delivery, making room as the overflow policy says, or gives it up. */
  push(delivery: Delivery, now: number): void;
  /** How many of them are of QoS 0. */
  readonly transientCount: number;
  /**
   * The first delivery that has not expired at `now`, or stays nevertheless; those before it are given up. Undefined when there is
   * none that could be sent now.
   */
  peek(now: number): Delivery | undefined;
  /** Whether the first delivery is of QoS 1 or 2, and its message may have to be read back for `peek`. */
  readonly isFirstInStore: boolean;
  /** Takes what `peek` has returned. */
  shift(): Delivery | undefined;
  /** Removes and returns the QoS 0 deliveries. */
  takeTransient(): Delivery[];
  /** Removes and returns deliveries of the shared subscriptions that `isTaken` chooses, in their order. */
  takeShared(isTaken: (group: string) => boolean, takesSent: boolean): Delivery[];
  /** The connection is gone: messages that can be read back leave memory. */
  forgetMessages(): void;
  /** Gives everything up. */
  clear(): void;
  /** Whether a message of this many bytes would find no room. */
  isFullFor(bytes: number): boolean;
  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void;
}

/** How often an expired head is looked for before a message is refused; bounds the work of a push. */
export const EXPIRED_SWEEP_MAX = 64;

/** Whether what waits is given up, as it has expired at `now`. */
export function isGivenUp(
  { keepsRetained }: QueueLimits,
  expiresAt: number,
  retain: boolean,
  now: number,
): boolean {
  return expiresAt <= now && !(retain && keepsRetained === true);
}

/** Whether one more message of `size` bytes is too much; a queue may always hold a single one. */
export function exceedsLimits(
  { messagesMax, bytesMax, totals }: QueueLimits,
  length: number,
  bytes: number,
  size: number,
): boolean {
  if (length >= messagesMax) return true;
  if (length > 0 && bytes + size > bytesMax) return true;
  if (totals === undefined) return false;
  return totals.messages >= totals.messagesMax || totals.bytes + size > totals.bytesMax;
}

/** Checks that what a queue holds is part of what all hold. */
export function checkTotals(
  { totals }: QueueLimits,
  { length, bytes }: { readonly length: number; readonly bytes: number },
): void {
  if (totals === undefined) return;
  invariant(length <= totals.messages, `${length} messages of ${totals.messages}`);
  invariant(bytes <= totals.bytes, `${bytes} bytes of ${totals.bytes}`);
}
