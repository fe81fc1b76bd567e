import { PacketError, PacketType, ReasonCode } from '@promptmq/codec';
import type { AckResult } from '@promptmq/session';
import type { Peer } from '../connection/peer.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';

import type { EventSink, EventSinks } from '../tracing/broker-events.ts';
import { eventClientOf } from '../tracing/client-events.ts';

/**
 * PUBACK, PUBREC and PUBCOMP: the client has taken a message that it was sent, or a step of that (§4.3).
 *
 * @throws {PacketError} when the QoS of the message doesn't allow this acknowledgement
 */
export function onAcknowledgement(
  connection: Peer,
  sinks: EventSinks,
  type: PacketType,
  packetId: number,
  reasonCode: number,
): void {
  const session = connection.session as BrokerSession;
  const now = connection.receivedAt;
  let result: AckResult = 'ok';
  switch (type) {
    case PacketType.PUBACK:
      result = session.onPuback(packetId, now);
      break;
    case PacketType.PUBREC:
      result = onPubrec(connection, session, packetId, reasonCode, now);
      break;
    case PacketType.PUBCOMP:
      result = session.onPubcomp(packetId, now);
      break;
  }
  connection.relievePublishers();
  if (sinks.ack !== null && result === 'ok') {
    reportAck(sinks.ack, connection, type, packetId, reasonCode);
  }
  if (result !== 'protocol-error') return;
  throw new PacketError(
    ReasonCode.ProtocolError,
    '§4.3',
    0,
    'an acknowledgement that the QoS of the message does not allow',
  );
}

/** Notifies listeners of a message that is settled now, as the client has said. */
function reportAck(
  sink: EventSink<'ack'>,
  connection: Peer,
  type: PacketType,
  packetId: number,
  reasonCode: number,
): void {
  // The exchange continues.
  if (type === PacketType.PUBREC && reasonCode < 0x80) return;
  const qos = type === PacketType.PUBACK ? 1 : 2;
  const topic = connection.sender.takeSentTopic(packetId);
  const event = { client: eventClientOf(connection), topic, packetId, qos, reasonCode } as const;
  sink(event, topic?.length ?? 0);
}

function onPubrec(
  connection: Peer,
  session: BrokerSession,
  packetId: number,
  reasonCode: number,
  now: number,
): AckResult {
  const result = session.onPubrec(packetId, reasonCode, now);
  if (result === 'unknown' && reasonCode < 0x80) {
    const notFound = ReasonCode.PacketIdentifierNotFound;
    connection.sender.sendAck(PacketType.PUBREL, packetId, notFound);
  } else if (result === 'ok' && reasonCode < 0x80) {
    connection.sendPubrel(packetId); // [MQTT-4.3.3-4]
  }
  return result;
}
