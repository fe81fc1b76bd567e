import type { Delivery } from '../messages/delivery.ts';
import type { FrameCopy } from './frame-queue.ts';

/** A message that waits, to be looked at. Either of its forms is null. */
export interface WaitingMessage {
  /** Where to continue after it: for a stored session its sequence, else how many have been seen. */
  readonly place: number;
  /** Its message may be STORED_MESSAGE. */
  readonly delivery: Delivery | null;
  readonly frame: FrameCopy | null;
}
