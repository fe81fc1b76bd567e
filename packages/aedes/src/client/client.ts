import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { ClientHost, HostedClient } from '../host.ts';
import type {
  Client,
  Connection,
  PublishPacket,
  Subscription,
  Subscriptions,
  Unsubscriptions,
} from '../types.ts';
import type { Face } from './face.ts';
import { Gateway } from './gateway.ts';

type Done = (error?: Error | null) => void;

/** A client, as programs see it. */
export class AedesClient extends EventEmitter implements Client {
  id: string | null;
  clean: boolean;
  version: number | null;
  readonly conn: Connection;
  readonly req: IncomingMessage | undefined;
  connecting: boolean;
  connected: boolean;
  closed: boolean;
  readonly subscriptions: Record<string, { readonly qos: 0 | 1 | 2 }>;
  connDetails: unknown;
  readonly #gateway: Gateway;

  /** @param packetSizeMax - of what it sends, in bytes */
  constructor(
    broker: ClientHost,
    conn: Connection,
    req: IncomingMessage | undefined,
    packetSizeMax: number,
  ) {
    super();
    this.id = null;
    this.clean = true;
    this.version = null;
    this.conn = conn;
    this.req = req;
    this.connecting = false;
    this.connected = false;
    this.closed = false;
    this.subscriptions = Object.create(null);
    this.connDetails = null;
    this.#gateway = new Gateway(this as Face, broker, packetSizeMax);
  }

  publish(packet: PublishPacket, callback: Done = () => {}): void {
    this.#gateway.whenConnected(() => this.#gateway.sent.publish(packet, callback));
  }

  subscribe(given: Subscription | Subscription[] | Subscriptions, callback: Done = () => {}): void {
    const packet: Partial<Subscriptions> = 'subscriptions' in given ? given : {};
    const list = packet.subscriptions ?? (Array.isArray(given) ? given : [given as Subscription]);
    const answers = packet.messageId ?? null;
    const { subscriptions } = this.#gateway;
    this.#gateway.whenConnected(() => subscriptions.subscribe(list, answers, callback));
  }

  unsubscribe(
    given: string | string[] | { topic: string } | { topic: string }[] | Unsubscriptions,
    callback: Done = () => {},
  ): void {
    const isPacket = typeof given === 'object' && 'unsubscriptions' in given;
    const { unsubscriptions, messageId = null } = isPacket
      ? given
      : { unsubscriptions: Array.isArray(given) ? given : [given] };
    const topics = unsubscriptions.map((one) => (typeof one === 'string' ? one : one.topic));
    const { subscriptions } = this.#gateway;
    this.#gateway.whenConnected(() => subscriptions.unsubscribe(topics, messageId, callback));
  }

  close(callback: (() => void) | null = null): void {
    this.#gateway.end(0, callback);
  }

  end(reasonCode: number): void {
    this.#gateway.end(reasonCode);
  }

  emptyOutgoingQueue(callback: Done = () => {}): void {
    const why = 'broker.clients.disconnect of @promptmq/server with dropSession ends a session';
    setImmediate(callback, new Error(`the queue of a session can’t be emptied: ${why}`));
  }
}

/** Whether it has an identifier, which it has once it is registered. */
export function isHosted(client: AedesClient): client is AedesClient & HostedClient {
  return client.id !== null;
}
