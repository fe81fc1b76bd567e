import type { Delivery } from '../messages/delivery.ts';
import type { Message } from '../messages/message.ts';

/**
 * Keeps deliveries beyond the process. The session says what becomes of them; the store says which of
 * them are safe to be sent, and brings back messages that have left memory.
 *
 * Whenever the session finds that it has to wait for the store, the store calls its `pump` when it can continue.
 *
 * @typeParam S - the sessions
 */
export interface DeliveryStore<S> {
  /** Everything that was stored before this position is safe. */
  readonly committedPosition: number;
  /** Bytes of messages that all queues together may hold in memory beside the store, and do. */
  readonly memory: { bytesMax: number; bytes: number };
  /** The session waits for a position to be committed. */
  awaitCommit(session: S): void;
  /**
   * The message of a record.
   *
   * @returns null while it is being read: the session waits for it; `lost` when it can't be read
   */
  fetch(session: S, position: number): Message | null | 'lost';
  /** The delivery is over: acknowledged, or given up. */
  onSettled(session: S, delivery: Delivery): void;
  /**
   * All deliveries of the session up to a sequence are over.
   *
   * @param deliveries - those of them that were not before; without their messages
   */
  onSettledUpTo(session: S, sequence: number, deliveries: readonly Delivery[]): void;
  /** Deliveries up to `sentSequence` of the session have been sent. */
  onSent(session: S): void;
  /** PUBREC came for a delivery: the store sets its position, and sends PUBREL when that is committed. */
  onReleased(session: S, delivery: Delivery): void;
}
