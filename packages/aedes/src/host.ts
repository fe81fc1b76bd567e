import type { Duplex } from 'node:stream';
import type { AedesOptions, Client, Handlers, PublishedPacket, Subscription } from './types.ts';

/** The limits of the options, with their defaults. */
export type Limits = Required<
  Pick<
    AedesOptions,
    | 'concurrency'
    | 'heartbeatInterval'
    | 'connectTimeout'
    | 'drainTimeout'
    | 'keepaliveLimit'
    | 'queueLimit'
    | 'maxInflightInbound'
    | 'maxClientsIdLength'
    | 'maxTopicLevels'
  >
>;

/** What a client needs of its broker. */
export interface ClientHost extends Handlers {
  readonly id: string;
  readonly limits: Limits;
  readonly closed: boolean;
  /** Whether messages that are forwarded have to be decoded: for a handler of the program's. */
  readonly forwardsAll: boolean;
  /** Whether the program has handlers, functions or listeners for what is published. */
  readonly watchesMessages: boolean;
  /** Whether `authorizePublish` is the program's. */
  readonly asksForPublish: boolean;
  /** Where proxies are trusted, what the program reads of the first bytes of a client; null otherwise. */
  decodeProtocol(client: Client, bytes: Buffer): unknown;
  /** Resolves when PromptMQ runs; rejects when it can't. */
  whenStarted(): Promise<void>;
  attach(stream: Duplex, remoteAddress: string, protocol: string): void;
  /** The one that is connected with this identifier. */
  clientOf(id: string): HostedClient | null;
  register(client: HostedClient): void;
  unregister(client: HostedClient): void;
  /** A message was published: for functions that have subscribed, `published` and the event. */
  passOn(packet: PublishedPacket, client: Client | null, done: (error: Error | null) => void): void;
  /** Calls back when no more messages than `concurrency` says are in the hands of the program's functions: mostly at once. */
  whenRoom(callback: () => void): void;
  /** The subscriptions of a session that a client will continue. */
  subscriptionsOf(id: string): Subscription[];
  /** Publishes below `$SYS/ID/`. */
  announce(topic: string, payload: string): void;
  /** Publishes a will. */
  /** @param done - when it was published; where it is delayed, at once */
  publishWill(client: Client, will: PublishedPacket, delayMs: number, done: () => void): void;
  emit(event: string, first: unknown, second?: unknown): boolean;
  listenerCount(event: string): number;
}

/** A client as its broker keeps it. */
export interface HostedClient extends Client {
  readonly id: string;
  /** Ends it for a reason that a client of MQTT 5 is sent. */
  end(reasonCode: number): void;
}
