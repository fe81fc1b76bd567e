import {
  type Packet,
  PacketError,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
} from '@promptmq/codec';
import { parseSharedFilter, type Subscription } from '@promptmq/topics';
import type { Peer } from '../../connection/peer.ts';
import { countIn } from '../../runtime/stats.ts';
import { UnitsFor } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import { BY_HOOK, BY_RULES } from '../../tracing/client-events.ts';
import type { ProtocolHost } from '../host.ts';
import { type AskedFilters, askedFilters, whyOf, whyRefused } from './asked-filters.ts';
import { answerWhenAllCommitted, answerWhenCommitted } from './committed-answer.ts';
import { noRoom, refusalCode, refusalOfFilter, refusalOfPacket } from './filter-refusals.ts';
import { awaitRetained, holdingBack } from './known-retained.ts';
import { isOwedRetained, replayAll } from './owed-retained.ts';
import { type AddedSubscription, awaitRouted, refuseUnrouted } from './routed-subscriptions.ts';

/**
 * SUBSCRIBE (§3.8.4): every filter by itself, one SUBACK, then the retained messages. It stops where the turn of the
 * connection is over, and may be broken off there: what the session has got by then is stored, too.
 */
export function subscribe(
  host: ProtocolHost,
  connection: Peer,
  packet: SubscribePacket,
): Generator<void> {
  const steps = subscribeAll(host, connection, packet);
  const { peers } = host.router;
  return peers === null ? steps : holdingBack(host, connection, steps);
}

function* subscribeAll(
  host: ProtocolHost,
  connection: Peer,
  packet: SubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { turns, clientEvents } = host;
  const entry = host.sessions.entryOf(session);
  const { subscriptions } = entry;
  const identifier = identifierOf(host, packet);
  const granted: number[] = [];
  const { version, isBridge } = connection;
  const added: AddedSubscription[] = [];
  const replays: Subscription[] = [];
  const refusalOfAll = refusalOfPacket(host, connection, packet.messageId);
  // SUBACK of MQTT 3.1 would say yes: not to answer has to do, and the client tries again.
  if (refusalOfAll !== null && version === 3) throw noRoom();
  const asked = askedFilters(connection);
  let position: number | null = -1;
  try {
    for (const request of packet.subscriptions) {
      if (turns.isOver) yield;
      turns.used += UnitsFor.filter + (request.topic.length >> UnitsFor.charactersShift);
      const subscription = subscriptionOf(host, isBridge, request, identifier);
      const refusal =
        refusalOfAll ??
        (asked === null
          ? refusalOfFilter(host, connection, request)
          : yield* refusalByHook(host, connection, asked, request, subscription));
      if (refusal !== null) {
        countIn(host.stats.subscriptionsRefused, refusal);
        noteRefused(host, connection, request.topic, refusal, whyRefused(asked));
        granted.push(refusalCode(version, refusal, request));
        continue;
      }
      const former = subscriptions.get(request.topic);
      granted.push(subscription.qos);
      clientEvents.subscribed(connection, subscription, former === undefined);
      if (former === undefined || !isSame(subscription, former)) {
        subscriptions.add(subscription);
        added.push({ subscription, former });
      }
      if (isOwedRetained(subscription, former !== undefined)) replays.push(subscription);
    }
  } finally {
    position = storeSubscriptions(host, entry, added);
  }
  if (position === null) {
    // The disk has become full on the way.
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  const why = whyOf(asked);
  yield* answer(host, connection, packet, { entry, granted, why, added, replays, position });
}

/** What has become of a SUBSCRIBE. */
interface Subscribed {
  readonly entry: SessionEntry;
  /** Reason codes, in the order of its filters. */
  readonly granted: number[];
  /** Why the first that a hook refused was; empty while none was. */
  readonly why: string;
  readonly added: readonly AddedSubscription[];
  /** Those that are owed retained messages. */
  readonly replays: readonly Subscription[];
  /** Of the record; -1 when there is none. */
  readonly position: number;
}

/** Sends SUBACK when what it says is so, and then the retained messages. */
function* answer(
  host: ProtocolHost,
  connection: Peer,
  packet: SubscribePacket,
  { entry, granted, why, added, replays, position }: Subscribed,
): Generator<void> {
  const { session } = entry;
  const isRouted = yield* awaitRouted(host, connection, packet, granted);
  if (!isRouted) {
    const refused = refuseUnrouted(host, connection, entry, granted, added);
    connection.sender.send({ cmd: 'suback', messageId: packet.messageId, granted: refused });
    return;
  }
  yield* awaitRetained(host, connection, replays);
  host.log.debug('client-subscribed', { clientId: session.clientId, granted });
  const properties = connection.sender.reasonFor(why, granted.length);
  const suback: Packet = {
    cmd: 'suback',
    messageId: packet.messageId,
    granted,
    properties,
  };
  // Where it takes several turns, what a stored session is owed has to be safe before SUBACK says that it is subscribed.
  const isLate = session.isStored && !host.turns.hasRoomFor(replays.length * UnitsFor.filter);
  if (!isLate) answerWhenCommitted(host, connection, position, suback);
  yield* replayAll(host, entry, replays, position);
  if (isLate) answerLate(host, connection, position, suback);
}

/**
 * Notifies listeners of a filter that was refused.
 *
 * @param whyByHook - empty where none has refused it
 */
function noteRefused(
  { clientEvents }: ProtocolHost,
  connection: Peer,
  topic: string,
  reasonCode: number,
  whyByHook: string,
): void {
  const why = whyByHook || (REFUSALS[reasonCode] ?? 'not possible here');
  clientEvents.topicRefused(connection, 'subscribe', topic, reasonCode, why);
}

/** Why filters are refused, for people. */
const REFUSALS: Readonly<Record<number, string>> = {
  [ReasonCode.NotAuthorized]: BY_RULES,
  [ReasonCode.QuotaExceeded]: 'no room for the subscription',
  [ReasonCode.TopicFilterInvalid]: 'the filter has too many levels',
  [ReasonCode.PacketIdentifierInUse]: 'the packet identifier is in use',
  [ReasonCode.SharedSubscriptionsNotSupported]: 'shared subscriptions are not supported',
  [ReasonCode.WildcardSubscriptionsNotSupported]: 'wildcard subscriptions are not supported',
};

/** The reason code to refuse a filter with of which a hook is asked when nothing else refuses it; null when it doesn't. */
function* refusalByHook(
  host: ProtocolHost,
  connection: Peer,
  asked: AskedFilters,
  request: SubscriptionRequest,
  subscription: Subscription,
): Generator<void, number | null> {
  asked.whyRefused = '';
  const refusal = refusalOfFilter(host, connection, request);
  if (refusal !== null) return refusal;
  const verdict = yield* asked.ask(subscription);
  // What the rules and limits allowed they may not allow any more, as it may have taken a while.
  if (verdict.isAllowed) return refusalOfFilter(host, connection, request);
  const { clientId } = connection;
  host.clientEvents.accessRefused(connection, clientId, 'subscribe', request.topic, BY_HOOK);
  return verdict.reasonCode;
}

/**
 * Sends SUBACK when all that has been written by now is safe.
 *
 * @param position - of the record of the subscriptions, which may have been refused while others were not
 */
function answerLate(host: ProtocolHost, connection: Peer, position: number, suback: Packet): void {
  const { journal } = host;
  if (journal.isOpen) answerWhenAllCommitted(host, connection, position, suback);
  else connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
}

/** The Subscription Identifier; 0 when there is none. */
function identifierOf({ config }: ProtocolHost, { properties }: SubscribePacket): number {
  const identifier = properties?.subscriptionIdentifier ?? 0;
  if (identifier === 0 || config.mqtt.subscriptionIdentifiersAvailable) return identifier;
  throw new PacketError(
    ReasonCode.SubscriptionIdentifiersNotSupported,
    '§3.2.2.3.12',
    0,
    'subscription identifiers are not supported',
  );
}

/**
 * @returns the position of the record; -1 when none is needed, null when there is no room: then it is written as soon as
 * there is, as a SUBSCRIBE of the same would find it here
 */
function storeSubscriptions(
  host: ProtocolHost,
  entry: SessionEntry,
  added: readonly AddedSubscription[],
): number | null {
  const { journal } = host;
  const { session, subscriptions } = entry;
  if (!session.isStored) return -1;
  // A reload between two turns may have taken some away again.
  const left = added.filter(
    ({ subscription }) => subscriptions.get(subscription.topicFilter) === subscription,
  );
  // What is the same as before is safe when an earlier SUBSCRIBE is.
  if (left.length === 0) return journal.lastPosition;
  if (journal.isOpen) {
    return journal.writeSubscriptions(
      entry,
      left.map(({ subscription }) => subscription),
    );
  }
  journal.whenRoom(() => {
    if (!session.isEnded) storeSubscriptions(host, entry, left);
  });
  return null;
}

/** What a client gets of what it asks for. */
function subscriptionOf(
  { config }: ProtocolHost,
  isBridge: boolean,
  request: SubscriptionRequest,
  subscriptionIdentifier: number,
): Subscription {
  const { maxQos } = config.mqtt;
  // What nobody else of a shared subscription would get can't be withheld from one member.
  const isShared = parseSharedFilter(request.topic) !== null;
  return {
    topicFilter: request.topic,
    qos: request.qos < maxQos ? request.qos : maxQos, // [MQTT-3.2.2-10]
    noLocal: request.nl ?? (isBridge && !isShared),
    retainAsPublished: request.rap ?? isBridge,
    retainHandling: request.rh ?? 0,
    subscriptionIdentifier,
  };
}

/** Whether a subscription is what there was before, so that nothing changes by it. */
export function isSame(one: Subscription, other: Subscription): boolean {
  return (
    one.qos === other.qos &&
    one.noLocal === other.noLocal &&
    one.retainAsPublished === other.retainAsPublished &&
    one.retainHandling === other.retainHandling &&
    one.subscriptionIdentifier === other.subscriptionIdentifier
  );
}
