import { PacketError, PacketType, ReasonCode } from '@promptmq/codec';
import type { Peer } from '../connection/peer.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';

/**
 * PUBACK, PUBREC and PUBCOMP: the client has taken a message that it was sent, or a step of that (§4.3).
 *
 * @throws {PacketError} when the QoS of the message doesn't allow this acknowledgement
 */
export function onAcknowledgement(
  connection: Peer,
  type: PacketType,
  packetId: number,
  reasonCode: number,
): void {
  const session = connection.session as BrokerSession;
  const now = connection.receivedAt;
  let isExpected = true;
  switch (type) {
    case PacketType.PUBACK:
      isExpected = session.onPuback(packetId, now) !== 'protocol-error';
      break;
    case PacketType.PUBREC:
      isExpected = onPubrec(connection, session, packetId, reasonCode, now);
      break;
    case PacketType.PUBCOMP:
      isExpected = session.onPubcomp(packetId, now) !== 'protocol-error';
      break;
  }
  connection.relievePublishers();
  if (isExpected) return;
  throw new PacketError(
    ReasonCode.ProtocolError,
    '§4.3',
    0,
    'an acknowledgement that the QoS of the message does not allow',
  );
}

/** @returns whether the QoS of the message allows PUBREC */
function onPubrec(
  connection: Peer,
  session: BrokerSession,
  packetId: number,
  reasonCode: number,
  now: number,
): boolean {
  const result = session.onPubrec(packetId, reasonCode, now);
  if (result === 'unknown' && reasonCode < 0x80) {
    const notFound = ReasonCode.PacketIdentifierNotFound;
    connection.sender.sendAck(PacketType.PUBREL, packetId, notFound);
  } else if (result === 'ok' && reasonCode < 0x80) {
    connection.sendPubrel(packetId); // [MQTT-4.3.3-4]
  }
  return result !== 'protocol-error';
}
