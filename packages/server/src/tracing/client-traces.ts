import type { ConnectPacket, ProtocolVersion } from '@promptmq/codec';
import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import { type PacketTracer, tracedFields } from './packet-trace.ts';

/** What somebody who traces a client gets. */
export type TraceEvent =
  | {
      readonly event: 'packet';
      /** Seen from the broker. */
      readonly direction: 'in' | 'out';
      /** Such as `publish`. */
      readonly packet: string;
      /** Of the packet; of payloads, passwords and the like only the size. */
      readonly fields: object;
    }
  | {
      readonly event: 'connected';
      readonly address: string;
      readonly protocol: string;
      readonly version: ProtocolVersion;
      readonly user: string | null;
    }
  | { readonly event: 'not-connected' }
  | { readonly event: 'packet-refused'; readonly reasonCode: number; readonly why: string }
  | { readonly event: 'disconnected'; readonly cause: string; readonly reasonCode: number };

export type TraceListener = (event: TraceEvent) => void;

/**
 * Who looks at the packets of which client: the log (`log.trace-clients`), and listeners that come and go. A client at
 * which nobody looks has no tracer, and costs nothing.
 */
export class ClientTraces {
  readonly #log: Logger;
  readonly #config: Config['log'];
  readonly #listeners = new Map<string, Set<TraceListener>>();

  constructor(log: Logger, config: Config['log']) {
    this.#log = log;
    this.#config = config;
  }

  /** @returns a function that removes the listener */
  add(clientId: string, listener: TraceListener): () => void {
    const listeners = this.#listeners.get(clientId) ?? new Set();
    this.#listeners.set(clientId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(clientId) === listeners) {
        this.#listeners.delete(clientId);
      }
    };
  }

  /** What takes the packets of a client; null when nobody looks at them. */
  tracer(clientId: string, direction: 'in' | 'out'): PacketTracer | null {
    const isLogged = this.#config.traceClients.includes(clientId);
    const isWatched = this.#listeners.has(clientId);
    if (!isLogged && !isWatched) return null;
    return (packet, fields) => {
      if (isLogged) this.#log.info('packet', { clientId, direction, packet, ...fields });
      if (isWatched) this.tell(clientId, { event: 'packet', direction, packet, fields });
    };
  }

  /**
   * A CONNECT came. Listeners see it before it is decided on, as they may want to know why it is refused; lines of the
   * log are only for clients that were admitted.
   *
   * @returns what takes the answer
   */
  onConnect(packet: ConnectPacket): PacketTracer | null {
    const { clientId } = packet;
    if (!this.#listeners.has(clientId)) return null;
    const tell = (direction: 'in' | 'out'): PacketTracer => {
      return (name, fields) =>
        this.tell(clientId, { event: 'packet', direction, packet: name, fields });
    };
    tell('in')('connect', tracedFields(packet));
    return tell('out');
  }

  /** A CONNECT was accepted. */
  onAdmitted(clientId: string, packet: ConnectPacket): void {
    if (!this.#config.traceClients.includes(clientId)) return;
    const fields = tracedFields(packet);
    this.#log.info('packet', { clientId, direction: 'in', packet: packet.cmd, ...fields });
  }

  tell(clientId: string, event: TraceEvent): void {
    const listeners = this.#listeners.get(clientId);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        // The client is in the middle of a packet: it mustn't pay for who looks on.
        listeners.delete(listener);
        if (listeners.size === 0) this.#listeners.delete(clientId);
        this.#log.error('trace-failed', { clientId, error: String(error) });
      }
    }
  }
}
