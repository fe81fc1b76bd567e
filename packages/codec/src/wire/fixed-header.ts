import { PacketError } from './packet-error.ts';
import { PacketType, type ProtocolVersion } from './packet-type.ts';
import { ReasonCode } from './reason-code.ts';
import { cited, type Rule, rules } from './rules.ts';

/** What a first byte must have in bits 3 to 0, by packet type; PUBLISH is checked by itself (§2.1.3). */
const FIXED_FLAGS: readonly number[] = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];

/** What is wrong with a first byte. */
interface Fault {
  readonly rule: Rule;
  readonly message: string;
}

const TYPE_0: Fault = { rule: rules.packetType0, message: 'packet type 0' };
const QOS_3: Fault = { rule: rules.publishQoS3, message: 'QoS 3' };
const DUP_AT_QOS_0: Fault = { rule: rules.dupAtQoS0, message: 'DUP with QoS 0' };
const RESERVED_FLAGS: Fault = {
  rule: rules.reservedFlags,
  message: 'reserved flags of the fixed header',
};

/**
 * By version, then by the first byte of a packet (§2.1.1): 1 where a packet may begin with it, else 0. A CONNECT may have any
 * flags here: it names its version itself, and they are checked when that is known.
 */
const POSSIBLE = {
  3: Uint8Array.from({ length: 256 }, (_, byte) => Number(faultOf(byte, 3) === null)),
  4: Uint8Array.from({ length: 256 }, (_, byte) => Number(faultOf(byte, 4) === null)),
  5: Uint8Array.from({ length: 256 }, (_, byte) => Number(faultOf(byte, 5) === null)),
  /** While no CONNECT has named a version, it is the first packet [MQTT-3.1.0-1]. */
  none: Uint8Array.from({ length: 256 }, (_, byte) => Number(byte >> 4 === PacketType.CONNECT)),
};

/**
 * Which first bytes a packet may have: 1 at their index, 0 at that of the others. Shared: not to be changed.
 *
 * @param version - of the connection; null while no CONNECT has named it
 */
export function possibleFirstBytes(version: ProtocolVersion | null): Uint8Array {
  return POSSIBLE[version ?? 'none'];
}

/** The error for a first byte that is 0 in `possibleFirstBytes`. */
export function firstByteError(firstByte: number, version: ProtocolVersion | null): PacketError {
  if (version === null) {
    const message = 'the first packet is not a CONNECT';
    return new PacketError(ReasonCode.ProtocolError, 'MQTT-3.1.0-1', 0, message);
  }
  const { rule, message } = faultOf(firstByte, version) as Fault;
  return malformed(cited(rule, version), message);
}

function faultOf(firstByte: number, version: ProtocolVersion): Fault | null {
  const type = firstByte >> 4;
  if (type === 0) return TYPE_0;
  if (type === PacketType.CONNECT) return null;
  if (type !== PacketType.PUBLISH)
    return hasReservedFlags(firstByte, version) ? RESERVED_FLAGS : null;
  const qos = (firstByte >> 1) & 3;
  if (qos === 3) return QOS_3;
  const isDup = (firstByte & 8) !== 0;
  return qos === 0 && isDup && rules.dupAtQoS0[version] !== null ? DUP_AT_QOS_0 : null;
}

/** Bits 3 to 0, where they are reserved: in MQTT 3.1 they are unused. */
function hasReservedFlags(firstByte: number, version: ProtocolVersion): boolean {
  return (
    rules.reservedFlags[version] !== null && (firstByte & 0x0f) !== FIXED_FLAGS[firstByte >> 4]
  );
}

/** Checks the flags of a CONNECT, whose version is known. @throws {PacketError} */
export function checkFlags(firstByte: number, version: ProtocolVersion): void {
  if (!hasReservedFlags(firstByte, version)) return;
  throw malformed(cited(RESERVED_FLAGS.rule, version), RESERVED_FLAGS.message);
}

/**
 * Refuses a Remaining Length that has more bytes than it needs, a last one of 0 that isn't the only one: from MQTT 5 on.
 *
 * @param start - of the packet
 * @param bodyStart - first byte after the length
 * @throws {PacketError}
 */
export function checkMinimalLength(
  buffer: Uint8Array,
  start: number,
  bodyStart: number,
  version: ProtocolVersion,
): void {
  if (rules.minimalLength[version] === null) return;
  if (buffer[bodyStart - 1] !== 0 || bodyStart - start <= 2) return;
  const rule = cited(rules.minimalLength, version);
  throw malformed(rule, 'remaining length is not minimal', bodyStart - start - 1);
}

function malformed(rule: string, message: string, offset = 0): PacketError {
  return new PacketError(ReasonCode.MalformedPacket, rule, offset, message);
}
