/*
 * What programs for aedes have in their hands: packets, clients, handlers, options. The shapes are those of aedes 1.x.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConfigInput, Logger } from '@promptmq/server';
import type {
  IConnackPacket,
  IConnectPacket,
  IPingreqPacket,
  IPublishPacket,
  IPubrelPacket,
  ISubscribePacket,
  ISubscription,
  IUnsubscribePacket,
} from 'mqtt-packet';

/** What carries a client's bytes: a TCP or TLS socket, or any other stream. */
export type Connection = Duplex;

export type ConnectPacket = IConnectPacket & { cmd: 'connect' };
export type ConnackPacket = IConnackPacket & { cmd: 'connack' };
export type PingreqPacket = IPingreqPacket & { cmd: 'pingreq' };
export type PubrelPacket = IPubrelPacket & { cmd: 'pubrel' };
export type SubscribePacket = ISubscribePacket & { cmd: 'subscribe' };
export type UnsubscribePacket = IUnsubscribePacket & { cmd: 'unsubscribe' };

/**
 * A message to publish: `topic` and `payload`; QoS 0, not retained, without properties where nothing else is said. `cmd` and
 * the like may be left out.
 */
export type PublishPacket = Partial<IPublishPacket> & Pick<IPublishPacket, 'topic'>;

/** A message as the broker passes it on. */
export type AedesPublishPacket = IPublishPacket & {
  /** Of the broker that it came to first; null where nobody knows: of a retained message, and of one from a session's queue. */
  brokerId?: string | null;
  /** Counts the messages of a broker; 0 where nobody knows. */
  brokerCounter?: number;
  /** Of the client that published it. */
  clientId?: string;
};

/** A message that was published, as `published` and the event `publish` get it: what came, and no more. */
export type PublishedPacket = PublishPacket & Pick<AedesPublishPacket, 'brokerId' | 'clientId'>;

/** A topic filter with the QoS that is asked for; 128 where it was negated. */
export type Subscription = Omit<ISubscription, 'qos'> & {
  qos: ISubscription['qos'] | 128;
  clientId?: string;
};

export interface Subscriptions {
  subscriptions: Subscription[];
  /** With it, the client gets a SUBACK. */
  messageId?: number;
}

export interface Unsubscriptions {
  unsubscriptions: string[];
  /** With it, the client gets an UNSUBACK. */
  messageId?: number;
}

/** By the identifier of a broker, when its last heartbeat was, in milliseconds since 1970. There is only one here. */
export interface Brokers {
  [brokerId: string]: number;
}

/** Return codes of CONNACK (MQTT 3.1.1 §3.2.2.3) that `authenticate` may put into its error, as `returnCode`. */
export const AuthErrorCode = {
  UNNACCEPTABLE_PROTOCOL: 1,
  IDENTIFIER_REJECTED: 2,
  SERVER_UNAVAILABLE: 3,
  BAD_USERNAME_OR_PASSWORD: 4,
  NOT_AUTHORIZED: 5,
} as const;
export type AuthErrorCode = (typeof AuthErrorCode)[keyof typeof AuthErrorCode];

export type AuthenticateError = Error & { returnCode: AuthErrorCode };

type Done = (error?: Error | null) => void;

/** A client as programs see it. Nothing of it is to be set but its listeners. */
export interface Client extends EventEmitter {
  /** From its CONNECT, or made where that has none; null before, and where it was refused. */
  readonly id: string | null;
  /** Clean Session; Clean Start of MQTT 5. */
  readonly clean: boolean;
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0; null before CONNECT. */
  readonly version: number | null;
  readonly conn: Connection;
  readonly req: IncomingMessage | undefined;
  /** From CONNECT until it has been sent what waited for it. */
  readonly connecting: boolean;
  /** From then on, until it is closed. */
  readonly connected: boolean;
  readonly closed: boolean;
  /** By topic filter, as they were granted. */
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 | 2 }>>;
  /** What `decodeProtocol` returned. */
  readonly connDetails: unknown;

  /**
   * Sends a message to this client alone, whether it has subscribed to the topic or not. The broker doesn't keep it, `retain`
   * or not, and it isn't sent again on another connection.
   *
   * @param callback - when it was sent; it may not have been acknowledged
   */
  publish(packet: PublishPacket, callback?: Done): void;
  /** Subscribes for the client; `authorizeSubscribe` is asked. It gets a SUBACK only where there is a `messageId`. */
  subscribe(subscriptions: Subscription | Subscription[] | Subscriptions, callback?: Done): void;
  unsubscribe(
    unsubscriptions: string | string[] | { topic: string } | { topic: string }[] | Unsubscriptions,
    callback?: Done,
  ): void;
  /** Disconnects it. Its will is published. */
  close(callback?: () => void): void;
  /** There for the sake of aedes: fails, see the differences in the README. */
  emptyOutgoingQueue(callback?: Done): void;
}

export type PreConnectHandler = (
  client: Client,
  packet: ConnectPacket,
  callback: (error: Error | null, success?: boolean) => void,
) => void;

export type AuthenticateHandler = (
  client: Client,
  username: string | undefined,
  password: Buffer | undefined,
  done: (error: (Error & { returnCode?: number }) | null, success?: boolean | null) => void,
) => void;

export type AuthorizePublishHandler = (
  client: Client | null,
  packet: PublishPacket,
  callback: Done,
) => void;

export type AuthorizeSubscribeHandler = (
  client: Client,
  subscription: Subscription,
  callback: (error: Error | null, subscription?: Subscription | null) => void,
) => void;

export type AuthorizeForwardHandler = (
  client: Client,
  packet: AedesPublishPacket,
  // biome-ignore lint/suspicious/noConfusingVoidType: as in aedes, of handlers that end without a return
) => AedesPublishPacket | null | undefined | void;

export type PublishedHandler = (
  packet: PublishedPacket,
  client: Client | null,
  callback: Done,
) => void;

/**
 * Reads what stands before MQTT in a client's first bytes, such as a PROXY protocol header. What it returns becomes the client's
 * `connDetails`; where that has `data`, a buffer, these are the bytes that are left.
 */
export type DecodeProtocolHandler = (client: Client, buffer: Buffer) => unknown;

export interface Handlers {
  /** Asked first, with the CONNECT, which it may change. */
  preConnect: PreConnectHandler;
  /** Then. Everybody may connect where there is none. */
  authenticate: AuthenticateHandler;
  /** Asked for each message that a client publishes, its will included; it may change it. By default all but `$SYS/`. */
  authorizePublish: AuthorizePublishHandler;
  /** Asked for each topic filter, also of sessions that continue; it may change or negate it (null). */
  authorizeSubscribe: AuthorizeSubscribeHandler;
  /** Asked for each message that is to be sent to a client; it may change it, or withhold it (null). */
  authorizeForward: AuthorizeForwardHandler;
  /** Called when a message was passed on; its publisher waits until it calls back. */
  published: PublishedHandler;
}

export interface AedesOptions extends Partial<Handlers> {
  /** Of this broker, in its `$SYS` topics; a random UUID by default. */
  id?: string;
  /** Messages that may be in the hands of functions given to `subscribe` at a time; beyond it, publishers wait. 100 by default. */
  concurrency?: number;
  /** Milliseconds between two publications of `$SYS/ID/heartbeat`; 60,000 by default. */
  heartbeatInterval?: number;
  /** Milliseconds that a client has for its CONNECT; 30,000 by default. */
  connectTimeout?: number;
  /** Milliseconds that a client has to read what was sent to it; 60,000 by default, 0: for ever. */
  drainTimeout?: number;
  /** The longest keep alive of clients in seconds; 0, the default, allows any. */
  keepaliveLimit?: number;
  /** Packets that a client may send before it is connected; 42 by default. */
  queueLimit?: number;
  /** QoS 2 messages that a client may have sent and not released; 1,000 by default, 0: any number. */
  maxInflightInbound?: number;
  /** Characters of a client identifier in MQTT 3.1; 23 by default. */
  maxClientsIdLength?: number;
  /** Levels of a topic, 1 to 100; 100 by default. */
  maxTopicLevels?: number;
  decodeProtocol?: DecodeProtocolHandler;
  /** Whether `decodeProtocol` is asked. */
  trustProxy?: boolean;
  /** For `decodeProtocol`: it finds them in the broker. */
  trustedProxies?: string[];
  /** PromptMQ's own options, as `createBroker` of `@promptmq/server` takes them. */
  promptmq?: ConfigInput;
  /** Where PromptMQ logs. By default nowhere. */
  logger?: Logger;
}
