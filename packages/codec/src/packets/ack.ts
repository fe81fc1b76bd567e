import { type AckPacket, PacketType, type ProtocolVersion } from '../packets.ts';
import { type DecodeLimits, NO_LIMITS } from '../wire/decode-limits.ts';
import { PacketError } from '../wire/packet-error.ts';
import { readProperties } from '../wire/properties.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { cited, rules } from '../wire/rules.ts';

/** The size of an acknowledgement with a reason code and without properties, in bytes. */
export const ACK_SIZE_MAX = 5;

/** The reason codes of PUBACK and PUBREC (§3.4.2.1, §3.5.2.1). */
const RECEIVED_CODES: readonly number[] = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/** The reason codes of PUBREL and PUBCOMP (§3.6.2.1, §3.7.2.1). */
const RELEASED_CODES: readonly number[] = [0x00, 0x92];

/** What the rules call the acknowledgement's reason code, by packet type. */
const CODE_RULES: Record<number, string> = {
  [PacketType.PUBACK]: 'MQTT-3.4.2-1',
  [PacketType.PUBREC]: 'MQTT-3.5.2-1',
  [PacketType.PUBREL]: 'MQTT-3.6.2-1',
  [PacketType.PUBCOMP]: 'MQTT-3.7.2-1',
};

/** A PUBACK, PUBREC, PUBREL or PUBCOMP in place; one instance is used for any number of packets. */
export class AckView {
  packetId = 0;
  reasonCode = 0;

  /**
   * Reads and checks a packet, properties included. Its type is in the first byte.
   *
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
    const type = (buffer[start] as number) >> 4;
    const reader = new PacketReader(buffer, start, bodyStart + 2, end, version, limits);
    if (version === 5) {
      this.reasonCode = readReasonCode(reader, type);
      if (!reader.isAtEnd) readProperties(reader, type);
    }
    reader.expectEnd();
  }
}

/** The acknowledgement as an object. @throws {PacketError} */
export function decodeAck(reader: PacketReader, type: number, version: ProtocolVersion): AckPacket {
  const cmds = ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const;
  const packet: AckPacket = {
    cmd: cmds[type - PacketType.PUBACK] as AckPacket['cmd'],
    messageId: reader.packetId(),
  };
  if (version === 5) {
    packet.reasonCode = reader.isAtEnd ? ReasonCode.Success : readReasonCode(reader, type);
    const properties = reader.isAtEnd ? undefined : readProperties(reader, type);
    if (properties !== undefined) packet.properties = properties;
  }
  return packet;
}

function readReasonCode(reader: PacketReader, type: number): number {
  const reasonCode = reader.byte();
  const allowed =
    type === PacketType.PUBACK || type === PacketType.PUBREC ? RECEIVED_CODES : RELEASED_CODES;
  if (!allowed.includes(reasonCode)) {
    throw reader.error(
      ReasonCode.ProtocolError,
      CODE_RULES[type] as string,
      'reason code that this packet does not have',
      reader.offset - 1,
    );
  }
  return reasonCode;
}

/**
 * Writes a PUBACK, PUBREC, PUBREL or PUBCOMP without properties: 4 bytes where success can be left out,
 * else 5 (§3.4.2.1).
 *
 * @param target - with room for `ACK_SIZE_MAX` bytes at `offset`
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
  target[offset] = (type << 4) | (type === PacketType.PUBREL ? 2 : 0);
  target[offset + 1] = hasCode ? 3 : 2;
  target[offset + 2] = packetId >> 8;
  target[offset + 3] = packetId & 0xff;
  if (!hasCode) return offset + 4;
  target[offset + 4] = reasonCode;
  return offset + 5;
}
