import { type DisconnectPacket, PacketError, ReasonCode } from '@promptmq/codec';
import type { Peer } from '../connection/peer.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { ProtocolHost } from './host.ts';

/** DISCONNECT: the client ends the connection (§3.14.4). */
export function disconnect(host: ProtocolHost, connection: Peer, packet: DisconnectPacket): void {
  const expiry = packet.properties?.sessionExpiryInterval;
  if (expiry !== undefined) {
    if (connection.sessionExpiryInterval === 0 && expiry !== 0) {
      throw new PacketError(
        ReasonCode.ProtocolError,
        '§3.14.2.2.2',
        0,
        'a session expiry interval in DISCONNECT after 0 in CONNECT',
      );
    }
    host.sessions.changeExpiry(connection.session as BrokerSession, expiry);
  }
  const reasonCode = packet.reasonCode ?? ReasonCode.Success;
  // [MQTT-3.14.4-3]: only a normal disconnection takes the will with it.
  const will = reasonCode === ReasonCode.Success ? 'discard-will' : 'send-will';
  connection.closeAsAsked(will, reasonCode);
}
