import { PacketType } from '../wire/packet-type.ts';
import { readAll } from '../wire/properties.ts';
import { PropertyId } from '../wire/property-table.ts';
import { PacketReader } from '../wire/reader.ts';
import { ReasonCode } from '../wire/reason-code.ts';
import { decodeTopicName } from '../wire/topic-name.ts';
import type { PublishProperties } from './publish.ts';

/** What is known of a PUBLISH's properties without an object for them. */
export interface PublishPropertiesView {
  /** The encoded properties without their length. */
  propertiesStart: number;
  propertiesEnd: number;
  /** 0: none. */
  topicAlias: number;
  /** Seconds; -1: none. */
  messageExpiryInterval: number;
  payloadFormatIndicator: 0 | 1;
  /** Whether there are properties that aren't forwarded as they are: alias, expiry, identifiers. */
  hasVolatileProperties: boolean;
  /** The properties that are forwarded, encoded, where they lie side by side; else see `isScattered`. */
  forwardedStart: number;
  forwardedEnd: number;
  /** Whether there are others between those that are forwarded. */
  isScattered: boolean;
}

/**
 * Reads and checks the properties of a PUBLISH in place, from their length on (§3.3.2.3).
 *
 * @param view - says what a PUBLISH without properties has; noted in it is what there is
 * @throws {PacketError}
 */
export function readPublishProperties(view: PublishPropertiesView, reader: PacketReader): void {
  const lengthOffset = reader.offset;
  const length = reader.variableByteInteger();
  if (reader.offset + length > reader.end) {
    throw reader.malformed('§2.2.2.1', 'property length', lengthOffset);
  }
  reader.beginProperties(length);
  view.propertiesStart = reader.offset;
  view.propertiesEnd = reader.offset + length;
  reader.end = view.propertiesEnd;
  let seen = 0;
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const id = reader.variableByteInteger();
    const bit = bitOf(id);
    if ((seen & bit) !== 0) throw reader.violation('§2.2.2.2', 'property more than once', start);
    seen |= bit;
    readProperty(view, reader, id, start);
    if (isVolatile(id)) view.hasVolatileProperties = true;
    else noteForwarded(view, start, reader.offset);
  }
}

/** A bit for each property that may be there once; 0 for the others. */
function bitOf(id: number): number {
  if (id === PropertyId.TopicAlias) return 1;
  return id < 16 && id !== PropertyId.SubscriptionIdentifier ? 1 << (id + 1) : 0;
}

/** Whether a property is not forwarded as it is. */
function isVolatile(id: number): boolean {
  return (
    id === PropertyId.MessageExpiryInterval ||
    id === PropertyId.TopicAlias ||
    id === PropertyId.SubscriptionIdentifier
  );
}

/** A property that is forwarded lies in `buffer[start, end)`. */
function noteForwarded(view: PublishPropertiesView, start: number, end: number): void {
  if (view.forwardedEnd === 0) view.forwardedStart = start;
  else if (view.forwardedEnd !== start) view.isScattered = true;
  view.forwardedEnd = end;
}

/** @param start - of the property, at its identifier */
function readProperty(
  view: PublishPropertiesView,
  reader: PacketReader,
  id: number,
  start: number,
): void {
  switch (id) {
    case PropertyId.PayloadFormatIndicator: {
      const value = reader.byte();
      if (value > 1) throw reader.violation('§3.3.2.3.2', 'payload format indicator', start);
      view.payloadFormatIndicator = value as 0 | 1;
      return;
    }
    case PropertyId.MessageExpiryInterval:
      view.messageExpiryInterval = reader.uint32();
      return;
    case PropertyId.ContentType:
      reader.skipString('MQTT-3.3.2-19');
      return;
    case PropertyId.ResponseTopic: {
      const topicStart = reader.offset + 2;
      reader.skipString('MQTT-3.3.2-13');
      decodeTopicName(reader.buffer, topicStart, reader.offset, reader.base); // [MQTT-3.3.2-14]
      return;
    }
    case PropertyId.CorrelationData:
      reader.binary();
      return;
    case PropertyId.SubscriptionIdentifier:
      if (reader.receiver === 'server') {
        throw reader.violation('MQTT-3.3.4-6', 'subscription identifier from a client', start);
      }
      if (reader.variableByteInteger() === 0) {
        throw reader.violation('§3.3.2.3.8', 'subscription identifier 0', start);
      }
      return;
    case PropertyId.TopicAlias:
      view.topicAlias = reader.uint16();
      if (view.topicAlias === 0) {
        throw reader.error(ReasonCode.TopicAliasInvalid, 'MQTT-3.3.2-8', 'topic alias 0', start);
      }
      return;
    case PropertyId.UserProperty:
      reader.countUserProperty();
      reader.skipString('MQTT-1.5.7-1');
      reader.skipString('MQTT-1.5.7-1');
      return;
    default:
      throw reader.malformed('§2.2.2.2', 'property that does not belong to PUBLISH', start);
  }
}

/**
 * The properties of a message, which were taken from a valid PUBLISH, as an object.
 *
 * @param properties - encoded, without their length; binary ones are views of them
 */
export function messageProperties(properties: Uint8Array): PublishProperties {
  if (properties.length === 0) return {};
  const reader = new PacketReader().begin(properties, 0, 0, properties.length, 5);
  return readAll(reader, PacketType.PUBLISH);
}

/**
 * Takes those properties out of encoded, valid PUBLISH or Will Properties that aren't forwarded: topic alias, message
 * expiry interval, subscription identifiers, will delay interval.
 *
 * @param properties - without their length; changed
 * @returns a part of `properties`
 */
export function withoutVolatile(properties: Uint8Array): Uint8Array {
  const reader = new PacketReader().begin(properties, 0, 0, properties.length, 5);
  let length = 0;
  while (!reader.isAtEnd) {
    const start = reader.offset;
    if (!skipProperty(reader)) continue;
    properties.copyWithin(length, start, reader.offset);
    length += reader.offset - start;
  }
  return properties.subarray(0, length);
}

/**
 * Takes user properties out of encoded, valid properties of a message.
 *
 * @param properties - without their length; stays as it is
 * @param names - those that go, encoded as UTF-8
 * @returns `properties` itself where none of them is there
 */
export function withoutUserProperties(
  properties: Uint8Array,
  names: readonly Uint8Array[],
): Uint8Array {
  if (properties.length === 0) return properties;
  const reader = new PacketReader().begin(properties, 0, 0, properties.length, 5);
  let kept: Uint8Array | null = null;
  let length = 0;
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const isNamed =
      properties[start] === PropertyId.UserProperty && isAmong(names, properties, start + 1);
    skipProperty(reader);
    if (isNamed) {
      kept ??= Uint8Array.from(properties);
      continue;
    }
    kept?.copyWithin(length, start, reader.offset);
    length += reader.offset - start;
  }
  return kept === null ? properties : kept.subarray(0, length);
}

/** Whether a text, with its length before it, is one of these. */
function isAmong(names: readonly Uint8Array[], buffer: Uint8Array, offset: number): boolean {
  const length = ((buffer[offset] as number) << 8) | (buffer[offset + 1] as number);
  return names.some((name) => {
    if (name.length !== length) return false;
    return name.every((byte, index) => byte === buffer[offset + 2 + index]);
  });
}

/** Returns whether the property is forwarded. */
function skipProperty(reader: PacketReader): boolean {
  switch (reader.byte()) {
    case PropertyId.PayloadFormatIndicator:
      reader.byte();
      return true;
    case PropertyId.MessageExpiryInterval:
    case PropertyId.WillDelayInterval:
      reader.uint32();
      return false;
    case PropertyId.TopicAlias:
      reader.uint16();
      return false;
    case PropertyId.SubscriptionIdentifier:
      reader.variableByteInteger();
      return false;
    case PropertyId.UserProperty:
      reader.binary();
      reader.binary();
      return true;
    default:
      reader.binary();
      return true;
  }
}
