import { ReasonCode, type UnsubscribePacket } from '@promptmq/codec';
import type { Peer } from '../../connection/peer.ts';
import { UnitsFor } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import { denialOf } from '../../tracing/client-events.ts';
import type { ProtocolHost } from '../host.ts';
import { answerWhenCommitted } from './committed-answer.ts';
import { refusalOfPacket } from './filter-refusals.ts';

/** UNSUBSCRIBE (§3.10.4). What is queued already is still delivered. It stops and may be broken off as `subscribe`. */
export function* unsubscribe(
  host: ProtocolHost,
  connection: Peer,
  packet: UnsubscribePacket,
): Generator<void> {
  const session = connection.session as BrokerSession;
  const { journal, turns, clientEvents } = host;
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
      if (isDenied(host, connection, topicFilter)) {
        granted.push(ReasonCode.NotAuthorized);
        continue;
      }
      const existed = entry.subscriptions.remove(topicFilter); // [MQTT-3.10.4-1]
      if (existed) {
        removed.push(topicFilter);
        clientEvents.unsubscribed(connection, topicFilter, 'client');
      }
      granted.push(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
    }
  } finally {
    position = storeUnsubscriptions(host, entry, removed);
  }
  if (position === null) {
    connection.disconnect(ReasonCode.QuotaExceeded, 'storage full', 'no room to store it');
    return;
  }
  answerWhenCommitted(host, connection, position, {
    cmd: 'unsuback',
    messageId: packet.messageId,
    granted,
  });
}

/** Whether the rules deny that the subscription is given up. Before MQTT 5 UNSUBACK can't say so. */
function isDenied({ clientEvents }: ProtocolHost, connection: Peer, topicFilter: string): boolean {
  const { permissions, clientId } = connection;
  if (permissions === null || permissions.mayUnsubscribe(topicFilter)) return false;
  const denial = denialOf(permissions.decide('unsubscribe', topicFilter));
  clientEvents.accessRefused(connection, clientId, 'unsubscribe', topicFilter, denial);
  return true;
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
  entry: SessionEntry,
  removed: readonly string[],
): number | null {
  const { journal } = host;
  const { session, subscriptions } = entry;
  if (!session.isStored) return -1;
  if (!journal.isOpen) {
    journal.whenRoom(() => {
      if (session.isEnded) return;
      const left = removed.filter((topicFilter) => !subscriptions.has(topicFilter));
      storeUnsubscriptions(host, entry, left);
    });
    return null;
  }
  // That there is none is only sure when an earlier UNSUBSCRIBE that took it away is safe.
  if (removed.length === 0) return journal.lastPosition;
  return journal.writeUnsubscriptions(entry, removed);
}
