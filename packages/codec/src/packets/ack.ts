import { PacketError } from '../wire/packet-error.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { encodeProperties, type ReasonProperties, readProperties } from '../wire/properties.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { type DecodeLimits, NO_LIMITS } from '../wire/receiver.ts';
import { cited, rules } from '../wire/rules.ts';
import { packetIdBytes, packetOf } from '../wire/writer.ts';

/** The acknowledgements of PUBLISH: §3.4 to §3.7. */
export interface AckPacket {
  cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  /** 1 to 65,535. */
  messageId: number;
  /** MQTT 5; absent on decode before. */
  reasonCode?: number;
  properties?: ReasonProperties;
}

type AckType =
  | typeof PacketType.PUBACK
  | typeof PacketType.PUBREC
  | typeof PacketType.PUBREL
  | typeof PacketType.PUBCOMP;

/** The size of an acknowledgement with a reason code and without properties, in bytes. */
export const ACK_SIZE_MAX = 5;

const TYPES = {
  puback: PacketType.PUBACK,
  pubrec: PacketType.PUBREC,
  pubrel: PacketType.PUBREL,
  pubcomp: PacketType.PUBCOMP,
} as const;

const CMDS = {
  [PacketType.PUBACK]: 'puback',
  [PacketType.PUBREC]: 'pubrec',
  [PacketType.PUBREL]: 'pubrel',
  [PacketType.PUBCOMP]: 'pubcomp',
} as const;

/** Of PUBACK and PUBREC (§3.4.2.1, §3.5.2.1). */
const RECEIVED_CODES: readonly number[] = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/** Of PUBREL and PUBCOMP (§3.6.2.1, §3.7.2.1). */
const RELEASED_CODES: readonly number[] = [0x00, 0x92];

/** The reason codes that an acknowledgement may have, and by which rule. */
const REASON_CODES = {
  [PacketType.PUBACK]: { allowed: RECEIVED_CODES, rule: 'MQTT-3.4.2-1' },
  [PacketType.PUBREC]: { allowed: RECEIVED_CODES, rule: 'MQTT-3.5.2-1' },
  [PacketType.PUBREL]: { allowed: RELEASED_CODES, rule: 'MQTT-3.6.2-1' },
  [PacketType.PUBCOMP]: { allowed: RELEASED_CODES, rule: 'MQTT-3.7.2-1' },
} as const;

// ------------------------------------------------------------------------- reading

/** An acknowledgement in place; one instance is used for any number of packets, and says what the last one did. */
export class AckView {
  packetId = 0;
  /** 0 where the packet has none. */
  reasonCode = 0;
  readonly #reader = new PacketReader();

  /**
   * Reads and checks `buffer[start, end)`, properties included. The packet's type is in its first byte.
   *
   * @param bodyStart - the first byte after the fixed header
   * @param limits - of the receiver; none by default
   * @throws {PacketError}
   */
  read(
    buffer: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
    version: ProtocolVersion,
    limits: DecodeLimits = NO_LIMITS,
  ): void {
    if (end - bodyStart < 2) {
      const rule = cited(rules.truncated, version);
      throw new PacketError(ReasonCode.MalformedPacket, rule, 0, 'packet is truncated');
    }
    this.packetId = ((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number);
    this.reasonCode = 0;
    if (this.packetId === 0) {
      const rule = cited(rules.packetId0, version);
      throw new PacketError(ReasonCode.ProtocolError, rule, 2, 'packet identifier 0');
    }
    if (end - bodyStart === 2) return;
    const type = ((buffer[start] as number) >> 4) as AckType;
    const reader = this.#reader.begin(buffer, start, bodyStart + 2, end, version, 'either', limits);
    if (version === 5) {
      this.reasonCode = readReasonCode(reader, type);
      if (!reader.isAtEnd) readProperties(reader, type);
    }
    reader.expectEnd();
    reader.release();
  }
}

/** The acknowledgement as an object. @throws {PacketError} */
export function readAck(reader: PacketReader): AckPacket {
  const type = ((reader.buffer[reader.base] as number) >> 4) as AckType;
  const packet: AckPacket = { cmd: CMDS[type], messageId: reader.packetId() };
  if (reader.version < 5) return packet;
  packet.reasonCode = reader.isAtEnd ? ReasonCode.Success : readReasonCode(reader, type);
  const properties = reader.isAtEnd ? undefined : readProperties(reader, type);
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readReasonCode(reader: PacketReader, type: AckType): number {
  const { allowed, rule } = REASON_CODES[type];
  return reader.reasonCode(allowed, rule);
}

// ------------------------------------------------------------------------- writing

/** What can be left out is: properties, then a reason code of success. @throws {TypeError} */
export function encodeAck(packet: AckPacket, version: ProtocolVersion): Uint8Array {
  const { cmd, messageId, reasonCode = ReasonCode.Success } = packet;
  const type = TYPES[cmd];
  const parts = [packetIdBytes(messageId)];
  if (version === 5) {
    const properties = encodeProperties(packet.properties, type);
    const hasProperties = properties.length > 1; // more than their length, which is 0
    if (reasonCode !== 0 || hasProperties) parts.push(Uint8Array.of(reasonCode));
    if (hasProperties) parts.push(properties);
  }
  return packetOf(firstByteOf(type), parts);
}

/**
 * Writes a PUBACK, PUBREC, PUBREL or PUBCOMP without properties: 4 bytes where success can be left out,
 * else 5 (§3.4.2.1).
 *
 * @param target - with room for `ACK_SIZE_MAX` bytes at `offset`
 * @param type - of the packet
 * @param reasonCode - ignored before MQTT 5
 * @returns the offset after the packet
 */
export function writeAck(
  target: Uint8Array,
  offset: number,
  type: number,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): number {
  const hasCode = version === 5 && reasonCode !== 0;
  target[offset] = firstByteOf(type);
  target[offset + 1] = hasCode ? 3 : 2;
  target[offset + 2] = packetId >> 8;
  target[offset + 3] = packetId & 0xff;
  if (!hasCode) return offset + 4;
  target[offset + 4] = reasonCode;
  return offset + 5;
}

/** Bit 1 is set in PUBREL [MQTT-3.6.1-1]. */
function firstByteOf(type: number): number {
  return (type << 4) | (type === PacketType.PUBREL ? 2 : 0);
}
