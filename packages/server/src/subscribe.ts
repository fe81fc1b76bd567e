import {
  PacketError,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from '@promptmq/codec';
import { parseSharedFilter, type Subscription } from '@promptmq/session';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import type { BrokerSession } from './router.ts';
import { countIn } from './stats.ts';

const NO_IDENTIFIERS: readonly number[] = [];

/** SUBSCRIBE (§3.8.4): every filter by itself, one SUBACK, then the retained messages. */
export function subscribe(broker: Broker, connection: Connection, packet: SubscribePacket): void {
  const session = connection.session as BrokerSession;
  const { mqtt } = broker.config;
  const identifier = packet.properties?.subscriptionIdentifier ?? 0;
  if (identifier !== 0 && !mqtt.subscriptionIdentifiersAvailable) {
    throw new PacketError(
      ReasonCode.SubscriptionIdentifiersNotSupported,
      '§3.2.2.3.12',
      0,
      'subscription identifiers are not supported',
    );
  }
  const granted: number[] = [];
  const replays: Subscription[] = [];
  const isIdInUse = connection.version === 5 && session.hasReceived(packet.messageId);
  for (const request of packet.subscriptions) {
    const refusal = isIdInUse
      ? ReasonCode.PacketIdentifierInUse
      : refusalOf(broker, connection, request);
    if (refusal !== null) {
      countIn(broker.stats.subscriptionsRefused, refusal);
      granted.push(connection.version === 5 ? refusal : ReasonCode.UnspecifiedError);
      continue;
    }
    const isReplacement = session.subscriptions.has(request.topic);
    const subscription = addSubscription(broker, session, request, identifier);
    granted.push(subscription.qos);
    if (isOwedRetained(subscription, isReplacement)) replays.push(subscription);
  }
  broker.stats.subscriptionsCurrent = broker.router.trie.subscriptionCount;
  connection.sender.send({ cmd: 'suback', messageId: packet.messageId, granted });
  broker.log.debug('client-subscribed', { clientId: session.clientId, granted });
  for (const subscription of replays) replayRetained(broker, session, subscription);
}

function addSubscription(
  broker: Broker,
  session: BrokerSession,
  request: SubscriptionRequest,
  subscriptionIdentifier: number,
): Subscription {
  const { maxQos } = broker.config.mqtt;
  const subscription: Subscription = {
    topicFilter: request.topic,
    qos: request.qos < maxQos ? request.qos : maxQos, // [MQTT-3.2.2-10]
    noLocal: request.nl ?? false,
    retainAsPublished: request.rap ?? false,
    retainHandling: request.rh ?? 0,
    subscriptionIdentifier,
  };
  session.subscriptions.set(request.topic, subscription); // [MQTT-3.8.4-3]
  broker.router.trie.subscribe(session, subscription);
  return subscription;
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
  const { subscriptions } = connection.session as BrokerSession;
  if (subscriptions.size >= mqtt.maxSubscriptions && !subscriptions.has(topic)) {
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

function replayRetained(broker: Broker, session: BrokerSession, subscription: Subscription): void {
  const now = broker.runtime.now();
  let messages = broker.router.retained.match(subscription.topicFilter, now);
  if (subscription.noLocal) {
    messages = messages.filter((message) => message.publisherId !== session.clientId); // [MQTT-3.8.3-3]
  }
  if (messages.length === 0) return;
  const identifiers =
    subscription.subscriptionIdentifier === 0
      ? NO_IDENTIFIERS
      : [subscription.subscriptionIdentifier];
  session.replay(messages, subscription.qos, identifiers, now);
}

/** UNSUBSCRIBE (§3.10.4). What is queued already is still delivered. */
export function unsubscribe(
  broker: Broker,
  connection: Connection,
  packet: UnsubscribePacket,
): void {
  const session = connection.session as BrokerSession;
  const granted: number[] = [];
  const isIdInUse = connection.version === 5 && session.hasReceived(packet.messageId);
  for (const topicFilter of packet.unsubscriptions) {
    if (isIdInUse) {
      granted.push(ReasonCode.PacketIdentifierInUse);
      continue;
    }
    const existed = session.subscriptions.delete(topicFilter); // [MQTT-3.10.4-1]
    if (existed) broker.router.trie.unsubscribe(session, topicFilter);
    granted.push(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
  }
  broker.stats.subscriptionsCurrent = broker.router.trie.subscriptionCount;
  connection.sender.send({ cmd: 'unsuback', messageId: packet.messageId, granted });
}
