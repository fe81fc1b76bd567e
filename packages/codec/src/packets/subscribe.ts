import { isSharedFilter } from '@promptmq/topics';
import { generatePacket } from '../wire/mqtt-packet.ts';
import { PacketType, type ProtocolVersion, type QoS } from '../wire/packet-type.ts';
import {
  encodeProperties,
  type ReasonProperties,
  readProperties,
  type UserProperties,
} from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { rules } from '../wire/rules.ts';
import { readTopicFilter } from '../wire/topic-filter.ts';
import { packetIdBytes, packetOf } from '../wire/writer.ts';

/** One Topic Filter with its Subscription Options (§3.8.3.1). `nl`, `rap` and `rh` are MQTT 5. */
export interface SubscriptionRequest {
  topic: string;
  qos: QoS;
  /** No Local. */
  nl?: boolean;
  /** Retain As Published. */
  rap?: boolean;
  /** Retain Handling. */
  rh?: 0 | 1 | 2;
}

/** §3.8 */
export interface SubscribePacket {
  cmd: 'subscribe';
  /** 1 to 65,535. */
  messageId: number;
  subscriptions: SubscriptionRequest[];
  properties?: { subscriptionIdentifier?: number; userProperties?: UserProperties };
}

/** §3.9 */
export interface SubackPacket {
  cmd: 'suback';
  /** 1 to 65,535. */
  messageId: number;
  /** Reason codes in the order of the subscriptions: the QoS, or 0x80 and above. */
  granted: number[];
  properties?: ReasonProperties;
}

// ---------------------------------------------------------------------- SUBSCRIBE

/** @throws {PacketError} */
export function readSubscribe(reader: PacketReader): SubscribePacket {
  const messageId = reader.packetId();
  const properties =
    reader.version === 5 ? readProperties(reader, PacketType.SUBSCRIBE) : undefined;
  if (reader.isAtEnd && reader.checks(rules.subscribeEmpty)) {
    throw reader.violation(rules.subscribeEmpty, 'no topic filter');
  }
  const subscriptions: SubscriptionRequest[] = [];
  while (!reader.isAtEnd) subscriptions.push(readSubscription(reader));
  const packet: SubscribePacket = { cmd: 'subscribe', messageId, subscriptions };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readSubscription(reader: PacketReader): SubscriptionRequest {
  const { version } = reader;
  const topic = readTopicFilter(reader, 'MQTT-3.8.3-1');
  const offset = reader.offset;
  const options = reader.byte();
  const qos = options & 3;
  if (qos === 3) throw reader.violation(rules.subscribeQoS3, 'QoS 3', offset);
  const reserved = options & (version === 5 ? 0xc0 : 0xfc);
  if (reserved !== 0 && reader.checks(rules.subscribeReservedBits)) {
    throw reader.malformed(rules.subscribeReservedBits, 'reserved subscription options', offset);
  }
  if (version < 5) return { topic, qos: qos as QoS };
  const rh = (options >> 4) & 3;
  if (rh === 3) throw reader.violation('§3.8.3.1', 'retain handling 3', offset);
  const nl = (options & 4) !== 0;
  if (nl && isSharedFilter(topic)) {
    throw reader.violation('MQTT-3.8.3-4', 'no local on a shared subscription', offset);
  }
  return { topic, qos: qos as QoS, nl, rap: (options & 8) !== 0, rh: rh as 0 | 1 | 2 };
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeSubscribe(packet: SubscribePacket, version: ProtocolVersion): Uint8Array {
  return generatePacket(packet, version);
}

// ------------------------------------------------------------------------- SUBACK

/** §3.9.3, by version. */
const REASON_CODES_311: readonly number[] = [0x00, 0x01, 0x02, 0x80];
const REASON_CODES: readonly number[] = [
  0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2,
];

/** @throws {PacketError} */
export function readSuback(reader: PacketReader): SubackPacket {
  const messageId = reader.packetId();
  const properties = reader.version === 5 ? readProperties(reader, PacketType.SUBACK) : undefined;
  const granted = reader.version === 3 ? readGrantedQoS(reader) : readSubackCodes(reader);
  const packet: SubackPacket = { cmd: 'suback', messageId, granted };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readSubackCodes(reader: PacketReader): number[] {
  if (reader.isAtEnd) throw reader.malformed(rules.subackEmpty, 'no reason code');
  return reader.reasonCodes(
    reader.version === 5 ? REASON_CODES : REASON_CODES_311,
    rules.subackCode,
  );
}

/** MQTT 3.1: the QoS of each subscription in two bits; the others are unused, and there may be no subscription. */
function readGrantedQoS(reader: PacketReader): number[] {
  const granted: number[] = [];
  while (!reader.isAtEnd) {
    const qos = reader.byte() & 3;
    if (qos === 3) throw reader.unknownReasonCode(rules.subackCode);
    granted.push(qos);
  }
  return granted;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeSuback(packet: SubackPacket, version: ProtocolVersion): Uint8Array {
  if (packet.granted.length > 0) return generatePacket(packet, version);
  // mqtt-packet refuses one without codes, which is the answer to a SUBSCRIBE without filters of MQTT 3.1.
  const parts = [packetIdBytes(packet.messageId)];
  if (version === 5) parts.push(encodeProperties(packet.properties, PacketType.SUBACK));
  return packetOf(PacketType.SUBACK << 4, parts);
}
