import { generatePacket } from '../wire/mqtt-packet.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { type ReasonProperties, readProperties } from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { rules } from '../wire/rules.ts';

/** §3.15.2.2 */
export interface AuthProperties extends ReasonProperties {
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
}

/** §3.15. MQTT 5 only. */
export interface AuthPacket {
  cmd: 'auth';
  /** 0x00, 0x18 or 0x19. */
  reasonCode: number;
  properties?: AuthProperties;
}

/** §3.15.2.1 */
const REASON_CODES: readonly number[] = [
  ReasonCode.Success,
  ReasonCode.ContinueAuthentication,
  ReasonCode.Reauthenticate,
];

/** @throws {PacketError} */
export function readAuth(reader: PacketReader): AuthPacket {
  if (reader.version < 5) {
    throw reader.malformed(rules.packetType15, 'packet type 15 before MQTT 5', reader.base);
  }
  const packet: AuthPacket = { cmd: 'auth', reasonCode: ReasonCode.Success };
  if (reader.isAtEnd) return packet;
  packet.reasonCode = reader.reasonCode(REASON_CODES, 'MQTT-3.15.2-1');
  if (reader.isAtEnd) return packet;
  const properties = readProperties(reader, PacketType.AUTH);
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeAuth(packet: AuthPacket, version: ProtocolVersion): Uint8Array {
  return generatePacket(packet, version);
}
