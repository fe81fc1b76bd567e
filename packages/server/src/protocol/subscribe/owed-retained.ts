import type { Delivery, Message } from '@promptmq/session';
import { parseSharedFilter, type Subscription } from '@promptmq/topics';
import { UnitsFor } from '../../runtime/turns.ts';
import { mayBeSent } from '../../sessions/followers.ts';
import { isOwedRetainedOf, retainedDelivery } from '../../sessions/recipient-terms.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import type { ProtocolHost } from '../host.ts';

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; a shared subscription is owed none (§4.8.2). */
export function isOwedRetained(subscription: Subscription, isReplacement: boolean): boolean {
  if (subscription.retainHandling === 2) return false;
  if (subscription.retainHandling === 1 && isReplacement) return false;
  return parseSharedFilter(subscription.topicFilter) === null;
}

/** Has the session sent the retained messages that its new subscriptions are owed. */
export function* replayAll(
  host: ProtocolHost,
  entry: SessionEntry,
  subscriptions: readonly Subscription[],
  position: number,
): Generator<void> {
  const { turns } = host;
  for (const subscription of subscriptions) {
    if (turns.isOver) yield;
    turns.used += UnitsFor.filter;
    if (!entry.subscriptions.has(subscription.topicFilter)) continue;
    replayRetained(host, entry, subscription, position);
  }
}

/** @param position - of the subscription's record; nothing is sent before that is safe. -1: none */
function replayRetained(
  host: ProtocolHost,
  entry: SessionEntry,
  subscription: Subscription,
  position: number,
): void {
  const { router, runtime, journal } = host;
  const { session, subscriptions } = entry;
  const { topicFilter, noLocal } = subscription;
  const isOfBroker = topicFilter.startsWith('$');
  const isOwed = ({ publisherId, topic }: Message) =>
    isOwedRetainedOf(publisherId, subscription, session.clientId) &&
    (!isOfBroker || mayBeSent(session, topic));
  const toDelivery = (message: Message) => {
    const delivery = retainedDelivery(message, subscription);
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
        session.replayLater(
          noLocal || isOfBroker ? messages.filter(isOwed) : messages,
          toDelivery,
          now,
        );
      },
    });
    return;
  }
  if (!journal.isOpen) {
    // The disk has become full after the subscriptions were written.
    journal.whenRoom(() => {
      const isOwedStill = !session.isEnded && subscriptions.has(topicFilter);
      if (isOwedStill) replayRetained(host, entry, subscription, position);
    });
    return;
  }
  const now = runtime.now();
  const deliveries = router.retained.match(topicFilter, now).filter(isOwed).map(toDelivery);
  if (deliveries.length === 0) return;
  const stored: Delivery[] = [];
  for (const delivery of deliveries) {
    const recordPosition = journal.retainedPositionOf(delivery.message.topic);
    // Of what another cell keeps, there is no record here: the message is written with it.
    const isElsewhere = router.isKeptElsewhere(delivery.message);
    if (delivery.qos === 0 || (recordPosition === 0 && !isElsewhere)) continue;
    delivery.position = recordPosition;
    stored.push(delivery);
  }
  if (stored.length > 0) journal.writeReferences(session, stored);
  session.replay(deliveries, now);
}
