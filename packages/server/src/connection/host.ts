import type { ProtocolHost } from '../protocol/host.ts';
import type { DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Faulty } from '../runtime/faults.ts';
import type { SocketRefusal } from '../runtime/stats.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { Peer } from './peer.ts';

/** What has bytes to be sent at the end of a turn. */
export interface Flushable extends Faulty {
  flush(): void;
}

/** What a connection needs of the house, beside what those need who answer its packets. */
export interface ConnectionHost extends ProtocolHost {
  readonly deadlines: DeadlineQueue;
  /** Has the connection flushed at the end of this turn, together with all others. */
  flushLater(connection: Flushable): void;
  /** It was closed before its CONNECT was accepted. */
  onSocketRefused(reason: SocketRefusal, address: string, why: string): void;
  /**
   * The connection of a session is over.
   *
   * @param cause - as `disconnect` has it
   * @param takenOverBy - from where the session was taken over; null when it wasn't
   */
  leave(
    connection: Peer,
    session: BrokerSession,
    will: 'send-will' | 'discard-will',
    cause: string,
    takenOverBy: string | null,
  ): void;
  /** The connection is closed. */
  onClosed(connection: Peer): void;
}
