import type { ProtocolVersion } from '@promptmq/codec';
import type { Subscription } from '@promptmq/topics';
import { type HookAttributes, NO_ATTRIBUTES } from '../../hooks/hooks.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';

/**
 * A client as it was when it was asked for: its session, and its connection while it has one. A plain object that can be
 * kept, and made JSON of. Times are milliseconds since 1970 by the wall clock as it is set now.
 */
export interface ClientInfo {
  readonly clientId: string;
  /** Who the client proved to be, and to whom its session belongs; null: nobody. */
  readonly userName: string | null;
  /** Also while a consumer inside of the program has the session, which has no connection. */
  readonly isConnected: boolean;
  /** Of MQTT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0. null without connection. */
  readonly version: ProtocolVersion | null;
  /** As `HookClient` has it; null without connection. */
  readonly protocol: string | null;
  /** Address and port; null without connection. */
  readonly remoteAddress: string | null;
  /** The listener's name in the configuration; null without connection, and where the program brought it. */
  readonly listener: string | null;
  /** When its session was made, to the second; null where that was before the broker's process began. */
  readonly createdAt: number | null;
  /** When its connection was accepted; null without connection. */
  readonly connectedAt: number | null;
  /** Since when nobody has the session; null while it `isConnected`. */
  readonly disconnectedAt: number | null;
  /** Seconds; 0 when it is off, null without connection. */
  readonly keepAlive: number | null;
  /** Whether its CONNECT asked for a new session; null without connection. */
  readonly cleanStart: boolean | null;
  /** Whether it is a bridge of mosquitto; null without connection. */
  readonly isBridge: boolean | null;
  /** Bytes that its socket has brought and taken; null without connection, and where there is no socket. */
  readonly bytesReceived: number | null;
  readonly bytesSent: number | null;
  /** Seconds that the session lives after its connection; 0 ends with it, 4,294,967,295 never ends (§3.1.2.11.2). */
  readonly sessionExpiryInterval: number;
  /** Whether what is sent to it at QoS 1 and 2 survives the broker's process. */
  readonly isStored: boolean;
  /** What hooks have answered of it, see `HookClient`; empty without connection. */
  readonly attributes: HookAttributes;
  /** How many it has. */
  readonly subscriptions: number;
  /** Messages that wait to be sent for the first time. */
  readonly queued: number;
  /** Bytes of those of them that were published since it subscribed. */
  readonly queuedBytes: number;
  /** QoS 1 and 2 messages that were sent and are not settled. */
  readonly inflight: number;
  /** How many of them it takes at a time (§3.1.2.11.3), as its last CONNECT said; 0 when this process has seen none. */
  readonly inflightMax: number;
  /** QoS 2 messages that came from it and are not released yet (PUBREL). */
  readonly awaitingRelease: number;
  /** Messages of its session that were not sent to it and won't be, since the session or this process began. */
  readonly dropped: number;
}

/** One subscription of a client. */
export interface ClientSubscription {
  /** The whole Topic Filter, `$share/NAME/` included. */
  readonly topicFilter: string;
  /** The granted Maximum QoS. */
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 1 to 268,435,455; null when there is none. */
  readonly subscriptionIdentifier: number | null;
}

/** Milliseconds since 1970; null where it isn't known. */
export function createdAtOf({ createdAtSeconds }: SessionEntry, aheadMs: number): number | null {
  return createdAtSeconds === -1 ? null : createdAtSeconds * 1000 + aheadMs;
}

/** Milliseconds since 1970; null without connection. */
export function connectedAtOf({ session }: SessionEntry, aheadMs: number): number | null {
  const connection = session.link?.connection ?? null;
  return connection === null ? null : Math.round(connection.openedAt) + aheadMs;
}

/** @param aheadMs - `shownAheadMs` of the broker's clock */
export function clientInfoOf(entry: SessionEntry, aheadMs: number): ClientInfo {
  const { session, owner, disconnectedAt, subscriptions } = entry;
  const connection = session.link?.connection ?? null;
  return {
    clientId: session.clientId,
    userName: owner,
    isConnected: session.isConnected,
    version: connection?.version ?? null,
    protocol: connection?.transport.protocol ?? null,
    remoteAddress: connection?.transport.remoteAddress ?? null,
    listener: connection?.transport.listener?.name ?? null,
    createdAt: createdAtOf(entry, aheadMs),
    connectedAt: connectedAtOf(entry, aheadMs),
    disconnectedAt: session.isConnected ? null : disconnectedAt + aheadMs,
    keepAlive: connection?.timeouts.keepAlive ?? null,
    cleanStart: connection?.cleanStart ?? null,
    isBridge: connection?.isBridge ?? null,
    bytesReceived: connection?.transport.bytesReceived ?? null,
    bytesSent: connection?.transport.bytesSent ?? null,
    sessionExpiryInterval: session.expiryInterval,
    isStored: session.isStored,
    attributes: connection?.hooks?.client.attributes ?? NO_ATTRIBUTES,
    subscriptions: subscriptions.size,
    queued: session.queuedCount,
    queuedBytes: session.queue.bytes,
    inflight: session.inflightCount,
    inflightMax: session.inflightMax,
    awaitingRelease: session.received.size,
    dropped: entry.droppedCount,
  };
}

export function clientSubscriptionOf(subscription: Subscription): ClientSubscription {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  const { subscriptionIdentifier } = subscription;
  return {
    topicFilter,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    subscriptionIdentifier: subscriptionIdentifier === 0 ? null : subscriptionIdentifier,
  };
}
