import type { ConnectPacket, SubscribePacket, UnsubscribePacket } from '@promptmq/codec';
import type { Peer } from '../connection/peer.ts';
import type { SessionEntry } from '../sessions/session-entry.ts';

/*
 * What clients of a listener with a mount point write into their packets, as it is to all. From here on there is only that: rules,
 * hooks, limits and the log know whole topics.
 */

/** The topic of a will. */
export function mountWill({ mountPoint }: Peer, packet: ConnectPacket): void {
  const { will } = packet;
  if (mountPoint === null || will === undefined) return;
  packet.will = { ...will, topic: mountPoint.topic(will.topic) };
}

export function mountSubscriptions({ mountPoint }: Peer, packet: SubscribePacket): void {
  if (mountPoint === null) return;
  for (const request of packet.subscriptions) request.topic = mountPoint.filter(request.topic);
}

export function mountUnsubscriptions({ mountPoint }: Peer, packet: UnsubscribePacket): void {
  if (mountPoint === null) return;
  packet.unsubscriptions = packet.unsubscriptions.map((filter) => mountPoint.filter(filter));
}

/**
 * What a session has subscribed by way of another listener, and its client can't have by this one.
 *
 * @param refused - what it loses anyway
 */
export function filtersElsewhere(
  { mountPoint }: Peer,
  { subscriptions }: SessionEntry,
  refused: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  if (mountPoint === null) return refused;
  const elsewhere = [...subscriptions.filters()].filter((filter) => !mountPoint.covers(filter));
  return new Set([...elsewhere, ...(refused ?? [])]);
}
