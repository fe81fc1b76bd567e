import type { Subscription } from './subscription.ts';

/** What `identifiers` is when there are none. */
export const NO_IDENTIFIERS: readonly number[] = Object.freeze([]);

/**
 * How one session receives the messages of one topic: the merge of its matching non-shared
 * subscriptions, or one of them where overlapping subscriptions are delivered each (§3.3.4).
 * Immutable once a match has returned it.
 */
export interface Recipient<S> {
  readonly session: S;
  /** The highest Maximum QoS of the subscriptions. [MQTT-3.3.4-2] */
  readonly qos: 0 | 1 | 2;
  /** True when any of the subscriptions asks for Retain As Published (§3.8.3.1). */
  readonly retainAsPublished: boolean;
  /** The identifiers of the subscriptions, repetitions included. [MQTT-3.3.4-3] [MQTT-3.3.4-4] */
  readonly identifiers: readonly number[];
  /**
   * How the session receives what it published itself: without its No Local subscriptions
   * [MQTT-3.8.3-3]. This recipient itself when none is No Local, null when all are.
   */
  readonly whenOwn: Recipient<S> | null;
}

/** The one class of recipients, so that deliveries see one shape. */
export class MatchedRecipient<S> implements Recipient<S> {
  readonly session: S;
  qos: 0 | 1 | 2;
  retainAsPublished: boolean;
  identifiers: readonly number[];
  whenOwn: MatchedRecipient<S> | null;
  /** The one Subscription it stands for; null when it merges several. */
  subscription: Subscription | null;

  constructor(session: S, subscription: Subscription) {
    const identifier = subscription.subscriptionIdentifier;
    this.session = session;
    this.qos = subscription.qos;
    this.retainAsPublished = subscription.retainAsPublished;
    this.identifiers = identifier === 0 ? NO_IDENTIFIERS : [identifier];
    this.whenOwn = subscription.noLocal ? null : this; // [MQTT-3.8.3-3]
    this.subscription = subscription;
  }
}

/**
 * Adds a subscription to what a session receives. The time is proportional to what is added, so a
 * session with many overlapping subscriptions is merged in linear time.
 *
 * @param merged - a subscription's own recipient, which is left as it is, or the result of an
 * earlier merge of the same match, which is changed
 * @param added - the recipient of another subscription of the same session
 */
export function mergeRecipient<S>(
  merged: MatchedRecipient<S>,
  added: MatchedRecipient<S>,
): MatchedRecipient<S> {
  const target = merged.subscription === null ? merged : copyRecipient(merged);
  if (target.whenOwn !== target) {
    target.whenOwn = mergeOwn(target.whenOwn, added);
  } else if (added.whenOwn === null) {
    target.whenOwn = copyRecipient(target);
  }
  absorb(target, added);
  return target;
}

function mergeOwn<S>(
  own: MatchedRecipient<S> | null,
  added: MatchedRecipient<S>,
): MatchedRecipient<S> | null {
  if (added.whenOwn === null) {
    return own;
  }
  if (own === null) {
    return added;
  }
  const target = own.subscription === null ? own : copyRecipient(own);
  absorb(target, added);
  return target;
}

/** A copy that may be changed; its `whenOwn` is itself unless all subscriptions are No Local. */
function copyRecipient<S>(recipient: MatchedRecipient<S>): MatchedRecipient<S> {
  const copy = new MatchedRecipient(recipient.session, recipient.subscription ?? MERGED);
  copy.qos = recipient.qos;
  copy.retainAsPublished = recipient.retainAsPublished;
  copy.identifiers =
    recipient.identifiers.length === 0 ? NO_IDENTIFIERS : recipient.identifiers.slice();
  copy.subscription = null;
  return copy;
}

function absorb<S>(target: MatchedRecipient<S>, added: MatchedRecipient<S>): void {
  if (added.qos > target.qos) {
    target.qos = added.qos;
  }
  if (added.retainAsPublished) {
    target.retainAsPublished = true;
  }
  if (added.identifiers.length === 0) {
    return;
  }
  if (target.identifiers === NO_IDENTIFIERS) {
    target.identifiers = added.identifiers.slice();
    return;
  }
  const identifiers = target.identifiers as number[];
  for (const identifier of added.identifiers) {
    identifiers.push(identifier);
  }
}

/** Stands in for the Subscription while a merge is copied. */
const MERGED: Subscription = {
  topicFilter: '',
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};
