import { checkFlags, checkMinimalLength } from '../wire/fixed-header.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { encodeProperties, readProperties, type UserProperties } from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { type Rule, rules } from '../wire/rules.ts';
import { packetOf, prefixedField } from '../wire/writer.ts';
import { encodeWill, readWill, type Will } from './will.ts';

/** §3.1.2.11 */
export interface ConnectProperties {
  /** Seconds; 0xffffffff: never. */
  sessionExpiryInterval?: number;
  /** PUBLISH packets at QoS 1 and 2 that the client takes at once; 1 to 65,535. */
  receiveMaximum?: number;
  /** Bytes, fixed header included; at least 1. */
  maximumPacketSize?: number;
  topicAliasMaximum?: number;
  requestResponseInformation?: boolean;
  requestProblemInformation?: boolean;
  userProperties?: UserProperties;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
}

/** §3.1 */
export interface ConnectPacket {
  cmd: 'connect';
  protocolId: 'MQTT' | 'MQIsdp';
  protocolVersion: ProtocolVersion;
  /**
   * Of a bridge of mosquitto: the highest bit of the protocol level, which no standard has. With 3.1 and 3.1.1 only;
   * MQTT 5 has subscription options for what it asks for.
   */
  bridgeMode?: boolean;
  /** Clean Start in 5.0, Clean Session before. */
  clean: boolean;
  clientId: string;
  /** Seconds; 0 turns keep alive off. */
  keepalive: number;
  username?: string;
  password?: Uint8Array;
  will?: Will;
  properties?: ConnectProperties;
}

/** The connect flags (§3.1.2.3). Those of a will are also read by `readWill`. */
const RESERVED = 0x01;
const CLEAN = 0x02;
const WILL_FLAG = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USER_NAME = 0x80;

/** Set in the protocol level by bridges of mosquitto. */
const BRIDGE_BIT = 0x80;

/**
 * The packet names its version, so that its fixed header is checked here, too. In MQTT 3.1 what flags announce
 * may be missing, and what they don't announce is ignored.
 *
 * @throws {PacketError}
 */
export function readConnect(reader: PacketReader): ConnectPacket {
  const { buffer, base, offset: bodyStart } = reader;
  const { protocolId, protocolVersion, bridgeMode } = readProtocol(reader);
  reader.version = protocolVersion;
  checkFlags(buffer[base] as number, protocolVersion);
  checkMinimalLength(buffer, base, bodyStart, protocolVersion);
  const flagsOffset = reader.offset;
  const flags = reader.byte();
  checkConnectFlags(reader, flags, flagsOffset);
  const keepalive = reader.uint16();
  const properties = protocolVersion === 5 ? readConnectProperties(reader) : undefined;
  const packet: ConnectPacket = {
    cmd: 'connect',
    protocolId,
    protocolVersion,
    clean: (flags & CLEAN) !== 0,
    keepalive,
    clientId: reader.string(rules.clientIdUtf8),
  };
  if (bridgeMode) packet.bridgeMode = true;
  if (properties !== undefined) packet.properties = properties;
  if ((flags & WILL_FLAG) !== 0) packet.will = readWill(reader, flags);
  if ((flags & USER_NAME) !== 0 && isPresent(reader, rules.userNamePresent)) {
    packet.username = reader.string(rules.userNameUtf8);
  }
  if ((flags & PASSWORD) !== 0 && isPresent(reader, rules.passwordPresent)) {
    packet.password = reader.binary();
    if (packet.username === undefined) checkPasswordAlone(reader, flagsOffset);
  }
  if (!reader.checks(rules.bytesAfterConnect)) reader.offset = reader.end;
  return packet;
}

type Protocol = Pick<ConnectPacket, 'protocolId' | 'protocolVersion'> & { bridgeMode: boolean };

/** Protocol name and level (§3.1.2.1, §3.1.2.2). */
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
  const bridgeMode = level === (BRIDGE_BIT | 3) || level === (BRIDGE_BIT | 4);
  const version = bridgeMode ? level & ~BRIDGE_BIT : level;
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

/** §3.1.2.3. MQTT 3.1 ignores the flags of a will where there is none. */
function checkConnectFlags(reader: PacketReader, flags: number, offset: number): void {
  if ((flags & RESERVED) !== 0 && reader.checks(rules.connectFlag0)) {
    throw reader.malformed(rules.connectFlag0, 'reserved connect flag', offset);
  }
  const hasWill = (flags & WILL_FLAG) !== 0;
  const willQoS = (flags >> 3) & 3;
  if (willQoS === 3 && (hasWill || reader.checks(rules.willQoSWithoutWill))) {
    throw reader.malformed(rules.willQoS3, 'will QoS 3', offset);
  }
  if (!hasWill && willQoS !== 0 && reader.checks(rules.willQoSWithoutWill)) {
    throw reader.malformed(rules.willQoSWithoutWill, 'will QoS without a will', offset);
  }
  if (!hasWill && (flags & WILL_RETAIN) !== 0 && reader.checks(rules.willRetainWithoutWill)) {
    throw reader.malformed(rules.willRetainWithoutWill, 'will retain without a will', offset);
  }
  if ((flags & (USER_NAME | PASSWORD)) === PASSWORD && reader.version === 4) {
    checkPasswordAlone(reader, offset);
  }
}

function readConnectProperties(reader: PacketReader): ConnectProperties | undefined {
  const properties: ConnectProperties | undefined = readProperties(reader, PacketType.CONNECT);
  if (
    properties?.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    throw reader.violation('§3.1.2.11.10', 'authentication data without a method');
  }
  return properties;
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

/**
 * By our own code, as mqtt-packet refuses what MQTT 5 allows: a password without a user name, and
 * an empty client identifier without Clean Start.
 *
 * @throws {TypeError} when a field has a value that the protocol has no encoding for
 */
export function encodeConnect(packet: ConnectPacket): Uint8Array {
  const { protocolVersion, keepalive, will, username, password } = packet;
  const level = protocolVersion | (packet.bridgeMode ? BRIDGE_BIT : 0);
  const parts: Uint8Array[] = [
    prefixedField(packet.protocolId, 'protocolId'),
    Uint8Array.of(level, connectFlags(packet), keepalive >> 8, keepalive & 0xff),
  ];
  if (protocolVersion === 5) parts.push(encodeProperties(packet.properties, PacketType.CONNECT));
  parts.push(prefixedField(packet.clientId, 'clientId'));
  if (will !== undefined) parts.push(encodeWill(will, protocolVersion));
  if (username !== undefined) parts.push(prefixedField(username, 'username'));
  if (password !== undefined) parts.push(prefixedField(password, 'password'));
  return packetOf(PacketType.CONNECT << 4, parts);
}

function connectFlags({ clean, will, username, password }: ConnectPacket): number {
  const willFlags =
    will === undefined ? 0 : WILL_FLAG | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0);
  return (
    (clean ? CLEAN : 0) |
    willFlags |
    (password === undefined ? 0 : PASSWORD) |
    (username === undefined ? 0 : USER_NAME)
  );
}
