import { type Packet as ForeignPacket, generate } from 'mqtt-packet';
import {
  type AckPacket,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type PublishPacket,
} from './packets.ts';
import type { Properties } from './properties.ts';
import {
  field,
  prepareProperties,
  writeField,
  writeProperties,
  writeUint16,
} from './property-encode.ts';
import { variableByteIntegerSize, writeVariableByteInteger } from './publish-encode.ts';

export interface EncodeOptions {
  /** Of the connection, 4 by default; CONNECT says its own. */
  readonly protocolVersion?: ProtocolVersion;
  /**
   * The receiver's limit, in bytes. User properties, then the reason string are left out where that
   * makes a packet fit (§3.2.2.3.9, §3.4.2.2.2 and others). A PUBLISH is never changed.
   */
  readonly maximumPacketSize?: number;
}

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
    case 'publish':
      return encodePublish(packet, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodeAck(packet, version);
    default:
      return generate(toForeign(packet, version), { protocolVersion: version });
  }
}

/** What mqtt-packet takes: Buffers for bytes, and no fields of other versions. */
function toForeign(packet: Packet, version: ProtocolVersion): ForeignPacket {
  if (packet.cmd === 'connect') {
    const { will, password, ...others } = packet;
    const foreign: Record<string, unknown> = { ...others };
    if (password !== undefined) foreign['password'] = Buffer.from(password);
    if (will !== undefined) {
      const { forwardedProperties, ...kept } = will;
      foreign['will'] = { ...kept, payload: Buffer.from(will.payload) };
    }
    return foreign as unknown as ForeignPacket;
  }
  if (packet.cmd === 'unsuback' && version < 5) {
    return { cmd: 'unsuback', messageId: packet.messageId } as unknown as ForeignPacket;
  }
  return packet as unknown as ForeignPacket;
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
