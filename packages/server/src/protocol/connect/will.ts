import type { Permissions } from '@promptmq/auth';
import { type ConnectPacket, decodeTopicName } from '@promptmq/codec';
import type { Peer } from '../../connection/peer.ts';
import type { PendingWill } from '../../sessions/pending-will.ts';
import { denialOf } from '../../tracing/client-events.ts';
import type { ProtocolHost } from '../host.ts';

const EMPTY = new Uint8Array(0);

export function pendingWillOf({ will }: ConnectPacket, publisherId: string): PendingWill | null {
  if (will === undefined) return null;
  const topicBytes = Buffer.from(will.topic);
  return {
    message: {
      topic: decodeTopicName(topicBytes, 0, topicBytes.length),
      topicBytes,
      // Copies: they are views into the read buffer.
      properties: Uint8Array.from(will.forwardedProperties ?? EMPTY),
      payload: Uint8Array.from(will.payload),
      qos: will.qos,
      retain: will.retain,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId,
    },
    delayInterval: will.properties?.willDelayInterval ?? 0,
    messageExpiryInterval: will.properties?.messageExpiryInterval ?? -1,
  };
}

/** A bridge is let in without the will that says that it is gone, rather than never. */
export function dropForbiddenWill(
  host: ProtocolHost,
  { userName }: Peer,
  clientId: string,
  permissions: Permissions | null,
  packet: ConnectPacket,
): void {
  const { will } = packet;
  if (will === undefined || isWillAllowed(will, permissions)) return;
  const denial = denialOf(permissions?.decide('publish', will.topic, will.qos, will.retain));
  host.clientEvents.willRefused(clientId, userName, will.topic, denial);
  delete packet.will;
}

export function isWillAllowed(
  will: ConnectPacket['will'],
  permissions: Permissions | null,
): boolean {
  if (will === undefined || permissions === null) return true;
  return permissions.mayPublish(will.topic, will.qos, will.retain);
}
