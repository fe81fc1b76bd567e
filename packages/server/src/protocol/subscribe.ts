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
import type { Broker } from '../broker.ts';
import type { Connection } from '../connection/connection.ts';
import type { BrokerSession } from '../routing/router.ts';
import { countIn } from '../runtime/stats.ts';
import { UnitsFor } from '../runtime/turns.ts';

const NO_IDENTIFIERS: readonly number[] = [];

/**
 * SUBSCRIBE (§3.8.4): every filter by itself, one SUBACK, then the retained messages. It stops where the turn of the
 * connection is over, and may be broken off there: what the session has got by then is stored, too.
 */
export function* subscribe(
  broker: Broker,
  connection: Connection,
  packet: SubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { turns } = broker;
  const identifier = identifierOf(broker, packet);
  const granted: number[] = [];
  const { version, isBridge } = connection;
  const added: Subscription[] = [];
  const replays: Subscription[] = [];
  const refusalOfAll = refusalOfPacket(broker, connection, packet.messageId);
  // SUBACK of MQTT 3.1 would say yes: not to answer has to do, and the client tries again.
  if (refusalOfAll !== null && version === 3) throw noRoom();
  let position: number | null = -1;
  try {
    for (const request of packet.subscriptions) {
      if (turns.isOver) yield;
      turns.used += UnitsFor.filter + (request.topic.length >> UnitsFor.charactersShift);
      const refusal = refusalOfAll ?? refusalOf(broker, connection, request);
      if (refusal !== null) {
        countIn(broker.stats.subscriptionsRefused, refusal);
        granted.push(refusalCode(version, refusal, request));
        continue;
      }
      const former = session.subscriptions.get(request.topic);
      const subscription = addSubscription(broker, session, isBridge, request, identifier);
      granted.push(subscription.qos);
      if (former === undefined || !isSame(subscription, former)) added.push(subscription);
      if (isOwedRetained(subscription, former !== undefined)) replays.push(subscription);
    }
  } finally {
    position = storeSubscriptions(broker, session, added);
  }
  if (position === null) {
    // The disk has become full on the way.
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  broker.log.debug('client-subscribed', { clientId: session.clientId, granted });
  const suback: Packet = { cmd: 'suback', messageId: packet.messageId, granted };
  // Where it takes several turns, what a stored session is owed has to be safe before SUBACK says that it is subscribed.
  const isLate = session.store !== null && !turns.hasRoomFor(replays.length * UnitsFor.filter);
  if (!isLate) answer(broker, connection, position, suback);
  yield* replayAll(broker, session, replays, position);
  if (isLate) answerLate(broker, connection, suback);
}

/** Has the session sent the retained messages that its new subscriptions are owed. */
function* replayAll(
  broker: Broker,
  session: BrokerSession,
  subscriptions: readonly Subscription[],
  position: number,
): Generator<void> {
  const { turns } = broker;
  for (const subscription of subscriptions) {
    if (turns.isOver) yield;
    turns.used += UnitsFor.filter;
    if (!session.subscriptions.has(subscription.topicFilter)) continue;
    replayRetained(broker, session, subscription, position);
  }
}

/** Sends SUBACK when all that has been written by now is safe. */
function answerLate(broker: Broker, connection: Connection, suback: Packet): void {
  const { storage } = broker;
  if (storage?.isOpen === false) {
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
  } else {
    answer(broker, connection, storage?.lastPosition ?? -1, suback);
  }
}

/** The Subscription Identifier; 0 when there is none. */
function identifierOf({ config }: Broker, { properties }: SubscribePacket): number {
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
  broker: Broker,
  session: BrokerSession,
  added: readonly Subscription[],
): number | null {
  const { storage, sessions } = broker;
  if (session.store === null || storage === null) return -1;
  // A reload between two turns may have taken some away again.
  const left = added.filter((one) => session.subscriptions.get(one.topicFilter) === one);
  // What is the same as before is safe when an earlier SUBSCRIBE is.
  if (left.length === 0) return storage.lastPosition;
  if (storage.isOpen) return storage.writeSubscriptions(sessions.entryOf(session), left);
  storage.whenRoom(() => {
    if (!session.isEnded) storeSubscriptions(broker, session, left);
  });
  return null;
}

/** Sends SUBACK or UNSUBACK when what it says is safe. */
function answer(broker: Broker, connection: Connection, position: number, packet: Packet): void {
  const { storage } = broker;
  if (storage === null || position < 0) {
    connection.sender.send(packet);
    return;
  }
  storage.publishers.holdBack(connection);
  storage.whenCommitted({
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
function refusalOfPacket(broker: Broker, connection: Connection, packetId: number): number | null {
  const session = connection.session as BrokerSession;
  if (connection.version === 5 && session.hasReceived(packetId)) {
    return ReasonCode.PacketIdentifierInUse;
  }
  const isFull = session.store !== null && broker.storage?.isOpen !== true;
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
  broker: Broker,
  session: BrokerSession,
  isBridge: boolean,
  request: SubscriptionRequest,
  subscriptionIdentifier: number,
): Subscription {
  const { maxQos } = broker.config.mqtt;
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
  broker.sessions.addSubscription(broker.sessions.entryOf(session), subscription); // [MQTT-3.8.4-3]
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
  broker: Broker,
  connection: Connection,
  request: SubscriptionRequest,
): number | null {
  const { mqtt } = broker.config;
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
  if (broker.router.isTooDeep(topic)) return ReasonCode.TopicFilterInvalid;
  if (connection.permissions?.maySubscribe(topic) === false) {
    broker.clientEvents.accessRefused(connection, connection.clientId, 'subscribe', topic);
    return ReasonCode.NotAuthorized;
  }
  const session = connection.session as BrokerSession;
  const entry = broker.sessions.entryOf(session);
  if (!broker.sessions.hasRoomForSubscription(entry, topic)) return ReasonCode.QuotaExceeded;
  const { replays } = broker.memory;
  // The retained messages that a stored session is owed at QoS 1 and 2 are written, and wait in memory.
  const isStored = session.store !== null && request.qos > 0;
  if (isStored && (request.rh ?? 0) < 2 && !replays.hasRoomFor(session.replayBytes, 1)) {
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
  broker: Broker,
  session: BrokerSession,
  subscription: Subscription,
  position: number,
): void {
  const { router, runtime, storage } = broker;
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
  if (session.store === null || storage === null || subscription.qos === 0) {
    broker.retainedReplays.add({
      walk: router.retained.walk(topicFilter),
      session,
      isTransient: subscription.qos === 0,
      onFound: (messages, now) => {
        session.replayLater(noLocal ? messages.filter(isOwed) : messages, toDelivery, now);
      },
    });
    return;
  }
  if (!storage.isOpen) {
    // The disk has become full after the subscriptions were written.
    storage.whenRoom(() => {
      const isOwedStill = !session.isEnded && session.subscriptions.has(topicFilter);
      if (isOwedStill) replayRetained(broker, session, subscription, position);
    });
    return;
  }
  const now = runtime.now();
  const deliveries = router.retained.match(topicFilter, now).filter(isOwed).map(toDelivery);
  if (deliveries.length === 0) return;
  const stored: Delivery[] = [];
  for (const delivery of deliveries) {
    const recordPosition = storage.retained.positionOf(delivery.message.topic);
    if (delivery.qos === 0 || recordPosition === 0) continue;
    delivery.position = recordPosition;
    stored.push(delivery);
  }
  if (stored.length > 0) storage.messages.writeReferences(session, stored);
  session.replay(deliveries, now);
}

/** UNSUBSCRIBE (§3.10.4). What is queued already is still delivered. It stops and may be broken off as `subscribe`. */
export function* unsubscribe(
  broker: Broker,
  connection: Connection,
  packet: UnsubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { storage, turns } = broker;
  if (session.store !== null && storage?.isOpen === false) {
    unsubscribeLater(broker, connection, packet);
    return;
  }
  const granted: number[] = [];
  const removed: string[] = [];
  const refusal = refusalOfPacket(broker, connection, packet.messageId);
  const entry = broker.sessions.entryOf(session);
  let position: number | null = -1;
  try {
    for (const topicFilter of packet.unsubscriptions) {
      if (turns.isOver) yield;
      turns.used += UnitsFor.filter + (topicFilter.length >> UnitsFor.charactersShift);
      if (refusal !== null) {
        granted.push(refusal);
        continue;
      }
      const existed = broker.sessions.removeSubscription(entry, topicFilter); // [MQTT-3.10.4-1]
      if (existed) removed.push(topicFilter);
      granted.push(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
    }
  } finally {
    position = storeUnsubscriptions(broker, session, removed);
  }
  if (position === null) {
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  answer(broker, connection, position, { cmd: 'unsuback', messageId: packet.messageId, granted });
}

/** UNSUBACK of MQTT 3.1.1 can't say no: it comes when there is room. */
function unsubscribeLater(broker: Broker, connection: Connection, packet: UnsubscribePacket): void {
  const { session } = connection;
  broker.storage?.whenRoom(() => {
    if (session === null || connection.session !== session) return;
    // It has waited long enough: at once.
    const steps = unsubscribe(broker, connection, packet);
    while (steps.next().done !== true);
  });
}

/** @returns as `storeSubscriptions` */
function storeUnsubscriptions(
  broker: Broker,
  session: BrokerSession,
  removed: readonly string[],
): number | null {
  const { storage, sessions } = broker;
  if (session.store === null || storage === null) return -1;
  if (!storage.isOpen) {
    storage.whenRoom(() => {
      if (session.isEnded) return;
      const left = removed.filter((topicFilter) => !session.subscriptions.has(topicFilter));
      storeUnsubscriptions(broker, session, left);
    });
    return null;
  }
  // That there is none is only sure when an earlier UNSUBSCRIBE that took it away is safe.
  if (removed.length === 0) return storage.lastPosition;
  return storage.writeUnsubscriptions(sessions.entryOf(session), removed);
}

/** Takes the subscriptions away that a client may not have any more. */
export function revokeSubscriptions(
  broker: Broker,
  session: BrokerSession,
  permissions: Permissions | null,
): void {
  if (permissions === null) return;
  const removed = [...session.subscriptions.keys()].filter(
    (topicFilter) => !permissions.maySubscribe(topicFilter),
  );
  if (removed.length === 0) return;
  const entry = broker.sessions.entryOf(session);
  for (const topicFilter of removed) broker.sessions.removeSubscription(entry, topicFilter);
  // On a full disk they come back with a restart, and are taken away again when the client does.
  if (session.store !== null && broker.storage?.isOpen === true) {
    broker.storage.writeUnsubscriptions(broker.sessions.entryOf(session), removed);
  }
  broker.log.info('subscriptions-revoked', {
    clientId: session.clientId,
    count: removed.length,
  });
}
