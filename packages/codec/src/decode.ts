import { isSharedFilter } from '@promptmq/topics';
import { decodeAck } from './packets/ack.ts';
import { PublishView, withoutVolatile } from './packets/publish-view.ts';
import {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type QoS,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
  type Will,
} from './packets.ts';
import { decodeTopicName, topicFilterError } from './topic.ts';
import { type DecodeLimits, NO_LIMITS } from './wire/decode-limits.ts';
import { checkFlags, checkMinimalLength } from './wire/fixed-header.ts';
import type { PacketError } from './wire/packet-error.ts';
import { readProperties, WILL } from './wire/properties.ts';
import { PacketReader } from './wire/reader.ts';
import { ReasonCode } from './wire/reason-code.ts';
import { type Rule, rules } from './wire/rules.ts';

/** Who reads the packet; `either` allows what only one side sends, for sniffers and proxies. */
export type Receiver = 'server' | 'client' | 'either';

const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH } =
  PacketType;

const FROM_SERVER: readonly number[] = [CONNACK, SUBACK, UNSUBACK, PINGRESP];
const FROM_CLIENT: readonly number[] = [CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ];

/**
 * Decodes one packet, as `FrameDecoder` passes it on.
 *
 * @param version - of the connection; CONNECT says its own
 * @param limits - of the receiver; none by default
 * @returns binary fields are views into `buffer`
 * @throws {PacketError}
 */
export function decodePacket(
  buffer: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  receiver: Receiver,
  limits: DecodeLimits = NO_LIMITS,
): Packet {
  const type = (buffer[start] as number) >> 4;
  if (type === PUBLISH) {
    const view = new PublishView();
    view.read(buffer, start, bodyStart, end, version, receiver, limits);
    return view.toPacket(version);
  }
  const reader = new PacketReader(buffer, start, bodyStart, end, version, limits);
  if (
    (receiver === 'server' ? FROM_SERVER : receiver === 'client' ? FROM_CLIENT : []).includes(type)
  ) {
    throw reader.error(
      ReasonCode.ProtocolError,
      rules.sentByThisSide,
      `packet type ${type} to a ${receiver}`,
      start,
    );
  }
  const packet = decodeBody(reader, type, version, receiver);
  reader.expectEnd();
  return packet;
}

function decodeBody(
  reader: PacketReader,
  type: number,
  version: ProtocolVersion,
  receiver: Receiver,
): Packet {
  switch (type) {
    case CONNECT:
      return decodeConnect(reader);
    case CONNACK:
      return decodeConnack(reader, version);
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return decodeAck(reader, type, version);
    case SUBSCRIBE:
      return decodeSubscribe(reader, version);
    case SUBACK:
      return decodeSuback(reader, version);
    case UNSUBSCRIBE:
      return decodeUnsubscribe(reader, version);
    case UNSUBACK:
      return decodeUnsuback(reader, version);
    case PINGREQ:
      return { cmd: 'pingreq' };
    case PINGRESP:
      return { cmd: 'pingresp' };
    case DISCONNECT:
      return decodeDisconnect(reader, version, receiver);
    default:
      return decodeAuth(reader, version);
  }
}

// ------------------------------------------------------------------------ CONNECT

/**
 * §3.1. It says of which version it is, so that its fixed header is checked here, too. In MQTT 3.1 what flags announce
 * may be missing, and what they don't announce is disregarded.
 */
function decodeConnect(reader: PacketReader): ConnectPacket {
  const { buffer, base, offset: bodyStart } = reader;
  const { protocolId, protocolVersion, bridgeMode } = readProtocol(reader);
  reader.version = protocolVersion;
  checkFlags(buffer[base] as number, protocolVersion);
  checkMinimalLength(buffer, base, bodyStart, protocolVersion);
  const flagsOffset = reader.offset;
  const flags = reader.byte();
  checkConnectFlags(reader, flags, flagsOffset);
  const keepalive = reader.uint16();
  const properties = protocolVersion === 5 ? readProperties(reader, CONNECT) : undefined;
  if (
    properties !== undefined &&
    'authenticationData' in properties &&
    !('authenticationMethod' in properties)
  ) {
    throw reader.error(
      ReasonCode.ProtocolError,
      '§3.1.2.11.10',
      'authentication data without a method',
    );
  }
  const packet: ConnectPacket = {
    cmd: 'connect',
    protocolId,
    protocolVersion,
    clean: (flags & 0x02) !== 0,
    keepalive,
    clientId: reader.string(rules.clientIdUtf8),
  };
  if (bridgeMode) packet.bridgeMode = true;
  if (properties !== undefined) packet.properties = properties;
  if ((flags & 0x04) !== 0) packet.will = readWill(reader, flags, protocolVersion);
  if ((flags & 0x80) !== 0 && isPresent(reader, rules.userNamePresent)) {
    packet.username = reader.string(rules.userNameUtf8);
  }
  if ((flags & 0x40) !== 0 && isPresent(reader, rules.passwordPresent)) {
    packet.password = reader.binary();
    if (packet.username === undefined) checkPasswordAlone(reader, flagsOffset);
  }
  if (!reader.checks(rules.bytesBehindConnect)) reader.offset = reader.end;
  return packet;
}

/** Whether a field that a flag announces is there: in MQTT 3.1 the packet may end before it. */
function isPresent(reader: PacketReader, rule: Rule): boolean {
  if (!reader.isAtEnd) return true;
  if (reader.checks(rule)) throw reader.malformed(rule, 'packet ends before a field of its flags');
  return false;
}

function checkPasswordAlone(reader: PacketReader, offset: number): void {
  if (!reader.checks(rules.passwordWithoutUserName)) return;
  throw reader.malformed(rules.passwordWithoutUserName, 'password without a user name', offset);
}

type Protocol = Pick<ConnectPacket, 'protocolId' | 'protocolVersion'> & { bridgeMode: boolean };

/**
 * Protocol name and level (§3.1.2.1, §3.1.2.2). Bridges of mosquitto set the highest bit of the levels of 3.1 and 3.1.1,
 * which no standard has.
 */
function readProtocol(reader: PacketReader): Protocol {
  const nameOffset = reader.offset;
  const protocolId = reader.string();
  if (protocolId !== 'MQTT' && protocolId !== 'MQIsdp') {
    throw reader.error(
      ReasonCode.UnsupportedProtocolVersion,
      'MQTT-3.1.2-1',
      'protocol name',
      nameOffset,
    );
  }
  const level = reader.byte();
  const bridgeMode = level === 0x83 || level === 0x84;
  const version = bridgeMode ? level & 0x7f : level;
  const isKnown = protocolId === 'MQTT' ? version === 4 || version === 5 : version === 3;
  if (!isKnown) {
    throw reader.error(
      ReasonCode.UnsupportedProtocolVersion,
      'MQTT-3.1.2-2',
      `protocol level ${level}`,
      reader.offset - 1,
    );
  }
  return { protocolId, protocolVersion: version as ProtocolVersion, bridgeMode };
}

/** §3.1.2.3. MQTT 3.1 disregards the flags of a will where there is none. */
function checkConnectFlags(reader: PacketReader, flags: number, offset: number): void {
  if ((flags & 0x01) !== 0 && reader.checks(rules.connectFlag0)) {
    throw reader.malformed(rules.connectFlag0, 'reserved connect flag', offset);
  }
  const hasWill = (flags & 0x04) !== 0;
  const willQoS = (flags >> 3) & 3;
  if (willQoS === 3 && (hasWill || reader.checks(rules.willQoSWithoutWill))) {
    throw reader.malformed(rules.willQoS3, 'will QoS 3', offset);
  }
  if (!hasWill && willQoS !== 0 && reader.checks(rules.willQoSWithoutWill)) {
    throw reader.malformed(rules.willQoSWithoutWill, 'will QoS without a will', offset);
  }
  if (!hasWill && (flags & 0x20) !== 0 && reader.checks(rules.willRetainWithoutWill)) {
    throw reader.malformed(rules.willRetainWithoutWill, 'will retain without a will', offset);
  }
  if ((flags & 0xc0) === 0x40 && reader.version === 4) checkPasswordAlone(reader, offset);
}

function readWill(reader: PacketReader, flags: number, version: ProtocolVersion): Will {
  const propertiesOffset = reader.offset;
  const properties = version === 5 ? readProperties(reader, WILL) : undefined;
  let forwardedProperties: Uint8Array | undefined;
  if (properties !== undefined) {
    const encoded = new PacketReader(reader.buffer, 0, propertiesOffset, reader.offset, 5);
    encoded.variableByteInteger();
    forwardedProperties = withoutVolatile(Uint8Array.from(encoded.rest()));
    const responseTopic = properties['responseTopic'];
    if (typeof responseTopic === 'string') checkResponseTopic(reader, responseTopic);
  }
  const topicBytes = reader.binary();
  const topicEnd = reader.offset;
  const will: Will = {
    topic: decodeTopicName(reader.buffer, topicEnd - topicBytes.length, topicEnd, reader.base),
    payload: reader.binary(),
    qos: ((flags >> 3) & 3) as QoS,
    retain: (flags & 0x20) !== 0,
  };
  if (properties !== undefined) will.properties = properties;
  if (forwardedProperties !== undefined) will.forwardedProperties = forwardedProperties;
  return will;
}

function checkResponseTopic(reader: PacketReader, topic: string): void {
  if (topic === '' || /[+#]/.test(topic)) {
    throw reader.error(ReasonCode.TopicNameInvalid, 'MQTT-3.3.2-14', 'response topic');
  }
}

// ------------------------------------------------------------------------ CONNACK

/** §3.2.2.2 */
const CONNECT_CODES: readonly number[] = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];

function decodeConnack(reader: PacketReader, version: ProtocolVersion): ConnackPacket {
  const flags = reader.byte();
  if (flags > 1 && reader.checks(rules.connackFlags)) {
    throw reader.malformed(rules.connackFlags, 'reserved flags', reader.offset - 1);
  }
  const sessionPresent = version > 3 && flags === 1;
  const code = reader.byte();
  const isKnown = version === 5 ? CONNECT_CODES.includes(code) : code <= 5;
  if (!isKnown) throw unknownCode(reader, rules.connackCode);
  if (sessionPresent && code !== 0) {
    throw reader.error(
      ReasonCode.ProtocolError,
      rules.sessionPresentWithError,
      'session present with an error',
    );
  }
  if (version < 5) return { cmd: 'connack', sessionPresent, returnCode: code };
  const properties = readProperties(reader, CONNACK);
  const packet: ConnackPacket = { cmd: 'connack', sessionPresent, reasonCode: code };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function unknownCode(reader: PacketReader, rule: Rule | string): PacketError {
  return reader.error(
    ReasonCode.ProtocolError,
    rule,
    'reason code that this packet does not have',
    reader.offset - 1,
  );
}

// ---------------------------------------------------------- SUBSCRIBE, UNSUBSCRIBE

function decodeSubscribe(reader: PacketReader, version: ProtocolVersion): SubscribePacket {
  const messageId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, SUBSCRIBE) : undefined;
  const subscriptions: SubscriptionRequest[] = [];
  if (reader.isAtEnd && reader.checks(rules.subscribeEmpty)) {
    throw reader.error(ReasonCode.ProtocolError, rules.subscribeEmpty, 'no topic filter');
  }
  while (!reader.isAtEnd) {
    checkFilterCount(reader, subscriptions.length);
    subscriptions.push(readSubscription(reader, version));
  }
  const packet: SubscribePacket = { cmd: 'subscribe', messageId, subscriptions };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** @param count - of the filters before the next one */
function checkFilterCount(reader: PacketReader, count: number): void {
  const { maxFiltersPerPacket } = reader.limits;
  if (count < maxFiltersPerPacket) return;
  throw reader.error(
    ReasonCode.QuotaExceeded,
    '§4.13',
    `more than ${maxFiltersPerPacket} topic filters`,
  );
}

function readSubscription(reader: PacketReader, version: ProtocolVersion): SubscriptionRequest {
  const topic = readTopicFilter(reader, 'MQTT-3.8.3-1');
  const options = reader.byte();
  const offset = reader.offset - 1;
  const qos = options & 3;
  if (qos === 3) throw reader.error(ReasonCode.ProtocolError, rules.subscribeQoS3, 'QoS 3', offset);
  const reserved = options & (version === 5 ? 0xc0 : 0xfc);
  if (reserved !== 0 && reader.checks(rules.subscribeReservedBits)) {
    throw reader.malformed(rules.subscribeReservedBits, 'reserved subscription options', offset);
  }
  if (version < 5) return { topic, qos: qos as QoS };
  const rh = (options >> 4) & 3;
  if (rh === 3)
    throw reader.error(ReasonCode.ProtocolError, '§3.8.3.1', 'retain handling 3', offset);
  const nl = (options & 4) !== 0;
  if (nl && isSharedFilter(topic)) {
    throw reader.error(
      ReasonCode.ProtocolError,
      'MQTT-3.8.3-4',
      'no local on a shared subscription',
      offset,
    );
  }
  return { topic, qos: qos as QoS, nl, rap: (options & 8) !== 0, rh: rh as 0 | 1 | 2 };
}

function readTopicFilter(reader: PacketReader, rule: string): string {
  const start = reader.offset;
  const filter = reader.string(rule);
  const broken = topicFilterError(filter, reader.version);
  if (broken !== null) {
    throw reader.error(ReasonCode.TopicFilterInvalid, broken, 'topic filter', start + 2);
  }
  return filter;
}

function decodeUnsubscribe(reader: PacketReader, version: ProtocolVersion): UnsubscribePacket {
  const messageId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, UNSUBSCRIBE) : undefined;
  const unsubscriptions: string[] = [];
  if (reader.isAtEnd && reader.checks(rules.unsubscribeEmpty)) {
    throw reader.error(ReasonCode.ProtocolError, rules.unsubscribeEmpty, 'no topic filter');
  }
  while (!reader.isAtEnd) {
    checkFilterCount(reader, unsubscriptions.length);
    unsubscriptions.push(readTopicFilter(reader, 'MQTT-3.10.3-1'));
  }
  const packet: UnsubscribePacket = { cmd: 'unsubscribe', messageId, unsubscriptions };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** §3.9.3, by version. */
const SUBSCRIBE_CODES_311: readonly number[] = [0x00, 0x01, 0x02, 0x80];
const SUBSCRIBE_CODES: readonly number[] = [
  0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2,
];

/** §3.11.3 */
const UNSUBSCRIBE_CODES: readonly number[] = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];

function decodeSuback(reader: PacketReader, version: ProtocolVersion): SubackPacket {
  const messageId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, SUBACK) : undefined;
  const granted = version === 3 ? readGrantedQoS(reader) : readSubackCodes(reader, version);
  const packet: SubackPacket = { cmd: 'suback', messageId, granted };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readSubackCodes(reader: PacketReader, version: ProtocolVersion): number[] {
  if (reader.isAtEnd) throw reader.malformed(rules.subackEmpty, 'no reason code');
  const allowed = version === 5 ? SUBSCRIBE_CODES : SUBSCRIBE_CODES_311;
  return readCodes(reader, allowed, rules.subackCode);
}

/** MQTT 3.1: the QoS of each subscription in two bits; the others are unused, and there may be no subscription. */
function readGrantedQoS(reader: PacketReader): number[] {
  const granted: number[] = [];
  while (!reader.isAtEnd) {
    const qos = reader.byte() & 3;
    if (qos === 3) throw unknownCode(reader, rules.subackCode);
    granted.push(qos);
  }
  return granted;
}

function decodeUnsuback(reader: PacketReader, version: ProtocolVersion): UnsubackPacket {
  const messageId = reader.packetId();
  const packet: UnsubackPacket = { cmd: 'unsuback', messageId };
  if (version < 5) return packet;
  const properties = readProperties(reader, UNSUBACK);
  if (reader.isAtEnd) throw reader.malformed('MQTT-3.11.3-2', 'no reason code');
  packet.granted = readCodes(reader, UNSUBSCRIBE_CODES, 'MQTT-3.11.3-2');
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readCodes(
  reader: PacketReader,
  allowed: readonly number[],
  rule: Rule | string,
): number[] {
  const codes: number[] = [];
  while (!reader.isAtEnd) {
    const code = reader.byte();
    if (!allowed.includes(code)) throw unknownCode(reader, rule);
    codes.push(code);
  }
  return codes;
}

// --------------------------------------------------------------- DISCONNECT, AUTH

/** §3.14.2.1: who may send which. */
const DISCONNECT_FROM_CLIENT: readonly number[] = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];
const DISCONNECT_FROM_SERVER: readonly number[] = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
  0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

function decodeDisconnect(
  reader: PacketReader,
  version: ProtocolVersion,
  receiver: Receiver,
): DisconnectPacket {
  if (version < 5) return { cmd: 'disconnect' };
  const packet: DisconnectPacket = { cmd: 'disconnect', reasonCode: ReasonCode.Success };
  if (reader.isAtEnd) return packet;
  const code = reader.byte();
  const isKnown =
    (receiver !== 'client' && DISCONNECT_FROM_CLIENT.includes(code)) ||
    (receiver !== 'server' && DISCONNECT_FROM_SERVER.includes(code));
  if (!isKnown) throw unknownCode(reader, 'MQTT-3.14.2-1');
  packet.reasonCode = code;
  if (reader.isAtEnd) return packet;
  const properties = readProperties(reader, DISCONNECT);
  if (properties === undefined) return packet;
  if (receiver === 'client' && 'sessionExpiryInterval' in properties) {
    throw reader.error(
      ReasonCode.ProtocolError,
      'MQTT-3.14.2-2',
      'session expiry interval from a server',
    );
  }
  if (receiver === 'server' && 'serverReference' in properties) {
    throw reader.error(ReasonCode.ProtocolError, '§3.14.2.2.5', 'server reference from a client');
  }
  packet.properties = properties;
  return packet;
}

/** §3.15.2.1 */
const AUTH_CODES: readonly number[] = [0x00, 0x18, 0x19];

function decodeAuth(reader: PacketReader, version: ProtocolVersion): AuthPacket {
  if (version < 5) {
    throw reader.malformed(rules.packetType15, 'packet type 15 before MQTT 5', reader.base);
  }
  const packet: AuthPacket = { cmd: 'auth', reasonCode: ReasonCode.Success };
  if (reader.isAtEnd) return packet;
  packet.reasonCode = reader.byte();
  if (!AUTH_CODES.includes(packet.reasonCode)) throw unknownCode(reader, 'MQTT-3.15.2-1');
  if (reader.isAtEnd) return packet;
  const properties = readProperties(reader, AUTH);
  if (properties !== undefined) packet.properties = properties;
  return packet;
}
