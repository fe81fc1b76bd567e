import { PacketError } from '@promptmq/codec';
import type { Logger } from '../log/index.ts';
import { type Activity, type BrokerStats, countIn } from './stats.ts';

/** Of the stack of an error, so much goes to the log. */
const STACK_LENGTH_MAX = 4000;

/** What the net sees of a connection: who it is, and the ways to end it. */
export interface Faulty {
  readonly clientId: string;
  readonly transport: { readonly remoteAddress: string };
  /** A packet broke a rule: answers with the reason where that is possible, and closes (§4.13). */
  refuse(error: PacketError): void;
  /** Something went wrong on our side while it was its turn: closes, and gives the client no details. */
  fail(): void;
  /** Closes at once, as it could not be closed in order. */
  cut(): void;
}

/** What the net needs of the house. */
export interface FaultsHost {
  readonly stats: Pick<BrokerStats, 'internalErrors' | 'packetTypeNow'>;
  /** For what clients can cause. */
  readonly clientLog: Logger;
  /** Forgets what had been prepared for the message that was being routed. */
  abandonMessage(): void;
  /** Takes a connection that is over from its session, if that could not be done in order. */
  forsake(connection: Faulty): void;
  /** An error was counted and logged. */
  onFault(error: Error): void;
}

/**
 * The net below everything that is done for clients: an error that nothing else has dealt with ends the connection
 * that it was done for, and nothing else. A `PacketError` is the client's, which is answered so; any other is ours, is
 * logged with its stack, and counted.
 *
 * What the storage can't do is not decided on here: the log reports that by itself, and the broker stops.
 *
 * Invariant: none of its methods throws.
 */
export class Faults {
  readonly #host: FaultsHost;

  constructor(host: FaultsHost) {
    this.#host = host;
  }

  /**
   * Does something off the hot path for a connection.
   *
   * @param connection - null when it is done for none
   */
  contain(connection: Faulty | null, activity: Activity, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.caught(connection, activity, error);
    }
  }

  /** Ends a connection while whose turn something was thrown; null when it was no connection's. */
  caught(connection: Faulty | null, activity: Activity, error: unknown): void {
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

  #end(connection: Faulty | null, activity: Activity, error: unknown): void {
    this.note(connection, activity, error);
    // What the packet had not come to do is not done with the next one.
    this.#host.abandonMessage();
    if (connection === null) return;
    try {
      connection.fail();
    } catch (second) {
      this.note(connection, 'closing', second);
      this.#cut(connection);
    }
    try {
      this.#host.forsake(connection);
    } catch (second) {
      this.note(connection, 'closing', second);
    }
  }

  /** Counts and logs an error. */
  note(connection: Faulty | null, activity: Activity, error: unknown): void {
    const { stats, clientLog } = this.#host;
    countIn(stats.internalErrors, activity);
    stats.packetTypeNow = 0;
    const stack = stackOf(error);
    this.#host.onFault(error instanceof Error ? error : new Error(stack));
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
  #cut(connection: Faulty): void {
    try {
      connection.cut();
    } catch (error) {
      this.note(connection, 'closing', error);
    }
  }
}

/** Where something was thrown, which may be anything, also what can't be made text. */
export function stackOf(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error);
  } catch {
    return 'something that is no text';
  }
}
