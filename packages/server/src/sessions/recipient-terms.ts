import { Delivery, type Message, STORED_MESSAGE } from '@promptmq/session';
import { NO_IDENTIFIERS, type Recipient, type Subscription } from '@promptmq/topics';
import { isOwnOf } from './inside-identifiers.ts';

/*
 * What one recipient gets of a message: whether at all, and with which QoS, RETAIN, identifiers and expiry. Messages that
 * are routed, retained ones, and those that are handed over to another member of a shared subscription ask here.
 */

type QoS = 0 | 1 | 2;

/** What a session gets that may have published the message itself; null when it gets nothing [MQTT-3.8.3-3]. */
export function recipientOf<S extends { readonly clientId: string }>(
  recipient: Recipient<S>,
  message: { readonly publisherId: string },
): Recipient<S> | null {
  // Mostly there is no No Local, and nothing to compare.
  if (recipient.whenOwn === recipient) return recipient;
  return isOwnOf(recipient.session.clientId, message.publisherId) ? recipient.whenOwn : recipient;
}

/**
 * The QoS and RETAIN of a message as it is published [MQTT-3.8.4-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13].
 *
 * @returns `qos << 1 | retain`
 */
export function flagsFor(
  qos: QoS,
  retain: boolean,
  recipient: Pick<Recipient<unknown>, 'qos' | 'retainAsPublished'>,
): number {
  const granted = qos < recipient.qos ? qos : recipient.qos;
  return (granted << 1) | (retain && recipient.retainAsPublished ? 1 : 0);
}

/** The delivery of a message with the flags of `flagsFor`. */
export function deliveryOf(
  message: Message,
  flags: number,
  { identifiers }: Pick<Recipient<unknown>, 'identifiers'>,
  group: string | null,
): Delivery {
  return new Delivery(message, (flags >> 1) as QoS, (flags & 1) !== 0, identifiers, group);
}

/** The delivery that another member of a shared subscription gets in the place of one. */
export function handedOver(
  { message, qos, retain, group }: Delivery,
  recipient: Recipient<unknown>,
): Delivery {
  // Of a message that isn't read, what is known is what its former delivery had.
  const published = message === STORED_MESSAGE ? { qos, retain } : message;
  const flags = flagsFor(published.qos, published.retain, recipient);
  return deliveryOf(message, flags, recipient, group);
}

/** Whether a new subscription is owed the retained messages of a publisher [MQTT-3.8.3-3]. */
export function isOwedRetainedOf(
  publisherId: string,
  subscription: Subscription,
  clientId: string,
): boolean {
  return !subscription.noLocal || !isOwnOf(clientId, publisherId);
}

/** The delivery of a retained message to a new subscription: RETAIN is set whatever it asks for (§3.3.1.3). */
export function retainedDelivery(message: Message, subscription: Subscription): Delivery {
  const { subscriptionIdentifier } = subscription;
  const identifiers = subscriptionIdentifier === 0 ? NO_IDENTIFIERS : [subscriptionIdentifier];
  const flags = flagsFor(message.qos, false, subscription) | 1;
  return deliveryOf(message, flags, { identifiers }, null);
}

/**
 * When a message expires, in milliseconds of the broker's time; Infinity when it never does.
 *
 * @param interval - its Message Expiry Interval in seconds; -1 for none
 * @param maxMs - what the broker keeps any message for, in milliseconds; Infinity for no limit
 * @param now - milliseconds of the broker's time
 */
export function expiryTime(interval: number, maxMs: number, now: number): number {
  return now + Math.min(interval < 0 ? Number.POSITIVE_INFINITY : interval * 1000, maxMs);
}

/** Seconds until a message expires, as a recipient gets it; -1 when it never does [MQTT-3.3.2-6]. */
export function remainingExpiry(expiresAt: number, now: number): number {
  if (expiresAt === Number.POSITIVE_INFINITY) return -1;
  return Math.max(0, Math.ceil((expiresAt - now) / 1000));
}
