import { type ConnectPacket, ReasonCode } from '@promptmq/codec';
import type { Peer } from '../../connection/peer.ts';
import type { ProtocolHost } from '../host.ts';
import type { Refusal } from './refusals.ts';

/** What the listener of a client says of its CONNECT; null when nothing. */
export function refusalByListener(
  { sessions, stats }: Pick<ProtocolHost, 'sessions' | 'stats'>,
  { transport }: Peer,
  { protocolVersion, clientId }: ConnectPacket,
): Refusal | null {
  const { listener = null } = transport;
  if (listener === null) return null;
  const { name, versions, maxConnections, clients } = listener;
  if (versions !== null && !versions.includes(protocolVersion)) {
    return {
      reasonCode: ReasonCode.UnsupportedProtocolVersion,
      why: `the listener ${name} doesn't take this version of MQTT`,
    };
  }
  if (clients.count < maxConnections) return null;
  // Who takes over its own session needs no more room.
  const former = sessions.connectionOf(clientId)?.transport.listener;
  if (former?.clients === clients) return null;
  stats.connectionsRefused++;
  return {
    reasonCode: ReasonCode.ServerBusy,
    why: `max-connections of the listener ${name} reached`,
  };
}
