import { PacketType, type ProtocolVersion, type QoS } from '../wire/packet-type.ts';
import { encodeProperties, type UserProperties } from '../wire/properties.ts';
import { packetIdBytes, packetOf, prefixedField } from '../wire/writer.ts';

/** §3.3.2.3 */
export interface PublishProperties {
  /** Whether the payload is UTF-8. */
  payloadFormatIndicator?: boolean;
  /** Seconds. */
  messageExpiryInterval?: number;
  /** 1 to 65,535. */
  topicAlias?: number;
  responseTopic?: string;
  correlationData?: Uint8Array;
  userProperties?: UserProperties;
  /** One number, or an array where there are several; 1 to 268,435,455. */
  subscriptionIdentifier?: number | number[];
  contentType?: string;
}

/** §3.3. `PublishView` reads it, in place or as this object. */
export interface PublishPacket {
  cmd: 'publish';
  qos: QoS;
  dup: boolean;
  retain: boolean;
  /** Empty only in MQTT 5 together with a topic alias. */
  topic: string;
  payload: Uint8Array;
  /** Present when `qos` is 1 or 2; 1 to 65,535. */
  messageId?: number;
  properties?: PublishProperties;
}

/**
 * Encodes one PUBLISH from an object; `writePublish` writes one from ranges of buffers.
 *
 * @throws {TypeError} when a field has a value that the protocol has no encoding for
 */
export function encodePublish(packet: PublishPacket, version: ProtocolVersion): Uint8Array {
  const { qos, dup, retain, payload } = packet;
  const parts = [prefixedField(packet.topic, 'topic')];
  if (qos > 0) parts.push(packetIdBytes(packet.messageId));
  if (version === 5) parts.push(encodeProperties(packet.properties, PacketType.PUBLISH));
  parts.push(payload);
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  return packetOf((PacketType.PUBLISH << 4) | flags, parts);
}
