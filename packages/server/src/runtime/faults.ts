import { PacketError } from '@promptmq/codec';
import type { Broker } from '../broker.ts';
import type { Connection } from '../connection/connection.ts';
import type { TransportHandler } from '../connection/transport.ts';
import { type Activity, countIn } from './stats.ts';

/** Of the stack of an error, so much goes to the log. */
const STACK_LENGTH_MAX = 4000;

/**
 * The net below everything that is done for clients: an error that nothing else has dealt with ends the connection
 * that it was done for, and nothing else. A `PacketError` is the client's, and it is told so; any other is ours, is
 * logged with its stack, and counted.
 *
 * What the storage can't do is not decided on here: the log reports that by itself, and the broker stops.
 *
 * Invariant: none of its methods throws.
 */
export class Faults {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /**
   * Does something off the hot path for a connection.
   *
   * @param connection - null when it is done for none
   */
  contain(connection: Connection | null, activity: Activity, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.caught(connection, activity, error);
    }
  }

  /** Ends a connection while whose turn something was thrown; null when it was no connection's. */
  caught(connection: Connection | null, activity: Activity, error: unknown): void {
    if (connection !== null && error instanceof PacketError) {
      try {
        connection.refuse(error);
      } catch (second) {
        this.#end(connection, activity, second);
      }
      return;
    }
    this.#end(connection, activity, error);
  }

  #end(connection: Connection | null, activity: Activity, error: unknown): void {
    this.note(connection, activity, error);
    // What the packet had not come to do is not done with the next one.
    this.#broker.router.abandon();
    if (connection === null) return;
    try {
      connection.fail();
    } catch (second) {
      this.note(connection, 'closing', second);
      this.#cut(connection);
    }
    try {
      this.#broker.sessions.forsake(connection);
    } catch (second) {
      this.note(connection, 'closing', second);
    }
  }

  /** Counts and logs an error. */
  note(connection: Connection | null, activity: Activity, error: unknown): void {
    const { stats, clientLog } = this.#broker;
    countIn(stats.internalErrors, activity);
    stats.packetTypeNow = 0;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    try {
      clientLog.error('internal-error', {
        activity,
        clientId: connection?.clientId ?? null,
        address: connection?.transport.remoteAddress ?? null,
        stack: stack.slice(0, STACK_LENGTH_MAX),
      });
    } catch {
      // It is counted: a log that can't be written doesn't end anything.
    }
  }

  /** It can't even be closed in order. */
  #cut(connection: Connection): void {
    try {
      connection.cut();
    } catch (error) {
      this.note(connection, 'closing', error);
    }
  }
}

/** What a transport reports, on its way to a connection through the net. */
export class ContainedHandler implements TransportHandler {
  readonly #connection: Connection;
  readonly #faults: Faults;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#faults = connection.broker.faults;
  }

  onData(chunk: Uint8Array): void {
    try {
      this.#connection.onData(chunk);
    } catch (error) {
      this.#faults.caught(this.#connection, 'receiving', error);
    }
  }

  onWritten(chunk: Uint8Array): void {
    try {
      this.#connection.onWritten(chunk);
    } catch (error) {
      this.#faults.caught(this.#connection, 'sending', error);
    }
  }

  get isConnected(): boolean {
    return this.#connection.isConnected;
  }

  refuse(error: PacketError): void {
    this.#faults.caught(this.#connection, 'receiving', error);
  }

  onEnd(): void {
    try {
      this.#connection.onEnd();
    } catch (error) {
      this.#faults.caught(this.#connection, 'closing', error);
    }
  }

  onClose(): void {
    try {
      this.#connection.onClose();
    } catch (error) {
      this.#faults.caught(this.#connection, 'closing', error);
    }
  }
}
