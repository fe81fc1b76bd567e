import { type Packet as ForeignPacket, generate, writeToStream } from 'mqtt-packet';
import { variableByteIntegerSize, writeVariableByteInteger } from './packets/publish-writer.ts';
import {
  type AckPacket,
  type ConnectPacket,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type PublishPacket,
  type SubackPacket,
} from './packets.ts';
import { type Properties, WILL } from './wire/properties.ts';
import {
  field,
  prepareProperties,
  writeField,
  writeProperties,
  writeUint16,
} from './wire/property-encode.ts';

export interface EncodeOptions {
  /** Of the connection, 4 by default; CONNECT says its own. */
  readonly protocolVersion?: ProtocolVersion;
  /**
   * The receiver's limit, in bytes. User properties, then the reason string are left out where that
   * makes a packet fit (§3.2.2.3.9, §3.4.2.2.2 and others). A PUBLISH is never changed.
   */
  readonly maximumPacketSize?: number;
}

// Otherwise the first packet has a buffer made for each number up to 65,535: 7 MB, and a pause.
writeToStream.cacheNumbers = false;

const ACK_TYPES = {
  puback: PacketType.PUBACK,
  pubrec: PacketType.PUBREC,
  pubrel: PacketType.PUBREL,
  pubcomp: PacketType.PUBCOMP,
} as const;

/**
 * Encodes a packet.
 *
 * @returns the bytes, the caller's own; null when they can't be made to fit `maximumPacketSize`
 * @throws {Error} when a field has a value that the protocol has no encoding for
 */
export function encode(packet: Packet, options: EncodeOptions = {}): Uint8Array | null {
  const version =
    packet.cmd === 'connect' ? packet.protocolVersion : (options.protocolVersion ?? 4);
  const maximum = options.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  const bytes = encodeWhole(packet, version);
  if (bytes.length <= maximum) return bytes;
  for (const shorter of withFewerProperties(packet)) {
    const shorterBytes = encodeWhole(shorter, version);
    if (shorterBytes.length <= maximum) return shorterBytes;
  }
  return null;
}

/** The packet without user properties, then without its reason string as well. */
function* withFewerProperties(packet: Packet): Generator<Packet> {
  if (packet.cmd === 'publish' || packet.cmd === 'connect') return;
  if (!('properties' in packet) || packet.properties === undefined) return;
  const { userProperties, ...others } = packet.properties;
  yield { ...packet, properties: others } as Packet;
  const { reasonString, ...least } = others as { reasonString?: string };
  yield { ...packet, properties: least } as Packet;
}

function encodeWhole(packet: Packet, version: ProtocolVersion): Uint8Array {
  switch (packet.cmd) {
    case 'connect':
      return encodeConnect(packet);
    case 'publish':
      return encodePublish(packet, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodeAck(packet, version);
    case 'suback':
      // mqtt-packet refuses one without codes, which is the answer to a SUBSCRIBE without filters of MQTT 3.1.
      if (packet.granted.length === 0) return encodeEmptySuback(packet, version);
      return generate(toForeign(packet, version), { protocolVersion: version });
    default:
      return generate(toForeign(packet, version), { protocolVersion: version });
  }
}

/** What mqtt-packet takes: no fields of other versions. */
function toForeign(packet: Packet, version: ProtocolVersion): ForeignPacket {
  if (packet.cmd === 'unsuback' && version < 5) {
    return { cmd: 'unsuback', messageId: packet.messageId } as unknown as ForeignPacket;
  }
  if (packet.cmd === 'connack' && version === 3) {
    return { ...packet, sessionPresent: false } as unknown as ForeignPacket; // reserved in MQTT 3.1
  }
  return packet as unknown as ForeignPacket;
}

/**
 * §3.1. By our own code, as mqtt-packet refuses what MQTT 5 allows: a password without a user name, and
 * an empty client identifier without Clean Start.
 */
function encodeConnect(packet: ConnectPacket): Uint8Array {
  const { protocolVersion, will } = packet;
  const isV5 = protocolVersion === 5;
  const parts: Uint8Array[] = [
    lengthPrefixed(packet.protocolId, 'protocolId'),
    Uint8Array.of(protocolVersion | (packet.bridgeMode ? 0x80 : 0), connectFlags(packet)),
    Uint8Array.of(packet.keepalive >> 8, packet.keepalive & 0xff),
  ];
  if (isV5) parts.push(encodeProperties(packet.properties, PacketType.CONNECT));
  parts.push(lengthPrefixed(packet.clientId, 'clientId'));
  if (will !== undefined) {
    if (isV5) parts.push(encodeProperties(will.properties, WILL));
    parts.push(lengthPrefixed(will.topic, 'will.topic'));
    parts.push(lengthPrefixed(will.payload, 'will.payload'));
  }
  if (packet.username !== undefined) parts.push(lengthPrefixed(packet.username, 'username'));
  if (packet.password !== undefined) parts.push(lengthPrefixed(packet.password, 'password'));
  const body = Buffer.concat(parts);
  const bytes = allocate(PacketType.CONNECT << 4, body.length);
  bytes.set(body, bytes.length - body.length);
  return bytes;
}

function connectFlags({ clean, will, username, password }: ConnectPacket): number {
  const willFlags = will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
  return (
    (clean ? 0x02 : 0) |
    willFlags |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80)
  );
}

function encodeProperties(properties: object | undefined, packet: number): Uint8Array {
  const prepared = prepareProperties(properties as Properties | undefined, packet);
  const bytes = new Uint8Array(variableByteIntegerSize(prepared.size) + prepared.size);
  writeProperties(bytes, 0, prepared);
  return bytes;
}

function lengthPrefixed(value: string | Uint8Array, name: string): Uint8Array {
  const bytes = field(value, name);
  const prefixed = new Uint8Array(2 + bytes.length);
  writeField(prefixed, 0, bytes);
  return prefixed;
}

/** §3.3. One allocation of the exact size. */
function encodePublish(packet: PublishPacket, version: ProtocolVersion): Uint8Array {
  const { qos, dup, retain, payload } = packet;
  const topic = field(packet.topic, 'topic');
  const properties =
    version === 5
      ? prepareProperties(packet.properties as Properties | undefined, PacketType.PUBLISH)
      : null;
  const size =
    2 +
    topic.length +
    (qos > 0 ? 2 : 0) +
    (properties === null ? 0 : variableByteIntegerSize(properties.size) + properties.size) +
    payload.length;
  const bytes = allocate(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), size);
  let offset = writeField(bytes, bytes.length - size, topic);
  if (qos > 0) offset = writeUint16(bytes, offset, checkedPacketId(packet.messageId));
  if (properties !== null) offset = writeProperties(bytes, offset, properties);
  bytes.set(payload, offset);
  return bytes;
}

/** §3.4 to §3.7. What can be left out is: properties, then a reason code of success. */
function encodeAck(packet: AckPacket, version: ProtocolVersion): Uint8Array {
  const type = ACK_TYPES[packet.cmd];
  const reasonCode = packet.reasonCode ?? 0;
  const properties = prepareProperties(
    version === 5 ? (packet.properties as Properties | undefined) : undefined,
    type,
  );
  const hasProperties = properties.size > 0;
  const hasCode = version === 5 && (reasonCode !== 0 || hasProperties);
  const size =
    2 +
    (hasCode ? 1 : 0) +
    (hasProperties ? variableByteIntegerSize(properties.size) + properties.size : 0);
  const bytes = allocate((type << 4) | (type === PacketType.PUBREL ? 2 : 0), size);
  let offset = writeUint16(bytes, bytes.length - size, checkedPacketId(packet.messageId));
  if (hasCode) bytes[offset++] = reasonCode;
  if (hasProperties) writeProperties(bytes, offset, properties);
  return bytes;
}

function encodeEmptySuback(packet: SubackPacket, version: ProtocolVersion): Uint8Array {
  const properties =
    version === 5 ? encodeProperties(packet.properties, PacketType.SUBACK) : new Uint8Array(0);
  const bytes = allocate(PacketType.SUBACK << 4, 2 + properties.length);
  const start = bytes.length - 2 - properties.length;
  bytes.set(properties, writeUint16(bytes, start, checkedPacketId(packet.messageId)));
  return bytes;
}

/** A packet of the right size with its fixed header written. */
function allocate(firstByte: number, size: number): Uint8Array {
  const bytes = new Uint8Array(1 + variableByteIntegerSize(size) + size);
  bytes[0] = firstByte;
  writeVariableByteInteger(bytes, 1, size);
  return bytes;
}

function checkedPacketId(packetId: number | undefined): number {
  if (packetId !== undefined && packetId >= 1 && packetId <= 0xffff) return packetId;
  throw new TypeError('messageId must be from 1 to 65,535');
}
