import type { ProtocolVersion, QoS } from '../wire/packet-type.ts';
import { encodeProperties, readProperties, type UserProperties } from '../wire/properties.ts';
import { WILL } from '../wire/property-table.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { decodeTopicName } from '../wire/topic-name.ts';
import { prefixedField } from '../wire/writer.ts';
import { withoutVolatile } from './publish-properties.ts';

/** §3.1.3.2 */
export interface WillProperties {
  /** Seconds; 0 by default. */
  willDelayInterval?: number;
  /** Whether the payload is UTF-8. */
  payloadFormatIndicator?: boolean;
  /** Seconds. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  userProperties?: UserProperties;
}

/** The message that is published for a client whose connection is lost (§3.1.2.5). */
export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  properties?: WillProperties;
  /**
   * Set by the decoder for MQTT 5: the encoded properties that the broker forwards with the will, in
   * their order, without the length, the will delay interval and the message expiry interval. A copy.
   */
  forwardedProperties?: Uint8Array;
}

/**
 * Reads the will of a CONNECT: properties, topic and payload (§3.1.3.2 to §3.1.3.4).
 *
 * @param flags - of the CONNECT
 * @throws {PacketError}
 */
export function readWill(reader: PacketReader, flags: number): Will {
  const propertiesOffset = reader.offset;
  let properties: WillProperties | undefined;
  let forwardedProperties: Uint8Array | undefined;
  if (reader.version === 5) {
    properties = readProperties(reader, WILL);
    if (properties !== undefined) {
      forwardedProperties = forwardedFrom(reader.buffer, propertiesOffset, reader.offset);
      if (properties.responseTopic !== undefined) {
        checkResponseTopic(reader, properties.responseTopic);
      }
    }
  }
  const topicStart = reader.offset + 2;
  reader.binary();
  const will: Will = {
    topic: decodeTopicName(reader.buffer, topicStart, reader.offset, reader.base),
    payload: reader.binary(),
    qos: ((flags >> 3) & 3) as QoS,
    retain: (flags & 0x20) !== 0,
  };
  if (properties !== undefined) will.properties = properties;
  if (forwardedProperties !== undefined) will.forwardedProperties = forwardedProperties;
  return will;
}

/** @param start - of valid Will Properties, at their length */
function forwardedFrom(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new PacketReader().begin(buffer, start, start, end, 5);
  reader.variableByteInteger();
  return withoutVolatile(Uint8Array.from(reader.rest()));
}

function checkResponseTopic(reader: PacketReader, topic: string): void {
  if (topic === '' || /[+#]/.test(topic)) {
    throw reader.error(ReasonCode.TopicNameInvalid, 'MQTT-3.3.2-14', 'response topic');
  }
}

/** The fields of a will in their order, in one buffer; its flags are those of the CONNECT. @throws {TypeError} */
export function encodeWill(will: Will, version: ProtocolVersion): Uint8Array {
  const topic = prefixedField(will.topic, 'will.topic');
  const payload = prefixedField(will.payload, 'will.payload');
  if (version < 5) return Buffer.concat([topic, payload]);
  return Buffer.concat([encodeProperties(will.properties, WILL), topic, payload]);
}
