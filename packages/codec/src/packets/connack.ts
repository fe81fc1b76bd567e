import { generatePacket } from '../wire/mqtt-packet.ts';
import { PacketType, type ProtocolVersion } from '../wire/packet-type.ts';
import { readProperties, type UserProperties } from '../wire/properties.ts';
import type { PacketReader } from '../wire/reader.ts';
import { rules } from '../wire/rules.ts';

/** §3.2.2.3. What is absent has the default that the standard says. */
export interface ConnackProperties {
  /** Seconds; 0xffffffff: never. */
  sessionExpiryInterval?: number;
  /** PUBLISH packets at QoS 1 and 2 that the server takes at once; 1 to 65,535. */
  receiveMaximum?: number;
  /** 0 or 1; absent for 2. */
  maximumQoS?: number;
  retainAvailable?: boolean;
  /** Bytes, fixed header included; at least 1. */
  maximumPacketSize?: number;
  assignedClientIdentifier?: string;
  topicAliasMaximum?: number;
  reasonString?: string;
  userProperties?: UserProperties;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdentifiersAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
  /** Seconds. */
  serverKeepAlive?: number;
  responseInformation?: string;
  serverReference?: string;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
}

/** §3.2 */
export interface ConnackPacket {
  cmd: 'connack';
  /** Always false in MQTT 3.1. */
  sessionPresent: boolean;
  /** MQTT 5. */
  reasonCode?: number;
  /** MQTT 3.1 and 3.1.1. */
  returnCode?: number;
  properties?: ConnackProperties;
}

/** §3.2.2.2 */
const REASON_CODES: readonly number[] = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];

/** MQTT 3.1.1, §3.2.2.3. */
const RETURN_CODES: readonly number[] = [0, 1, 2, 3, 4, 5];

/** @throws {PacketError} */
export function readConnack(reader: PacketReader): ConnackPacket {
  const { version } = reader;
  const flags = reader.byte();
  if (flags > 1 && reader.checks(rules.connackFlags)) {
    throw reader.malformed(rules.connackFlags, 'reserved flags', reader.offset - 1);
  }
  const sessionPresent = version > 3 && flags === 1;
  const code = reader.reasonCode(version === 5 ? REASON_CODES : RETURN_CODES, rules.connackCode);
  if (sessionPresent && code !== 0) {
    throw reader.violation(rules.sessionPresentWithError, 'session present with an error');
  }
  if (version < 5) return { cmd: 'connack', sessionPresent, returnCode: code };
  const properties = readProperties(reader, PacketType.CONNACK);
  const packet: ConnackPacket = { cmd: 'connack', sessionPresent, reasonCode: code };
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** @throws {Error} when a field has a value that the protocol has no encoding for */
export function encodeConnack(packet: ConnackPacket, version: ProtocolVersion): Uint8Array {
  // The flag is reserved in MQTT 3.1.
  return generatePacket(version === 3 ? { ...packet, sessionPresent: false } : packet, version);
}
