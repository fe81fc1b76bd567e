import { PacketError } from './packet-error.ts';
import { PacketType, type ProtocolVersion } from './packet-type.ts';
import { ReasonCode } from './reason-code.ts';
import { cited, rules } from './rules.ts';

/** What a first byte must have in bits 3 to 0, by packet type; PUBLISH is checked by itself (§2.1.3). */
const FIXED_FLAGS: readonly number[] = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];

/**
 * Checks the first byte of a packet (§2.1.1) as far as it can be: with the connection's version, but for CONNECT, which
 * says its own.
 *
 * @param version - null while no CONNECT has named it: then it is the first packet [MQTT-3.1.0-1]
 * @throws {PacketError}
 */
export function checkFirstByte(firstByte: number, version: ProtocolVersion | null): void {
  const type = firstByte >> 4;
  if (type === PacketType.CONNECT) return;
  if (version === null) throw notConnect();
  if (type === PacketType.PUBLISH) checkPublishFlags(firstByte & 0x0f, version);
  else if (type === 0) throw malformed(cited(rules.packetType0, version), 'packet type 0');
  else checkFlags(firstByte, version);
}

function notConnect(): PacketError {
  const message = 'the first packet is not a CONNECT';
  return new PacketError(ReasonCode.ProtocolError, 'MQTT-3.1.0-1', 0, message);
}

/** Bits 3 to 0, where they are reserved: in MQTT 3.1 they are unused. @throws {PacketError} */
export function checkFlags(firstByte: number, version: ProtocolVersion): void {
  if (rules.reservedFlags[version] === null) return;
  if ((firstByte & 0x0f) === FIXED_FLAGS[firstByte >> 4]) return;
  throw malformed(cited(rules.reservedFlags, version), 'reserved flags of the fixed header');
}

function checkPublishFlags(flags: number, version: ProtocolVersion): void {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw malformed(cited(rules.publishQoS3, version), 'QoS 3');
  if (qos === 0 && (flags & 8) !== 0 && rules.dupAtQoS0[version] !== null) {
    throw malformed(cited(rules.dupAtQoS0, version), 'DUP with QoS 0');
  }
}

/**
 * Whether a Remaining Length has more bytes than it needs: a last one of 0 that isn't the only one.
 *
 * @param start - of the packet
 * @param bodyStart - first byte after the length
 */
export function isLengthPadded(buffer: Uint8Array, start: number, bodyStart: number): boolean {
  return buffer[bodyStart - 1] === 0 && bodyStart - start > 2;
}

/** Refuses a padded length where it has to be minimal: from MQTT 5 on. @throws {PacketError} */
export function checkMinimalLength(
  buffer: Uint8Array,
  start: number,
  bodyStart: number,
  version: ProtocolVersion,
): void {
  if (rules.minimalLength[version] === null || !isLengthPadded(buffer, start, bodyStart)) return;
  const rule = cited(rules.minimalLength, version);
  throw malformed(rule, 'remaining length is not minimal', bodyStart - start - 1);
}

function malformed(rule: string, message: string, offset = 0): PacketError {
  return new PacketError(ReasonCode.MalformedPacket, rule, offset, message);
}
