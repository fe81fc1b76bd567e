import {
  type ConnackPacket,
  type ConnackProperties,
  type ConnectPacket,
  PACKET_SIZE_MAX,
  type ProtocolVersion,
  ReasonCode,
} from '@promptmq/codec';
import type { Config } from '../../config/index.ts';
import type { Peer } from '../../connection/peer.ts';

/** The longest string that a packet can have (§1.5.4). */
const STRING_BYTES_MAX = 65_535;

/** §3.1.2.11.3. What a client that names no Receive Maximum can take. */
const RECEIVE_MAXIMUM_DEFAULT = 65_535;

/** The CONNACK of a client that is let in. */
export function connackOf(
  version: ProtocolVersion,
  isPresent: boolean,
  properties: ConnackProperties,
): ConnackPacket {
  if (version === 5) {
    return {
      cmd: 'connack',
      sessionPresent: isPresent,
      reasonCode: ReasonCode.Success,
      properties,
    };
  }
  // In MQTT 3.1 the byte that says it is reserved.
  return { cmd: 'connack', sessionPresent: isPresent && version === 4, returnCode: 0 };
}

/** The limits that differ from what a client assumes of itself (§3.2.2.3). */
export function announcedLimits({ mqtt }: Config, { maximumPacketSize }: Peer): ConnackProperties {
  const properties: ConnackProperties = {};
  if (mqtt.receiveMaximum !== RECEIVE_MAXIMUM_DEFAULT) {
    properties.receiveMaximum = mqtt.receiveMaximum;
  }
  if (mqtt.maxQos < 2) properties.maximumQoS = mqtt.maxQos;
  if (!mqtt.retainAvailable) properties.retainAvailable = false;
  if (maximumPacketSize < PACKET_SIZE_MAX) properties.maximumPacketSize = maximumPacketSize;
  if (mqtt.maxTopicAlias > 0) properties.topicAliasMaximum = mqtt.maxTopicAlias;
  if (!mqtt.wildcardAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!mqtt.subscriptionIdentifiersAvailable) properties.subscriptionIdentifiersAvailable = false;
  if (!mqtt.sharedSubAvailable) properties.sharedSubscriptionAvailable = false;
  return properties;
}

/** What a client is to make response topics from (§3.2.2.3.15); empty when there is nothing to say. */
export function responseInformation(
  { mqtt }: Config,
  clientId: string,
  { properties }: ConnectPacket,
): string {
  if (properties?.requestResponseInformation !== true) return ''; // [MQTT-3.1.2-28]
  // Replaced by a function: an identifier with $ in it stays as it is.
  const information = mqtt.responseInformation.replaceAll('%c', () => clientId);
  // One that names a long identifier several times may have no encoding: it is the client's to live without (§1.5.4).
  return Buffer.byteLength(information) <= STRING_BYTES_MAX ? information : '';
}

/**
 * The protocol version whose CONNACK a CONNECT is refused in, before anything else of it is trusted. A level above 5 is
 * answered as MQTT 5 says (0x84): whoever made it knew that version. All others are answered as 3.1.1 says (0x01).
 */
export function peekVersion(buffer: Uint8Array, bodyStart: number, end: number): ProtocolVersion {
  const nameLength = ((buffer[bodyStart] ?? 0) << 8) | (buffer[bodyStart + 1] ?? 0);
  const levelOffset = bodyStart + 2 + nameLength;
  const level = levelOffset < end ? (buffer[levelOffset] as number) : 0;
  return nameLength === 4 && level >= 5 && level < 0x80 ? 5 : 4;
}
