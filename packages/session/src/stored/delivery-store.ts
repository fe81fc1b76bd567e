import type { Delivery } from '../messages/delivery.ts';
import type { Message } from '../messages/message.ts';
import type { Session } from '../session.ts';
import type { SessionLink } from '../session-link.ts';

/**
 * Keeps deliveries beyond the process. The session says what becomes of them; the store says which of
 * them are safe to be sent, and brings back messages that have left memory.
 *
 * Whenever the session finds that it has to wait for the store, the store calls `pump` when it can go on.
 */
export interface DeliveryStore<L extends SessionLink> {
  /** Everything that was stored before this position is safe. */
  readonly committedPosition: number;
  /** Bytes of messages that all queues together may hold in memory beside the store, and do. */
  readonly memory: { bytesMax: number; bytes: number };
  /** The session waits for a position to be committed. */
  awaitCommit(session: Session<L>): void;
  /**
   * The message of a record.
   *
   * @returns null while it is being read: the session waits for it; `lost` when it can't be read
   */
  fetch(session: Session<L>, position: number): Message | null | 'lost';
  /** The delivery is over: acknowledged, or given up. */
  onSettled(session: Session<L>, delivery: Delivery): void;
  /** Deliveries up to `session.sentSequence` have been sent. */
  onSent(session: Session<L>): void;
  /** PUBREC came for a delivery: the store sets its position, and sends PUBREL when that is committed. */
  onReleased(session: Session<L>, delivery: Delivery): void;
}
