import type { Permissions } from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import type { Subscription } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { isHiddenFrom } from '../../protocol/subscribe/filter-refusals.ts';
import { isOwedRetained, replayAll } from '../../protocol/subscribe/owed-retained.ts';
import { isSame } from '../../protocol/subscribe/subscribe.ts';
import { isInsideIdentifier } from '../../sessions/inside-identifiers.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import { Arguments } from '../calls/arguments.ts';
import { committed } from '../calls/committed.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { checkFilter } from '../consume/inside-options.ts';
import { type ClientSubscription, clientSubscriptionOf } from './client-info.ts';

/** What a client is to be subscribed to. */
export interface ClientSubscribeRequest {
  /** The whole Topic Filter, also with `$share/NAME/`; for a client of a mount point, as the broker has it. */
  readonly topicFilter: string;
  /** 0 by default; less is granted where `mqtt.max-qos` is. */
  readonly qos?: 0 | 1 | 2 | undefined;
  /** False by default. */
  readonly noLocal?: boolean | undefined;
  /** False by default. */
  readonly retainAsPublished?: boolean | undefined;
  /** 0 by default. */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
}

/** `Clients.subscribe` */
export async function subscribeOnBehalf(
  broker: Broker,
  clientId: string,
  request: ClientSubscribeRequest,
): Promise<ClientSubscription | null> {
  const args = new Arguments('clients.subscribe');
  const subscription = subscriptionOf(broker, args, request);
  const entry = entryOf(broker, args, clientId);
  if (entry === null) return null;
  const { journal, clientEvents } = broker;
  const { session, subscriptions } = entry;
  checkAllowed(broker, entry, subscription);
  checkRoom(broker, entry, subscription);

  const connection = session.link?.connection ?? null;
  const former = subscriptions.get(subscription.topicFilter);
  let position = session.isStored ? journal.lastPosition : -1;
  if (former === undefined || !isSame(subscription, former)) {
    subscriptions.add(subscription);
    if (session.isStored) position = journal.writeSubscriptions(entry, [subscription]);
  }
  if (connection !== null) {
    connection.updateFilter();
    clientEvents.subscribed(connection, subscription, former === undefined);
  } else {
    clientEvents.subscribedInAbsence(clientId, subscription, former === undefined);
  }
  // Without a connection, QoS 0 is not kept (§4.1).
  const isKept = session.isConnected || subscription.qos > 0;
  if (isKept && isOwedRetained(subscription, former !== undefined)) {
    for (const _ of replayAll(broker, entry, [subscription], position));
  }
  if (session.isStored) {
    await committed(journal, `${clientId} has subscribed to ${subscription.topicFilter}`);
  }
  return clientSubscriptionOf(subscription);
}

/** `Clients.unsubscribe` */
export async function unsubscribeOnBehalf(
  broker: Broker,
  clientId: string,
  topicFilter: string,
): Promise<boolean> {
  const args = new Arguments('clients.unsubscribe');
  args.text('topicFilter', topicFilter);
  const entry = entryOf(broker, args, clientId);
  const { journal, clientEvents } = broker;
  if (entry?.subscriptions.has(topicFilter) !== true) return false;
  const { session, subscriptions } = entry;
  if (session.isStored && !journal.isOpen) throw noRoom(clientId);
  subscriptions.remove(topicFilter);
  clientEvents.subscriptionRevoked(session, topicFilter, 'administrator');
  if (session.isStored) {
    journal.writeUnsubscriptions(entry, [topicFilter]);
    await committed(journal, `${clientId} has no subscription to ${topicFilter} any more`);
  }
  return true;
}

function subscriptionOf(
  { config }: Broker,
  args: Arguments,
  request: ClientSubscribeRequest,
): Subscription {
  args.options(request, ['topicFilter', 'qos', 'noLocal', 'retainAsPublished', 'retainHandling']);
  const { topicFilter } = request;
  const noLocal = args.flag('noLocal', request.noLocal ?? false);
  checkFilter(args, topicFilter, config, noLocal);
  const qos = args.wholeNumber('qos', request.qos ?? 0, 0, 2);
  return {
    topicFilter,
    qos: Math.min(qos, config.mqtt.maxQos) as Subscription['qos'],
    noLocal,
    retainAsPublished: args.flag('retainAsPublished', request.retainAsPublished ?? false),
    retainHandling: args.wholeNumber('retainHandling', request.retainHandling ?? 0, 0, 2) as
      | 0
      | 1
      | 2,
    subscriptionIdentifier: 0,
  };
}

/** @throws {EmbedError} `invalid-argument`, `stopped`, `not-allowed` */
function entryOf(broker: Broker, args: Arguments, clientId: string): SessionEntry | null {
  args.text('clientId', clientId);
  if (!broker.isServing) throw new EmbedError('stopped', 'the broker has been stopped');
  if (isInsideIdentifier(clientId)) {
    throw new EmbedError('not-allowed', `${clientId} is a subscription inside of the program`);
  }
  return broker.sessions.find(clientId);
}

/** @throws {EmbedError} `not-allowed` */
function checkAllowed(
  broker: Broker,
  entry: SessionEntry,
  { topicFilter, qos }: Subscription,
): void {
  const permissions = permissionsOf(broker, entry);
  const rights = entry.session.link?.connection?.rights ?? entry.rights;
  const isHidden =
    broker.clientEvents.presence !== null && isHiddenFrom({ permissions, rights }, topicFilter);
  if (!isHidden && (permissions === null || permissions.maySubscribe(topicFilter, qos))) return;
  const rule = isHidden ? null : permissions?.decide('subscribe', topicFilter, qos).rule;
  const by = rule ? `by the rule ${rule}` : 'no rule allows it';
  const why = `${entry.session.clientId} may not subscribe to ${topicFilter}: ${by}`;
  throw new EmbedError('not-allowed', why, ReasonCode.NotAuthorized);
}

/** What the client may do, or may do when it comes back as whoever it was. */
function permissionsOf(
  { access }: Broker,
  { session, owner, rights }: SessionEntry,
): Permissions | null {
  const connection = session.link?.connection ?? null;
  if (connection !== null) return connection.permissions;
  const identity = { clientId: session.clientId, userName: owner };
  return access.permissionsOf(rights ?? { identity, own: null, limits: null });
}

/** @throws {EmbedError} `quota-exceeded`, `storage-full` */
function checkRoom(
  { journal, memory }: Broker,
  { session, subscriptions }: SessionEntry,
  { topicFilter, qos, retainHandling }: Subscription,
): void {
  const { clientId } = session;
  const exceeded = (limit: string) =>
    new EmbedError('quota-exceeded', `${clientId}: ${limit}`, ReasonCode.QuotaExceeded);
  if (!subscriptions.hasRoomFor(topicFilter)) {
    throw exceeded('mqtt.max-subscriptions, or the memory for subscriptions');
  }
  if (!session.isStored) return;
  if (!journal.isOpen) throw noRoom(clientId);
  const { replays } = memory;
  if (qos === 0 || retainHandling === 2 || replays.hasRoomFor(session.replays.bytes, 1)) return;
  replays.refusals++;
  throw exceeded('mqtt.max-replay-bytes');
}

function noRoom(clientId: string): EmbedError {
  return new EmbedError('storage-full', `no room on the disk to write what ${clientId} subscribes`);
}
