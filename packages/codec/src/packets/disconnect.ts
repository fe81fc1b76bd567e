import { generatePacket } from '../wire/mqtt-packet.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { type ReasonProperties, readProperties } from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';

/** §3.14.2.2 */
export interface DisconnectProperties extends ReasonProperties {
  /** Seconds; from a client only. */
  sessionExpiryInterval?: number;
  /** From a server only. */
  serverReference?: string;
}

/** §3.14 */
export interface DisconnectPacket {
  cmd: 'disconnect';
  /** MQTT 5. */
  reasonCode?: number;
  properties?: DisconnectProperties;
}

/** Reason codes that a client may send in DISCONNECT (§3.14.2.1). */
const FROM_CLIENT: readonly number[] = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];
/** Reason codes that a server may send in DISCONNECT (§3.14.2.1). */
export const SERVER_DISCONNECT_REASON_CODES: readonly number[] = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
  0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

/** By receiver. */
const REASON_CODES = {
  server: FROM_CLIENT,
  client: SERVER_DISCONNECT_REASON_CODES,
  either: [...FROM_CLIENT, ...SERVER_DISCONNECT_REASON_CODES],
};

/** @throws {PacketError} */
export function readDisconnect(reader: PacketReader): DisconnectPacket {
  if (reader.version < 5) return { cmd: 'disconnect' };
  const packet: DisconnectPacket = { cmd: 'disconnect', reasonCode: ReasonCode.Success };
  if (reader.isAtEnd) return packet;
  packet.reasonCode = reader.reasonCode(REASON_CODES[reader.receiver], 'MQTT-3.14.2-1');
  if (reader.isAtEnd) return packet;
  const properties = readDisconnectProperties(reader);
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function readDisconnectProperties(reader: PacketReader): DisconnectProperties | undefined {
  const properties: DisconnectProperties | undefined = readProperties(
    reader,
    PacketType.DISCONNECT,
  );
  if (reader.receiver === 'client' && properties?.sessionExpiryInterval !== undefined) {
    throw reader.violation('MQTT-3.14.2-2', 'session expiry interval from a server');
  }
  if (reader.receiver === 'server' && properties?.serverReference !== undefined) {
    throw reader.violation('§3.14.2.2.5', 'server reference from a client');
  }
  return properties;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeDisconnect(packet: DisconnectPacket, version: ProtocolVersion): Uint8Array {
  return generatePacket(packet, version);
}
