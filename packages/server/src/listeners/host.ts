import type { Config } from '../config/index.ts';
import type { Transport, TransportHandler } from '../connection/transport.ts';
import type { ConnectionPlaces } from '../limits/connection-places.ts';
import type { DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SocketRefusal } from '../runtime/stats.ts';
import type { OpenSockets } from './open-sockets.ts';

/** What listeners need of the broker that they take connections for. */
export interface ListenerHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly deadlines: DeadlineQueue;
  /** Those that all listeners have accepted. */
  readonly sockets: OpenSockets;
  /** Their connections, by what they have done and where they come from. */
  readonly places: ConnectionPlaces;
  /** Which ban is on an address; null where none is. */
  banOf(remoteAddress: string): string | null;
  /** Whether it takes new connections. */
  readonly isServing: boolean;
  /** @returns what the transport reports to; null when there are too many connections and it was destroyed */
  accept(transport: Transport): TransportHandler | null;
  /** A socket was closed before its CONNECT was accepted. */
  onSocketRefused(reason: SocketRefusal, address: string, why: string): void;
  /** A connection could not be accepted; the listener continues. */
  onAcceptFailed(error: Error): void;
}
