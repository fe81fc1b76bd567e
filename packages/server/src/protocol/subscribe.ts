import {
  type Packet,
  PacketError,
  type ProtocolVersion,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from '@promptmq/codec';
import { Delivery, type Message } from '@promptmq/session';
import { parseSharedFilter, type Subscription } from '@promptmq/topics';
import type { Permissions } from '../access/index.ts';
import type { Peer } from '../connection/peer.ts';
import { countIn } from '../runtime/stats.ts';
import { UnitsFor } from '../runtime/turns.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { ProtocolHost } from './host.ts';

const NO_IDENTIFIERS: readonly number[] = [];

/**
 * SUBSCRIBE (§3.8.4): every filter by itself, one SUBACK, then the retained messages. It stops where the turn of the
 * connection is over, and may be broken off there: what the session has got by then is stored, too.
 */
export function* subscribe(
  host: ProtocolHost,
  connection: Peer,
  packet: SubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { turns } = host;
  const identifier = identifierOf(host, packet);
  const granted: number[] = [];
  const { version, isBridge } = connection;
  const added: Subscription[] = [];
  const replays: Subscription[] = [];
  const refusalOfAll = refusalOfPacket(host, connection, packet.messageId);
  // SUBACK of MQTT 3.1 would say yes: not to answer has to do, and the client tries again.
  if (refusalOfAll !== null && version === 3) throw noRoom();
  let position: number | null = -1;
  try {
    for (const request of packet.subscriptions) {
      if (turns.isOver) yield;
      turns.used += UnitsFor.filter + (request.topic.length >> UnitsFor.charactersShift);
      const refusal = refusalOfAll ?? refusalOf(host, connection, request);
      if (refusal !== null) {
        countIn(host.stats.subscriptionsRefused, refusal);
        granted.push(refusalCode(version, refusal, request));
        continue;
      }
      const former = session.subscriptions.get(request.topic);
      const subscription = addSubscription(host, session, isBridge, request, identifier);
      granted.push(subscription.qos);
      if (former === undefined || !isSame(subscription, former)) added.push(subscription);
      if (isOwedRetained(subscription, former !== undefined)) replays.push(subscription);
    }
  } finally {
    position = storeSubscriptions(host, session, added);
  }
  if (position === null) {
    // The disk has become full on the way.
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  host.log.debug('client-subscribed', { clientId: session.clientId, granted });
  const suback: Packet = { cmd: 'suback', messageId: packet.messageId, granted };
  // Where it takes several turns, what a stored session is owed has to be safe before SUBACK says that it is subscribed.
  const isLate = session.isStored && !turns.hasRoomFor(replays.length * UnitsFor.filter);
  if (!isLate) answer(host, connection, position, suback);
  yield* replayAll(host, session, replays, position);
  if (isLate) answerLate(host, connection, suback);
}

/** Has the session sent the retained messages that its new subscriptions are owed. */
function* replayAll(
  host: ProtocolHost,
  session: BrokerSession,
  subscriptions: readonly Subscription[],
  position: number,
): Generator<void> {
  const { turns } = host;
  for (const subscription of subscriptions) {
    if (turns.isOver) yield;
    turns.used += UnitsFor.filter;
    if (!session.subscriptions.has(subscription.topicFilter)) continue;
    replayRetained(host, session, subscription, position);
  }
}

/** Sends SUBACK when all that has been written by now is safe. */
function answerLate(host: ProtocolHost, connection: Peer, suback: Packet): void {
  const { journal } = host;
  if (journal.isOpen) answer(host, connection, journal.lastPosition, suback);
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
  session: BrokerSession,
  added: readonly Subscription[],
): number | null {
  const { journal, sessions } = host;
  if (!session.isStored) return -1;
  // A reload between two turns may have taken some away again.
  const left = added.filter((one) => session.subscriptions.get(one.topicFilter) === one);
  // What is the same as before is safe when an earlier SUBSCRIBE is.
  if (left.length === 0) return journal.lastPosition;
  if (journal.isOpen) return journal.writeSubscriptions(sessions.entryOf(session), left);
  journal.whenRoom(() => {
    if (!session.isEnded) storeSubscriptions(host, session, left);
  });
  return null;
}

/** Sends SUBACK or UNSUBACK when what it says is safe. */
function answer(host: ProtocolHost, connection: Peer, position: number, packet: Packet): void {
  if (position < 0) {
    connection.sender.send(packet);
    return;
  }
  const { journal } = host;
  journal.holdBack(connection);
  journal.whenCommitted({
    position,
    connection,
    onCommitted: () => {
      if (!connection.isEnding) connection.sender.send(packet);
    },
    onRefused: () =>
      connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it'),
  });
}

/** The reason code to refuse everything in a SUBSCRIBE or UNSUBSCRIBE with, or null. */
function refusalOfPacket(host: ProtocolHost, connection: Peer, packetId: number): number | null {
  const session = connection.session as BrokerSession;
  if (connection.version === 5 && session.received.has(packetId)) {
    return ReasonCode.PacketIdentifierInUse;
  }
  const isFull = session.isStored && !host.journal.isOpen;
  return isFull ? ReasonCode.QuotaExceeded : null;
}

function noRoom(): PacketError {
  return new PacketError(ReasonCode.QuotaExceeded, '§4.13', 0, 'no room to store subscriptions');
}

/**
 * What SUBACK says of a filter that was refused: before 3.1.1 it can't say no, and has to say what was asked for (§3.8
 * there).
 */
function refusalCode(
  version: ProtocolVersion,
  refusal: number,
  request: SubscriptionRequest,
): number {
  if (version === 5) return refusal;
  return version === 4 ? ReasonCode.UnspecifiedError : request.qos;
}

function addSubscription(
  host: ProtocolHost,
  session: BrokerSession,
  isBridge: boolean,
  request: SubscriptionRequest,
  subscriptionIdentifier: number,
): Subscription {
  const { maxQos } = host.config.mqtt;
  // What nobody else of a shared subscription would get can't be withheld from one member.
  const isShared = parseSharedFilter(request.topic) !== null;
  const subscription: Subscription = {
    topicFilter: request.topic,
    qos: request.qos < maxQos ? request.qos : maxQos, // [MQTT-3.2.2-10]
    noLocal: request.nl ?? (isBridge && !isShared),
    retainAsPublished: request.rap ?? isBridge,
    retainHandling: request.rh ?? 0,
    subscriptionIdentifier,
  };
  const former = session.subscriptions.get(request.topic);
  if (former !== undefined && isSame(subscription, former)) return subscription;
  host.sessions.addSubscription(host.sessions.entryOf(session), subscription); // [MQTT-3.8.4-3]
  return subscription;
}

/** Whether a subscription is what there was before, so that nothing changes by it. */
function isSame(one: Subscription, other: Subscription): boolean {
  return (
    one.qos === other.qos &&
    one.noLocal === other.noLocal &&
    one.retainAsPublished === other.retainAsPublished &&
    one.retainHandling === other.retainHandling &&
    one.subscriptionIdentifier === other.subscriptionIdentifier
  );
}

/** The reason code to refuse a filter with, or null; throws where the refusal ends the connection. */
function refusalOf(
  host: ProtocolHost,
  connection: Peer,
  request: SubscriptionRequest,
): number | null {
  const { mqtt } = host.config;
  const { topic } = request;
  const isV5 = connection.version === 5;
  if (!mqtt.sharedSubAvailable && parseSharedFilter(topic) !== null) {
    if (!isV5) return ReasonCode.SharedSubscriptionsNotSupported;
    throw new PacketError(
      ReasonCode.SharedSubscriptionsNotSupported,
      '§3.2.2.3.13',
      0,
      'shared subscriptions are not supported',
    );
  }
  if (!mqtt.wildcardAvailable && /[+#]/.test(topic)) {
    if (!isV5) return ReasonCode.WildcardSubscriptionsNotSupported;
    throw new PacketError(
      ReasonCode.WildcardSubscriptionsNotSupported,
      '§3.2.2.3.11',
      0,
      'wildcard subscriptions are not supported',
    );
  }
  if (host.router.isTooDeep(topic)) return ReasonCode.TopicFilterInvalid;
  if (connection.permissions?.maySubscribe(topic) === false) {
    host.clientEvents.accessRefused(connection, connection.clientId, 'subscribe', topic);
    return ReasonCode.NotAuthorized;
  }
  const session = connection.session as BrokerSession;
  const entry = host.sessions.entryOf(session);
  if (!host.sessions.hasRoomForSubscription(entry, topic)) return ReasonCode.QuotaExceeded;
  const { replays } = host.memory;
  // The retained messages that a stored session is owed at QoS 1 and 2 are written, and wait in memory.
  const isStored = session.isStored && request.qos > 0;
  if (isStored && (request.rh ?? 0) < 2 && !replays.hasRoomFor(session.replays.bytes, 1)) {
    replays.refusals++;
    return ReasonCode.QuotaExceeded;
  }
  return null;
}

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a shared subscription is owed none (§4.8.2). */
function isOwedRetained(subscription: Subscription, isReplacement: boolean): boolean {
  if (subscription.retainHandling === 2) return false;
  if (subscription.retainHandling === 1 && isReplacement) return false;
  return parseSharedFilter(subscription.topicFilter) === null;
}

/** @param position - of the subscription's record; nothing is sent before that is safe. -1: none */
function replayRetained(
  host: ProtocolHost,
  session: BrokerSession,
  subscription: Subscription,
  position: number,
): void {
  const { router, runtime, journal } = host;
  const { topicFilter, subscriptionIdentifier, noLocal } = subscription;
  const identifiers = subscriptionIdentifier === 0 ? NO_IDENTIFIERS : [subscriptionIdentifier];
  const isOwed = ({ publisherId }: Message) => !noLocal || publisherId !== session.clientId; // [MQTT-3.8.3-3]
  const toDelivery = (message: Message) => {
    const qos = message.qos < subscription.qos ? message.qos : subscription.qos;
    const delivery = new Delivery(message, qos, true, identifiers);
    delivery.position = Math.max(0, position);
    return delivery;
  };
  // At QoS 0 there is nothing to store.
  if (!session.isStored || subscription.qos === 0) {
    host.retainedReplays.add({
      walk: router.retained.walk(topicFilter),
      session,
      isTransient: subscription.qos === 0,
      onFound: (messages, now) => {
        session.replayLater(noLocal ? messages.filter(isOwed) : messages, toDelivery, now);
      },
    });
    return;
  }
  if (!journal.isOpen) {
    // The disk has become full after the subscriptions were written.
    journal.whenRoom(() => {
      const isOwedStill = !session.isEnded && session.subscriptions.has(topicFilter);
      if (isOwedStill) replayRetained(host, session, subscription, position);
    });
    return;
  }
  const now = runtime.now();
  const deliveries = router.retained.match(topicFilter, now).filter(isOwed).map(toDelivery);
  if (deliveries.length === 0) return;
  const stored: Delivery[] = [];
  for (const delivery of deliveries) {
    const recordPosition = journal.retainedPositionOf(delivery.message.topic);
    if (delivery.qos === 0 || recordPosition === 0) continue;
    delivery.position = recordPosition;
    stored.push(delivery);
  }
  if (stored.length > 0) journal.writeReferences(session, stored);
  session.replay(deliveries, now);
}

/** UNSUBSCRIBE (§3.10.4). What is queued already is still delivered. It stops and may be broken off as `subscribe`. */
export function* unsubscribe(
  host: ProtocolHost,
  connection: Peer,
  packet: UnsubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { journal, turns } = host;
  if (session.isStored && !journal.isOpen) {
    unsubscribeLater(host, connection, packet);
    return;
  }
  const granted: number[] = [];
  const removed: string[] = [];
  const refusal = refusalOfPacket(host, connection, packet.messageId);
  const entry = host.sessions.entryOf(session);
  let position: number | null = -1;
  try {
    for (const topicFilter of packet.unsubscriptions) {
      if (turns.isOver) yield;
      turns.used += UnitsFor.filter + (topicFilter.length >> UnitsFor.charactersShift);
      if (refusal !== null) {
        granted.push(refusal);
        continue;
      }
      const existed = host.sessions.removeSubscription(entry, topicFilter); // [MQTT-3.10.4-1]
      if (existed) removed.push(topicFilter);
      granted.push(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
    }
  } finally {
    position = storeUnsubscriptions(host, session, removed);
  }
  if (position === null) {
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  answer(host, connection, position, { cmd: 'unsuback', messageId: packet.messageId, granted });
}

/** UNSUBACK of MQTT 3.1.1 can't say no: it comes when there is room. */
function unsubscribeLater(host: ProtocolHost, connection: Peer, packet: UnsubscribePacket): void {
  const { session } = connection;
  host.journal.whenRoom(() => {
    if (session === null || connection.session !== session) return;
    // It has waited long enough: at once.
    const steps = unsubscribe(host, connection, packet);
    while (steps.next().done !== true);
  });
}

/** @returns as `storeSubscriptions` */
function storeUnsubscriptions(
  host: ProtocolHost,
  session: BrokerSession,
  removed: readonly string[],
): number | null {
  const { journal, sessions } = host;
  if (!session.isStored) return -1;
  if (!journal.isOpen) {
    journal.whenRoom(() => {
      if (session.isEnded) return;
      const left = removed.filter((topicFilter) => !session.subscriptions.has(topicFilter));
      storeUnsubscriptions(host, session, left);
    });
    return null;
  }
  // That there is none is only sure when an earlier UNSUBSCRIBE that took it away is safe.
  if (removed.length === 0) return journal.lastPosition;
  return journal.writeUnsubscriptions(sessions.entryOf(session), removed);
}

/** Takes the subscriptions away that a client may not have any more. */
export function revokeSubscriptions(
  host: ProtocolHost,
  session: BrokerSession,
  permissions: Permissions | null,
): void {
  if (permissions === null) return;
  const removed = [...session.subscriptions.keys()].filter(
    (topicFilter) => !permissions.maySubscribe(topicFilter),
  );
  if (removed.length === 0) return;
  const entry = host.sessions.entryOf(session);
  for (const topicFilter of removed) host.sessions.removeSubscription(entry, topicFilter);
  // On a full disk they come back with a restart, and are taken away again when the client does.
  if (session.isStored && host.journal.isOpen) {
    host.journal.writeUnsubscriptions(host.sessions.entryOf(session), removed);
  }
  host.log.info('subscriptions-revoked', {
    clientId: session.clientId,
    count: removed.length,
  });
}
