import { PacketType, type ProtocolVersion, type PublishPacket, type QoS } from '../packets.ts';
import { decodeTopicName } from '../topic.ts';
import { type DecodeLimits, NO_LIMITS } from '../wire/decode-limits.ts';
import { PacketError } from '../wire/packet-error.ts';
import { readProperties } from '../wire/properties.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { cited, rules } from '../wire/rules.ts';
import { findInvalidUtf8 } from '../wire/utf8.ts';

const EMPTY = new Uint8Array(0);

const PAYLOAD_FORMAT_INDICATOR = 0x01;
const MESSAGE_EXPIRY_INTERVAL = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const SUBSCRIPTION_IDENTIFIER = 0x0b;
const TOPIC_ALIAS = 0x23;
const USER_PROPERTY = 0x26;

/**
 * A PUBLISH in place: flags, numbers and offsets into the bytes it was read from, without a string or
 * an object of its own. One instance is used for any number of packets; what it says holds until the
 * next `read`, and as long as the bytes do.
 */
export class PublishView {
  buffer: Uint8Array = EMPTY;
  /** First byte of the fixed header. */
  start = 0;
  /** One past the packet. */
  end = 0;
  qos: QoS = 0;
  dup = false;
  retain = false;
  topicStart = 0;
  topicEnd = 0;
  /** 0 at QoS 0. */
  packetId = 0;
  /** The encoded properties without their length. */
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** 0: none. */
  topicAlias = 0;
  /** Seconds; -1: none. */
  messageExpiryInterval = -1;
  payloadFormatIndicator: 0 | 1 = 0;
  /** Whether there are properties that aren't forwarded as they are: alias, expiry, identifiers. */
  hasVolatileProperties = false;
  /** The properties that are forwarded, encoded, where they lie side by side; else see `isScattered`. */
  forwardedStart = 0;
  forwardedEnd = 0;
  /** Whether there are others between those that are forwarded: only `forwardedProperties` has them. */
  isScattered = false;

  /**
   * Reads a packet and checks all of it but the characters of the topic name, which are for
   * `decodeTopicName`: a receiver checks them once for each topic, not for each packet.
   *
   * @param receiver - a server refuses subscription identifiers [MQTT-3.3.4-6]
   * @param limits - of the receiver; none by default
   * @throws {PacketError}
   */
  read(
    buffer: Uint8Array,
    start: number,
    bodyStart: number,
    end: number,
    version: ProtocolVersion,
    receiver: 'server' | 'client' | 'either',
    limits: DecodeLimits = NO_LIMITS,
  ): void {
    const firstByte = buffer[start] as number;
    const qos = ((firstByte >> 1) & 3) as QoS;
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.qos = qos;
    this.dup = (firstByte & 8) !== 0;
    this.retain = (firstByte & 1) !== 0;
    let offset = bodyStart + 2;
    if (offset > end) throw truncated(bodyStart - start, version);
    this.topicStart = offset;
    offset += ((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number);
    this.topicEnd = offset;
    if (offset + (qos > 0 ? 2 : 0) > end) throw truncated(bodyStart - start, version);
    this.packetId = 0;
    if (qos > 0) {
      this.packetId = ((buffer[offset] as number) << 8) | (buffer[offset + 1] as number);
      if (this.packetId === 0) {
        throw new PacketError(
          ReasonCode.ProtocolError,
          cited(rules.packetId0, version),
          offset - start,
          'packet identifier 0',
        );
      }
      offset += 2;
    }
    this.topicAlias = 0;
    this.messageExpiryInterval = -1;
    this.payloadFormatIndicator = 0;
    this.hasVolatileProperties = false;
    this.forwardedStart = 0;
    this.forwardedEnd = 0;
    this.isScattered = false;
    if (version === 5) {
      if (offset >= end) throw truncated(offset - start, version);
      if (buffer[offset] === 0) {
        offset++;
        this.propertiesStart = offset;
        this.propertiesEnd = offset;
      } else {
        offset = this.#readProperties(offset, receiver, limits);
      }
    } else {
      this.propertiesStart = offset;
      this.propertiesEnd = offset;
    }
    this.payloadStart = offset;
    this.payloadEnd = end;
    if (this.topicStart === this.topicEnd && this.topicAlias === 0) {
      if (version === 5) {
        throw new PacketError(
          ReasonCode.ProtocolError,
          '§3.3.2.3.4',
          bodyStart - start,
          'empty topic name without a topic alias',
        );
      }
      throw new PacketError(
        ReasonCode.TopicNameInvalid,
        'MQTT-4.7.3-1',
        bodyStart - start,
        'empty topic name',
      );
    }
  }

  /** Whether its remaining length has more bytes than it needs, which MQTT 5 refuses: it isn't passed on as it came. */
  get hasPaddedLength(): boolean {
    return this.buffer[this.topicStart - 3] === 0; // the last byte of a length that isn't 0
  }

  /**
   * The properties that are forwarded: encoded, in their order, without topic alias, message expiry
   * interval and subscription identifiers. A copy.
   */
  forwardedProperties(): Uint8Array {
    const { buffer, forwardedStart, forwardedEnd } = this;
    if (forwardedStart === forwardedEnd) return EMPTY;
    const { slice } = Uint8Array.prototype;
    if (!this.isScattered) return slice.call(buffer, forwardedStart, forwardedEnd);
    return withoutVolatile(slice.call(buffer, this.propertiesStart, this.propertiesEnd));
  }

  /** The packet as an object; topic and payload are its own or views. @throws {PacketError} */
  toPacket(version: ProtocolVersion): PublishPacket {
    const { buffer, start, topicStart, topicEnd } = this;
    const packet: PublishPacket = {
      cmd: 'publish',
      qos: this.qos,
      dup: this.dup,
      retain: this.retain,
      topic: topicStart === topicEnd ? '' : decodeTopicName(buffer, topicStart, topicEnd, start),
      payload: buffer.subarray(this.payloadStart, this.payloadEnd),
    };
    if (this.qos > 0) packet.messageId = this.packetId;
    if (version === 5 && this.propertiesStart < this.propertiesEnd) {
      // The length stands right before the properties; its size follows from its value.
      const length = this.propertiesEnd - this.propertiesStart;
      const lengthSize = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
      const reader = new PacketReader(
        buffer,
        start,
        this.propertiesStart - lengthSize,
        this.end,
        5,
      );
      const properties = readProperties(reader, PacketType.PUBLISH);
      if (properties !== undefined) packet.properties = properties;
    }
    return packet;
  }

  /** Reads and checks the properties from their length on; returns the offset after them. */
  #readProperties(
    start: number,
    receiver: 'server' | 'client' | 'either',
    limits: DecodeLimits,
  ): number {
    const { buffer } = this;
    const reader = new PacketReader(buffer, this.start, start, this.end, 5, limits);
    const length = reader.variableByteInteger();
    if (reader.offset + length > this.end)
      throw reader.malformed('§2.2.2.1', 'property length', start);
    reader.checkPropertiesSize(length);
    this.propertiesStart = reader.offset;
    this.propertiesEnd = reader.offset + length;
    reader.end = this.propertiesEnd;
    let seen = 0;
    while (!reader.isAtEnd) {
      const offset = reader.offset;
      const id = reader.variableByteInteger();
      if (id !== USER_PROPERTY && id !== SUBSCRIPTION_IDENTIFIER) {
        const bit = id === TOPIC_ALIAS ? 1 : id < 16 ? 1 << (id + 1) : 0;
        if ((seen & bit) !== 0) {
          throw reader.error(
            ReasonCode.ProtocolError,
            '§2.2.2.2',
            'property more than once',
            offset,
          );
        }
        seen |= bit;
      }
      this.#readProperty(reader, id, offset, receiver);
      const isVolatile =
        id === MESSAGE_EXPIRY_INTERVAL || id === TOPIC_ALIAS || id === SUBSCRIPTION_IDENTIFIER;
      if (isVolatile) this.hasVolatileProperties = true;
      else this.#noteForwarded(offset, reader.offset);
    }
    return this.propertiesEnd;
  }

  /** A property that is forwarded lies in `buffer[start, end)`. */
  #noteForwarded(start: number, end: number): void {
    if (this.forwardedEnd === 0) this.forwardedStart = start;
    else if (this.forwardedEnd !== start) this.isScattered = true;
    this.forwardedEnd = end;
  }

  #readProperty(
    reader: PacketReader,
    id: number,
    offset: number,
    receiver: 'server' | 'client' | 'either',
  ): void {
    switch (id) {
      case PAYLOAD_FORMAT_INDICATOR: {
        const value = reader.byte();
        if (value > 1) {
          throw reader.error(
            ReasonCode.ProtocolError,
            '§3.3.2.3.2',
            'payload format indicator',
            offset,
          );
        }
        this.payloadFormatIndicator = value as 0 | 1;
        return;
      }
      case MESSAGE_EXPIRY_INTERVAL:
        this.messageExpiryInterval = reader.uint32();
        return;
      case CONTENT_TYPE:
        skipString(reader, 'MQTT-3.3.2-19');
        return;
      case RESPONSE_TOPIC: {
        const length = reader.uint16();
        reader.offset -= 2;
        const at = reader.offset + 2;
        skipString(reader, 'MQTT-3.3.2-13');
        decodeTopicName(reader.buffer, at, at + length, this.start); // [MQTT-3.3.2-14]
        return;
      }
      case CORRELATION_DATA:
        reader.binary();
        return;
      case SUBSCRIPTION_IDENTIFIER:
        if (receiver === 'server') {
          throw reader.error(
            ReasonCode.ProtocolError,
            'MQTT-3.3.4-6',
            'subscription identifier from a client',
            offset,
          );
        }
        if (reader.variableByteInteger() === 0) {
          throw reader.error(
            ReasonCode.ProtocolError,
            '§3.3.2.3.8',
            'subscription identifier 0',
            offset,
          );
        }
        return;
      case TOPIC_ALIAS:
        this.topicAlias = reader.uint16();
        if (this.topicAlias === 0) {
          throw reader.error(ReasonCode.TopicAliasInvalid, 'MQTT-3.3.2-8', 'topic alias 0', offset);
        }
        return;
      case USER_PROPERTY:
        reader.countUserProperty();
        skipString(reader, 'MQTT-1.5.7-1');
        skipString(reader, 'MQTT-1.5.7-1');
        return;
      default:
        throw reader.malformed('§2.2.2.2', 'property that does not belong to PUBLISH', offset);
    }
  }
}

/** Checks a string without making one. */
function skipString(reader: PacketReader, rule: string): void {
  const length = reader.uint16();
  const end = reader.offset + length;
  if (end > reader.end) throw reader.malformed('§2.1.4', 'string is truncated');
  const invalidAt = findInvalidUtf8(reader.buffer, reader.offset, end);
  if (invalidAt !== -1) {
    const isNull = reader.buffer[invalidAt] === 0;
    throw reader.malformed(isNull ? 'MQTT-1.5.4-2' : rule, 'string is not valid UTF-8', invalidAt);
  }
  reader.offset = end;
}

/**
 * Takes those properties out of encoded, valid PUBLISH or Will Properties that aren't forwarded: alias,
 * expiry, subscription identifiers, will delay. Changes `properties` and returns a part of it.
 */
export function withoutVolatile(properties: Uint8Array): Uint8Array {
  const reader = new PacketReader(properties, 0, 0, properties.length, 5);
  let length = 0;
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const isKept = skipProperty(reader);
    if (!isKept) continue;
    properties.copyWithin(length, start, reader.offset);
    length += reader.offset - start;
  }
  return properties.subarray(0, length);
}

const WILL_DELAY_INTERVAL = 0x18;

function skipProperty(reader: PacketReader): boolean {
  switch (reader.byte()) {
    case PAYLOAD_FORMAT_INDICATOR:
      reader.byte();
      return true;
    case MESSAGE_EXPIRY_INTERVAL:
    case WILL_DELAY_INTERVAL:
      reader.uint32();
      return false;
    case TOPIC_ALIAS:
      reader.uint16();
      return false;
    case SUBSCRIPTION_IDENTIFIER:
      reader.variableByteInteger();
      return false;
    case USER_PROPERTY:
      reader.binary();
      reader.binary();
      return true;
    default:
      reader.binary();
      return true;
  }
}

function truncated(offset: number, version: ProtocolVersion): PacketError {
  const rule = cited(rules.truncated, version);
  return new PacketError(ReasonCode.MalformedPacket, rule, offset, 'packet is truncated');
}
