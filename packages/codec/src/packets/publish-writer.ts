import type { ProtocolVersion } from '../wire/packet-type.ts';
import { PropertyId } from '../wire/property-table.ts';
import { copyBytes, variableByteIntegerSize, writeVariableByteInteger } from '../wire/writer.ts';

const EMPTY = new Uint8Array(0);

/**
 * What of a PUBLISH is the same for all who get it, as ranges of buffers, so that nothing has to be cut out or copied
 * before it is written. One instance may be used for any number of messages.
 */
export class MessageBytes {
  /** The topic name as UTF-8. */
  topicBytes: Uint8Array = EMPTY;
  /** The MQTT 5 properties that are forwarded: `properties[propertiesStart, propertiesEnd)`, encoded, without their length. */
  properties: Uint8Array = EMPTY;
  propertiesStart = 0;
  propertiesEnd = 0;
  /** `payload[payloadStart, payloadEnd)`; it may be the same buffer. */
  payload: Uint8Array = EMPTY;
  payloadStart = 0;
  payloadEnd = 0;

  /** Whole buffers, which have to last until the message is written. */
  set(topicBytes: Uint8Array, properties: Uint8Array, payload: Uint8Array): void {
    this.topicBytes = topicBytes;
    this.properties = properties;
    this.propertiesStart = 0;
    this.propertiesEnd = properties.length;
    this.payload = payload;
    this.payloadStart = 0;
    this.payloadEnd = payload.length;
  }

  /** Lets go of the buffers. */
  clear(): void {
    this.set(EMPTY, EMPTY, EMPTY);
  }
}

/**
 * What of a PUBLISH is one recipient's own; one instance may be used for any number of packets. Before MQTT 5, expiry,
 * alias and identifiers are left out, as are the properties.
 */
export class PublishOwn {
  version: ProtocolVersion = 5;
  /** `dup << 3 | qos << 1 | retain` */
  flags = 0;
  /** 1 to 65,535; ignored at QoS 0. */
  packetId = 0;
  /** Message Expiry Interval in seconds; -1 for none. */
  expiry = -1;
  /** Topic Alias; 0 for none. */
  alias = 0;
  /** Whether the recipient knows the alias: the topic name is left out then. */
  isAliasKnown = false;
  /** Subscription Identifiers, in their order. */
  identifiers: readonly number[] = [];
}

/** The encoded properties without their length, in bytes. */
function propertiesSize(message: MessageBytes, { expiry, alias, identifiers }: PublishOwn): number {
  let size = message.propertiesEnd - message.propertiesStart;
  if (expiry >= 0) size += 5;
  if (alias > 0) size += 3;
  for (let index = 0; index < identifiers.length; index++) {
    size += 1 + variableByteIntegerSize(identifiers[index] as number);
  }
  return size;
}

/** What follows the fixed header, in bytes. */
function remainingLength(message: MessageBytes, own: PublishOwn, propertiesLength: number): number {
  let size = 2 + message.payloadEnd - message.payloadStart;
  if (!own.isAliasKnown) size += message.topicBytes.length;
  if ((own.flags & 6) !== 0) size += 2;
  return own.version === 5
    ? size + variableByteIntegerSize(propertiesLength) + propertiesLength
    : size;
}

/** The size of a PUBLISH, fixed header included, in bytes. */
export function publishSize(message: MessageBytes, own: PublishOwn): number {
  const propertiesLength = own.version === 5 ? propertiesSize(message, own) : 0;
  const size = remainingLength(message, own, propertiesLength);
  return 1 + variableByteIntegerSize(size) + size;
}

/**
 * Writes a PUBLISH (§3.3).
 *
 * @param target - with room for `publishSize` bytes at `offset`
 * @returns the offset after the packet
 */
export function writePublish(
  target: Uint8Array,
  offset: number,
  message: MessageBytes,
  own: PublishOwn,
): number {
  const payloadOffset = writePublishHead(target, offset, message, own);
  const { payload, payloadStart, payloadEnd } = message;
  copyBytes(target, payloadOffset, payload, payloadStart, payloadEnd);
  return payloadOffset + payloadEnd - payloadStart;
}

/** As `writePublish`, but without the payload's bytes: they follow by themselves. */
export function writePublishHead(
  target: Uint8Array,
  offset: number,
  message: MessageBytes,
  own: PublishOwn,
): number {
  const { topicBytes } = message;
  const { version, flags, packetId } = own;
  const propertiesLength = version === 5 ? propertiesSize(message, own) : 0;
  target[offset] = 0x30 | flags;
  const size = remainingLength(message, own, propertiesLength);
  let at = writeVariableByteInteger(target, offset + 1, size);
  const topicLength = own.isAliasKnown ? 0 : topicBytes.length;
  target[at] = topicLength >> 8;
  target[at + 1] = topicLength & 0xff;
  copyBytes(target, at + 2, topicBytes, 0, topicLength);
  at += 2 + topicLength;
  if ((flags & 6) !== 0) {
    target[at] = packetId >> 8;
    target[at + 1] = packetId & 0xff;
    at += 2;
  }
  if (version < 5) return at;
  at = writeVariableByteInteger(target, at, propertiesLength);
  return propertiesLength === 0 ? at : writeProperties(target, at, message, own);
}

function writeProperties(
  target: Uint8Array,
  offset: number,
  message: MessageBytes,
  own: PublishOwn,
): number {
  const { expiry, alias, identifiers } = own;
  let at = offset;
  if (expiry >= 0) {
    target[at] = PropertyId.MessageExpiryInterval;
    target[at + 1] = expiry >>> 24;
    target[at + 2] = (expiry >>> 16) & 0xff;
    target[at + 3] = (expiry >>> 8) & 0xff;
    target[at + 4] = expiry & 0xff;
    at += 5;
  }
  if (alias > 0) {
    target[at] = PropertyId.TopicAlias;
    target[at + 1] = alias >> 8;
    target[at + 2] = alias & 0xff;
    at += 3;
  }
  for (let index = 0; index < identifiers.length; index++) {
    target[at] = PropertyId.SubscriptionIdentifier;
    at = writeVariableByteInteger(target, at + 1, identifiers[index] as number);
  }
  const { properties, propertiesStart, propertiesEnd } = message;
  copyBytes(target, at, properties, propertiesStart, propertiesEnd);
  return at + propertiesEnd - propertiesStart;
}
