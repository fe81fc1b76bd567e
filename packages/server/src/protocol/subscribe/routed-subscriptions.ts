import { PacketError, ReasonCode, type SubscribePacket } from '@promptmq/codec';
import type { Subscription } from '@promptmq/topics';
import type { Peer } from '../../connection/peer.ts';
import { countIn } from '../../runtime/stats.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import type { ProtocolHost } from '../host.ts';
import { answerOf } from './awaited-answer.ts';

/** A subscription that a SUBSCRIBE has added, and what there was of the same filter before. */
export interface AddedSubscription {
  readonly subscription: Subscription;
  readonly former: Subscription | undefined;
}

/** What SUBACK says where messages don't come from everywhere. */
const NOT_ROUTED = ReasonCode.UnspecifiedError;

/**
 * Waits until messages come from all other cells for what a SUBSCRIBE was granted: SUBACK promises that none is missed from
 * then on. Meanwhile nothing else that the client sends is processed.
 *
 * @param granted - reason codes, in the order of its filters
 * @returns false when another cell has not said so in time
 */
export function* awaitRouted(
  { announcements, faults }: ProtocolHost,
  connection: Peer,
  { subscriptions }: SubscribePacket,
  granted: readonly number[],
): Generator<void, boolean> {
  if (announcements === null) return true;
  // Also of those that were there already: nobody may have waited for them, as who subscribed has gone.
  const isEverywhere = subscriptions.every(
    ({ topic }, index) => (granted[index] as number) >= NOT_ROUTED || announcements.isRouted(topic),
  );
  if (isEverywhere) return true;
  return yield* answerOf(faults, connection, (onDone) => announcements.whenRouted(onDone));
}

/** Takes back what a SUBSCRIBE has added: what there was before holds again. */
function takeBack(
  host: ProtocolHost,
  entry: SessionEntry,
  added: readonly AddedSubscription[],
): void {
  const { session, subscriptions } = entry;
  const removed: string[] = [];
  const restored: Subscription[] = [];
  // The last first, as it may have the same filter twice.
  for (const { subscription, former } of added.toReversed()) {
    const { topicFilter } = subscription;
    // A reload, or an operator, may have taken it away, or changed it.
    if (subscriptions.get(topicFilter) !== subscription) continue;
    if (former === undefined) {
      subscriptions.remove(topicFilter);
      removed.push(topicFilter);
      host.clientEvents.subscriptionRevoked(session, topicFilter, 'cluster');
    } else {
      subscriptions.add(former);
      restored.push(former);
    }
  }
  // On a full disk they come back with a restart.
  if (!session.isStored || !host.journal.isOpen) return;
  if (restored.length > 0) host.journal.writeSubscriptions(entry, restored);
  if (removed.length > 0) host.journal.writeUnsubscriptions(entry, removed);
}

/**
 * Refuses what a SUBSCRIBE was granted, as messages for it would not come from everywhere.
 *
 * @returns the reason codes for SUBACK
 * @throws {PacketError} for MQTT 3.1, whose SUBACK can't say no: not to answer has to do, and the client tries again
 */
export function refuseUnrouted(
  host: ProtocolHost,
  connection: Peer,
  entry: SessionEntry,
  granted: readonly number[],
  added: readonly AddedSubscription[],
): number[] {
  takeBack(host, entry, added);
  const { clientId } = entry.session;
  host.clientLog.warn('subscriptions-unrouted', { clientId, count: added.length });
  if (connection.version === 3) {
    throw new PacketError(NOT_ROUTED, '§4.13', 0, 'another process has not answered in time');
  }
  return granted.map((code) => {
    if (code >= NOT_ROUTED) return code;
    countIn(host.stats.subscriptionsRefused, NOT_ROUTED);
    return NOT_ROUTED;
  });
}
