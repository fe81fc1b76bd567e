import type { Subscription } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { isOwedRetained, replayAll } from '../../protocol/subscribe/owed-retained.ts';
import { isSame } from '../../protocol/subscribe/subscribe.ts';
import {
  namedInsideIdentifier,
  unnamedInsideIdentifier,
} from '../../sessions/inside-identifiers.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import type { Durability } from '../../sessions/sessions.ts';
import { subscriptionSize } from '../../sessions/subscriptions.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { type InsideSubscribeOptions, type InsideTerms, insideTerms } from './inside-options.ts';
import { InsidePeer } from './inside-peer.ts';
import { type InsideSubscription, PeerSubscription } from './inside-subscription.ts';

/**
 * Subscribes inside of the program: from now on, what matches is delivered or waits.
 *
 * @throws {EmbedError} `invalid-argument`, `not-available`, `quota-exceeded`, `storage-full`, `stopped`; the signal's reason when
 * it is aborted. Nothing has happened then
 */
export function subscribeInside(
  broker: Broker,
  filters: string | readonly string[],
  options: InsideSubscribeOptions = {},
): InsideSubscription {
  const terms = insideTerms(filters, options, broker.config);
  if (!broker.isServing) throw new EmbedError('stopped', 'the broker has been stopped');
  terms.signal?.throwIfAborted();
  const { name, sessionExpiry } = terms;
  const clientId =
    name === null
      ? unnamedInsideIdentifier(broker.runtime.uniqueId())
      : namedInsideIdentifier(name);
  const durability: Durability = sessionExpiry === 0 ? 'none' : 'session';
  checkRoom(broker, clientId, durability, terms);

  const { sessions, journal, runtime } = broker;
  const { session, dependsOn } = sessions.open(clientId, false, null, durability);
  session.expiryInterval = sessionExpiry;
  const peer = new InsidePeer(broker, session);
  broker.consumers.add(peer);
  const entry = sessions.join(session, null, null);
  const isNew = entry.number > 0 && !journal.hasSession(entry.number);
  const joined = entry.number > 0 ? journal.writeSession(entry) : dependsOn;
  session.attach(peer, terms.receiveMaximum, runtime.now());
  const subscribed = haveSubscriptions(broker, entry, terms.subscriptions);

  const ready = new Promise<void>((resolve, reject) => {
    journal.whenCommitted({
      position: Math.max(joined, subscribed),
      connection: peer,
      onCommitted: resolve,
      onRefused: () => {
        if (isNew) sessions.endUnstored(entry);
        peer.refuseStorage();
        reject(new EmbedError('storage-full', `${clientId}: no room for it on the disk`));
      },
    });
  });
  return new PeerSubscription(
    peer,
    ready,
    { whenCommitted: () => (session.isStored ? committed(broker) : Promise.resolve()) },
    terms.signal,
  );
}

/** @throws {EmbedError} when a limit is reached, or the disk has no room */
function checkRoom(
  { sessions, journal, memory, config }: Broker,
  clientId: string,
  durability: Durability,
  { subscriptions }: InsideTerms,
): void {
  const exceeded = (limit: string) =>
    new EmbedError('quota-exceeded', `broker.subscribe: ${limit} reached`);
  if (!sessions.hasRoomForSession(clientId)) throw exceeded('mqtt.max-sessions');
  if (subscriptions.length > config.mqtt.maxSubscriptions) throw exceeded('mqtt.max-subscriptions');
  const size = subscriptions.reduce((sum, one) => sum + subscriptionSize(one.topicFilter), 0);
  if (!memory.subscriptions.hasRoomFor(0, size)) {
    memory.subscriptions.refusals++;
    throw exceeded('mqtt.max-subscription-bytes or max-subscription-bytes-total');
  }
  if (durability === 'session' && !journal.isOpen) {
    throw new EmbedError('storage-full', 'broker.subscribe: the disk has no room for the session');
  }
}

/**
 * Has the session subscribed to these, and to nothing else.
 *
 * @returns the position of the last record of it; -1 when there is none
 */
function haveSubscriptions(
  broker: Broker,
  entry: SessionEntry,
  wanted: readonly Subscription[],
): number {
  const { journal } = broker;
  const { session, subscriptions } = entry;
  const filters = new Set(wanted.map(({ topicFilter }) => topicFilter));
  const removed = [...subscriptions.filters()].filter((topicFilter) => !filters.has(topicFilter));
  const added: Subscription[] = [];
  const replays: Subscription[] = [];
  for (const topicFilter of removed) subscriptions.remove(topicFilter);
  for (const subscription of wanted) {
    const former = subscriptions.get(subscription.topicFilter);
    if (former === undefined || !isSame(subscription, former)) {
      subscriptions.add(subscription);
      added.push(subscription);
    }
    if (isOwedRetained(subscription, former !== undefined)) replays.push(subscription);
  }
  let position = -1;
  if (session.isStored && removed.length > 0) {
    position = journal.writeUnsubscriptions(entry, removed);
  }
  if (session.isStored && added.length > 0) position = journal.writeSubscriptions(entry, added);
  // It isn't the slice of a connection: it has no end.
  for (const _ of replayAll(broker, entry, replays, position));
  return position;
}

function committed({ journal }: Broker): Promise<void> {
  return new Promise((resolve) => {
    journal.whenCommitted({
      position: journal.lastPosition,
      onCommitted: resolve,
      onRefused: resolve,
    });
  });
}
