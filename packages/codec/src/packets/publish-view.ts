import { PacketError } from '../wire/packet-error.ts';
import { PacketType, type ProtocolVersion, type QoS } from '../wire/packet-type.ts';
import { readProperties } from '../wire/properties.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { type DecodeLimits, NO_LIMITS, type Receiver } from '../wire/receiver.ts';
import { cited, type Rule, rules } from '../wire/rules.ts';
import { decodeTopicName } from '../wire/topic-name.ts';
import { variableByteIntegerSize } from '../wire/writer.ts';
import type { PublishPacket } from './publish.ts';
import {
  type PublishPropertiesView,
  readPublishProperties,
  withoutVolatile,
} from './publish-properties.ts';

const EMPTY = new Uint8Array(0);

/**
 * A PUBLISH in place: flags, numbers and offsets into the bytes it was read from, without a string or
 * an object of its own. One instance is used for any number of packets; what it says holds until the
 * next `read`, and as long as the bytes do. After `read` has thrown it says nothing. Offsets are in `buffer`, and ends
 * are exclusive: `buffer[topicStart, topicEnd)` is the topic name.
 */
export class PublishView implements PublishPropertiesView {
  buffer: Uint8Array = EMPTY;
  /** The first byte of the fixed header. */
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
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  topicAlias = 0;
  messageExpiryInterval = -1;
  payloadFormatIndicator: 0 | 1 = 0;
  hasVolatileProperties = false;
  forwardedStart = 0;
  forwardedEnd = 0;
  isScattered = false;
  /** Whether any of the fields that say something of properties has been set. */
  #hasProperties = false;
  readonly #reader = new PacketReader();

  /**
   * Reads `buffer[start, end)` and checks all of it but the characters of the topic name, which are for
   * `decodeTopicName`: a receiver checks them once for each topic, not for each packet.
   *
   * @param bodyStart - the first byte after the fixed header, which `FrameDecoder` has checked
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
    receiver: Receiver,
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
      if (this.packetId === 0) throw packetId0(offset - start, version);
      offset += 2;
    }
    if (this.#hasProperties) this.#forgetProperties();
    this.propertiesStart = offset;
    this.propertiesEnd = offset;
    if (version === 5) {
      if (offset >= end) throw truncated(offset - start, version);
      if (buffer[offset] === 0) {
        offset++;
        this.propertiesStart = offset;
        this.propertiesEnd = offset;
      } else {
        this.#hasProperties = true;
        const reader = this.#reader.begin(buffer, start, offset, end, version, receiver, limits);
        readPublishProperties(this, reader);
        reader.release();
        offset = this.propertiesEnd;
      }
    }
    this.payloadStart = offset;
    this.payloadEnd = end;
    if (this.topicStart === this.topicEnd && this.topicAlias === 0) {
      throw emptyTopic(bodyStart - start, version);
    }
  }

  #forgetProperties(): void {
    this.#hasProperties = false;
    this.topicAlias = 0;
    this.messageExpiryInterval = -1;
    this.payloadFormatIndicator = 0;
    this.hasVolatileProperties = false;
    this.forwardedStart = 0;
    this.forwardedEnd = 0;
    this.isScattered = false;
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

  /**
   * The packet as an object, whose binary fields are views.
   *
   * @param version - that it was read with
   * @throws {PacketError} for the characters of the topic name
   */
  toPacket(version: ProtocolVersion): PublishPacket {
    const { buffer, start, topicStart, topicEnd, propertiesStart, propertiesEnd } = this;
    const packet: PublishPacket = {
      cmd: 'publish',
      qos: this.qos,
      dup: this.dup,
      retain: this.retain,
      topic: topicStart === topicEnd ? '' : decodeTopicName(buffer, topicStart, topicEnd, start),
      payload: buffer.subarray(this.payloadStart, this.payloadEnd),
    };
    if (this.qos > 0) packet.messageId = this.packetId;
    if (version === 5 && propertiesStart < propertiesEnd) {
      const lengthStart =
        propertiesStart - variableByteIntegerSize(propertiesEnd - propertiesStart);
      const reader = new PacketReader().begin(buffer, start, lengthStart, this.end, version);
      const properties = readProperties(reader, PacketType.PUBLISH);
      if (properties !== undefined) packet.properties = properties;
    }
    return packet;
  }
}

function truncated(offset: number, version: ProtocolVersion): PacketError {
  return newError(
    ReasonCode.MalformedPacket,
    rules.truncated,
    version,
    offset,
    'packet is truncated',
  );
}

function packetId0(offset: number, version: ProtocolVersion): PacketError {
  return newError(
    ReasonCode.ProtocolError,
    rules.packetId0,
    version,
    offset,
    'packet identifier 0',
  );
}

function emptyTopic(offset: number, version: ProtocolVersion): PacketError {
  return version === 5
    ? new PacketError(
        ReasonCode.ProtocolError,
        '§3.3.2.3.4',
        offset,
        'empty topic name without a topic alias',
      )
    : new PacketError(ReasonCode.TopicNameInvalid, 'MQTT-4.7.3-1', offset, 'empty topic name');
}

function newError(
  reasonCode: number,
  rule: Rule,
  version: ProtocolVersion,
  offset: number,
  message: string,
): PacketError {
  return new PacketError(reasonCode, cited(rule, version), offset, message);
}
