import { isPresenceTopic } from '@promptmq/auth';
import {
  PacketError,
  type ProtocolVersion,
  ReasonCode,
  type SubscriptionRequest,
} from '@promptmq/codec';
import { parseSharedFilter } from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import type { Peer } from '../../connection/peer.ts';
import { isTooDeep } from '../../routing/topic-routes.ts';
import { UnitsFor } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { mayFollow } from '../../sessions/followers.ts';
import { denialOf, RESERVED } from '../../tracing/client-events.ts';
import type { ProtocolHost } from '../host.ts';

/** The reason code to refuse everything in a SUBSCRIBE or UNSUBSCRIBE with, or null. */
export function refusalOfPacket(
  host: ProtocolHost,
  connection: Peer,
  packetId: number,
): number | null {
  const session = connection.session as BrokerSession;
  if (connection.version === 5 && session.received.has(packetId)) {
    return ReasonCode.PacketIdentifierInUse;
  }
  const isFull = session.isStored && !host.journal.isOpen;
  return isFull ? ReasonCode.QuotaExceeded : null;
}

export function noRoom(): PacketError {
  return new PacketError(ReasonCode.QuotaExceeded, '§4.13', 0, 'no room to store subscriptions');
}

/** What this broker has for nobody. */
export interface FilterRefusal {
  readonly reasonCode: number;
  /** The section of MQTT 5 that has it. */
  readonly section: string;
  readonly why: string;
}

/** Why the configuration allows nobody a filter, or null. */
export function refusalByConfiguration(
  { mqtt }: Pick<Config, 'mqtt'>,
  topicFilter: string,
): FilterRefusal | null {
  if (!mqtt.sharedSubAvailable && parseSharedFilter(topicFilter) !== null) return NO_SHARED;
  if (!mqtt.wildcardAvailable && /[+#]/.test(topicFilter)) return NO_WILDCARDS;
  return isTooDeep(topicFilter, mqtt) ? TOO_DEEP : null;
}

const NO_SHARED: FilterRefusal = {
  reasonCode: ReasonCode.SharedSubscriptionsNotSupported,
  section: '§3.2.2.3.13',
  why: 'shared subscriptions are not supported',
};

const NO_WILDCARDS: FilterRefusal = {
  reasonCode: ReasonCode.WildcardSubscriptionsNotSupported,
  section: '§3.2.2.3.11',
  why: 'wildcard subscriptions are not supported',
};

const TOO_DEEP: FilterRefusal = {
  reasonCode: ReasonCode.TopicFilterInvalid,
  section: '§3.8.3',
  why: 'longer or deeper than this broker takes',
};

/** The reason code to refuse a filter with, or null; throws where the refusal ends the connection. */
export function refusalOfFilter(
  host: ProtocolHost,
  connection: Peer,
  request: SubscriptionRequest,
): number | null {
  const { topic } = request;
  const refusal = refusalByConfiguration(host.config, topic);
  if (refusal !== null) {
    const { reasonCode, section, why } = refusal;
    if (refusal === TOO_DEEP || connection.version < 5) return reasonCode;
    throw new PacketError(reasonCode, section, 0, why);
  }
  if (isDenied(host, connection, request)) return ReasonCode.NotAuthorized;
  const session = connection.session as BrokerSession;
  const { subscriptions } = host.sessions.entryOf(session);
  if (!subscriptions.hasRoomFor(topic)) return ReasonCode.QuotaExceeded;
  const { replays } = host.memory;
  // The retained messages that a stored session is owed at QoS 1 and 2 are written, and wait in memory.
  const isStored = session.isStored && request.qos > 0;
  if (isStored && (request.rh ?? 0) < 2 && !replays.hasRoomFor(session.replays.bytes, 1)) {
    replays.refusals++;
    return ReasonCode.QuotaExceeded;
  }
  return null;
}

/** Whether the rules deny a filter at the QoS that it would be granted. */
function isDenied(
  { config, clientEvents, turns }: ProtocolHost,
  connection: Peer,
  { topic, qos: asked }: SubscriptionRequest,
): boolean {
  const { permissions, clientId } = connection;
  const isHidden = clientEvents.presence !== null && isHiddenFrom(connection, topic);
  if (permissions === null && !isHidden) return false;
  const qos = Math.min(asked, config.mqtt.maxQos) as SubscriptionRequest['qos'];
  const isAllowed = !isHidden && permissions?.maySubscribe(topic, qos) === true;
  if (permissions !== null) {
    turns.used += permissions.visitedNodes >> UnitsFor.nodesShift;
    permissions.visitedNodes = 0;
  }
  if (isAllowed) {
    connection.updateFilter();
    return false;
  }
  const denial = isHidden ? RESERVED : denialOf(permissions?.decide('subscribe', topic, qos));
  clientEvents.accessRefused(connection, clientId, 'subscribe', topic, denial);
  return true;
}

/**
 * Whether a filter is about other clients, whom this one may not follow.
 *
 * @param client - its connection, or what it may do when it comes back
 */
export function isHiddenFrom(
  client: Pick<Peer, 'permissions' | 'rights'>,
  topicFilter: string,
): boolean {
  const filter = parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
  return isPresenceTopic(filter) && !mayFollow(client, filter);
}

/**
 * What SUBACK says of a filter that was refused: before 3.1.1 it can't say no, and has to say what was asked for (§3.8
 * there).
 */
export function refusalCode(
  version: ProtocolVersion,
  refusal: number,
  request: SubscriptionRequest,
): number {
  if (version === 5) return refusal;
  return version === 4 ? ReasonCode.UnspecifiedError : request.qos;
}
