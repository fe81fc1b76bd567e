import { generatePacket } from '../wire/mqtt-packet.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { type ReasonProperties, readProperties, type UserProperties } from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { rules } from '../wire/rules.ts';
import { readTopicFilter } from '../wire/topic-filter.ts';

/** §3.10 */
export interface UnsubscribePacket {
  cmd: 'unsubscribe';
  /** 1 to 65,535. */
  messageId: number;
  /** Topic filters. */
  unsubscriptions: string[];
  properties?: { userProperties?: UserProperties };
}

/** §3.11 */
export interface UnsubackPacket {
  cmd: 'unsuback';
  /** 1 to 65,535. */
  messageId: number;
  /** Reason codes in the order of the filters; MQTT 5 only. */
  granted?: number[];
  properties?: ReasonProperties;
}

/** @throws {PacketError} */
export function readUnsubscribe(reader: PacketReader): UnsubscribePacket {
  const messageId = reader.packetId();
  const properties =
    reader.version === 5 ? readProperties(reader, PacketType.UNSUBSCRIBE) : undefined;
  if (reader.isAtEnd && reader.checks(rules.unsubscribeEmpty)) {
    throw reader.violation(rules.unsubscribeEmpty, 'no topic filter');
  }
  const unsubscriptions: string[] = [];
  while (!reader.isAtEnd) unsubscriptions.push(readTopicFilter(reader, 'MQTT-3.10.3-1'));
  const packet: UnsubscribePacket = { cmd: 'unsubscribe', messageId, unsubscriptions };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeUnsubscribe(packet: UnsubscribePacket, version: ProtocolVersion): Uint8Array {
  return generatePacket(packet, version);
}

/** §3.11.3 */
const REASON_CODES: readonly number[] = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];

/** @throws {PacketError} */
export function readUnsuback(reader: PacketReader): UnsubackPacket {
  const packet: UnsubackPacket = { cmd: 'unsuback', messageId: reader.packetId() };
  if (reader.version < 5) return packet;
  const properties = readProperties(reader, PacketType.UNSUBACK);
  if (reader.isAtEnd) throw reader.malformed('MQTT-3.11.3-2', 'no reason code');
  packet.granted = reader.reasonCodes(REASON_CODES, 'MQTT-3.11.3-2');
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion): Uint8Array {
  const { cmd, messageId } = packet;
  return generatePacket(version < 5 ? { cmd, messageId } : packet, version);
}
