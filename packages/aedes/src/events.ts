import type {
  AedesPublishPacket,
  Client,
  ConnackPacket,
  PingreqPacket,
  PublishedPacket,
  PubrelPacket,
  Subscription,
} from './types.ts';

/** What events have for their listeners. */
export interface AedesEvents {
  /** A client is known, and not ready yet. */
  client: [client: Client];
  /** It is ready: what waited for it has been sent. */
  clientReady: [client: Client];
  clientDisconnect: [client: Client];
  /** Something has gone wrong for a client, which is disconnected then. */
  clientError: [client: Client, error: Error];
  /** The same before it is known who the client is. */
  connectionError: [client: Client, error: Error];
  /** A client was silent for one and a half times its keep alive. */
  keepaliveTimeout: [client: Client];
  /** A message was published, by a client or, with null, from inside. */
  publish: [packet: PublishedPacket, client: Client | null];
  /** A client has acknowledged a message: that of QoS 1, or PUBREL. */
  ack: [packet: AedesPublishPacket | PubrelPacket | undefined, client: Client];
  ping: [packet: PingreqPacket, client: Client];
  /** A client has subscribed. QoS 128 is a refusal. */
  subscribe: [subscriptions: Subscription[], client: Client];
  /** A client has ended subscriptions, or its session has ended with them. */
  unsubscribe: [topics: string[], client: Client];
  connackSent: [packet: ConnackPacket, client: Client];
  closed: [];
  /** PromptMQ could not be started. Not where that is known by `listen`. */
  error: [error: Error];
}
