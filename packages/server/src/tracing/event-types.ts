import type { ProtocolVersion } from '@promptmq/codec';
import type { DropReason } from '@promptmq/session';
import type { MessageInfo } from './message-info.ts';

/** Who an event is about, as it was when the event happened. `broker.clients.get` says what there is of a client now. */
export interface EventClient {
  /** Of a CONNECT that was refused, what it asked for; empty when it left that to the broker. */
  readonly clientId: string;
  /** Who the client proved to be; null when it didn't. */
  readonly userName: string | null;
  /** Of MQTT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0. null without a connection. */
  readonly version: ProtocolVersion | null;
  /** How it is connected: `tcp`, `tls`, `websocket`, `websocket-tls`; null without a connection. */
  readonly protocol: string | null;
  /** Address and port; null without a connection. */
  readonly remoteAddress: string | null;
}

/** A CONNECT was accepted. */
export interface ConnectEvent {
  readonly client: EventClient;
}

/** An open connection is over. */
export interface DisconnectEvent {
  readonly client: EventClient;
  /** Of the DISCONNECT that was sent or came; 0x80 where there was none. */
  readonly reasonCode: number;
  /** Such as `client`, `keep alive`, `taken over`, `administrative action`, `shutdown`. */
  readonly cause: string;
  /** Where the connection comes from that has taken the session over: address and port. null for every other cause. */
  readonly takenOverBy: string | null;
}

/** A subscription was granted, whether it is new, replaces another, or was there before. */
export interface SubscribeEvent {
  readonly client: EventClient;
  /** The whole Topic Filter, `$share/NAME/` included. */
  readonly filter: string;
  /** The granted Maximum QoS. */
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 1 to 268,435,455; null when there is none. */
  readonly subscriptionIdentifier: number | null;
}

/** A subscription has ended while its session goes on. */
export interface UnsubscribeEvent {
  readonly client: EventClient;
  /** The whole Topic Filter, `$share/NAME/` included. */
  readonly filter: string;
  /**
   * Its client has unsubscribed; the rules no longer allow it, or a hook; somebody has ended it by the API; it was refused after all, as
   * another process of the cluster has not begun in time to route messages to it.
   */
  readonly cause: 'client' | 'rules' | 'hook' | 'administrator' | 'cluster';
}

/** A message was routed: of a client, a will, or of the program. What the broker says of itself below `$SYS` isn't reported. */
export interface PublishEvent extends MessageInfo {
  /** Who published it; of a will, whose it was. null for the program in which the broker runs. */
  readonly client: EventClient | null;
  /** Subscriptions that it matched: of sessions one each, and of shared subscriptions one each. */
  readonly matched: number;
  /** Where its record is in the log; null where nothing had to be written. */
  readonly position: number | null;
}

/** A client has settled a message that it was sent at QoS 1 or 2: by PUBACK, PUBCOMP, or PUBREC with an error. */
export interface AckEvent {
  readonly client: EventClient;
  /** Of the message; null when it was sent before anybody listened for `ack`. */
  readonly topic: string | null;
  /** The packet identifier under which it was sent. */
  readonly packetId: number;
  readonly qos: 1 | 2;
  /** Of the client: from 0x80 on it hasn't taken it. */
  readonly reasonCode: number;
}

/** A message doesn't go to one of those who had subscribed to it. */
export interface DropEvent {
  readonly clientId: string;
  readonly reason: DropReason;
  /** Of the message; null where that isn't known: it is in the store only, say. */
  readonly topic: string | null;
}

/** Something that a client, or somebody who isn't one yet, asked for was refused. */
export interface RefuseEvent {
  /** null where it isn't known whose it is: a socket without CONNECT. */
  readonly client: EventClient | null;
  /** Address and port, where there is a connection. */
  readonly address: string | null;
  /**
   * `socket`: a network connection before its CONNECT, which was closed; `connect`: a CONNECT; `packet`: one that broke a rule, and ends
   * the connection; `publish`, `subscribe`: a message, a filter; `will`: a will that was due, or was left out of a CONNECT.
   */
  readonly action: 'socket' | 'connect' | 'packet' | 'publish' | 'subscribe' | 'will';
  /** The topic or topic filter; null where there is none. */
  readonly topic: string | null;
  /** Of the answer, also where the protocol version has none; null for sockets. */
  readonly reasonCode: number | null;
  /** For people. */
  readonly why: string;
}

/** By name, what listeners get. */
export interface BrokerEventMap {
  connect: ConnectEvent;
  disconnect: DisconnectEvent;
  subscribe: SubscribeEvent;
  unsubscribe: UnsubscribeEvent;
  publish: PublishEvent;
  ack: AckEvent;
  drop: DropEvent;
  refuse: RefuseEvent;
  /** An error of the broker's own, which ended at most the connection for which it was working; it is in the log, too. */
  error: Error;
}

export type BrokerEventName = keyof BrokerEventMap;

export const EVENT_NAMES: readonly BrokerEventName[] = [
  'connect',
  'disconnect',
  'subscribe',
  'unsubscribe',
  'publish',
  'ack',
  'drop',
  'refuse',
  'error',
];

/** What an event is to be for its listener to be called. */
export interface EventOptions {
  /** Of `publish` only: a topic filter, as for a subscription. Nothing is made for messages that match none of the listeners'. */
  readonly filter?: string | undefined;
  /** The listener is removed after this many events, 1 or more; within the same turn, nothing is made of those beyond. */
  readonly limit?: number | undefined;
}

/** Listeners may be asynchronous: nobody waits for them, and what rejects is treated as what throws. */
export type BrokerEventListener<N extends BrokerEventName> = (event: BrokerEventMap[N]) => unknown;
