import type { ProtocolVersion } from '../wire/packet-type.ts';
import { copyBytes, variableByteIntegerSize, writeVariableByteInteger } from '../wire/writer.ts';

/** The encoded properties without their length, in bytes. */
function propertiesSize(
  forwardedLength: number,
  expiry: number,
  topicAlias: number,
  identifiers: readonly number[],
): number {
  let size = forwardedLength + (expiry >= 0 ? 5 : 0) + (topicAlias > 0 ? 3 : 0);
  for (let index = 0; index < identifiers.length; index++) {
    size += 1 + variableByteIntegerSize(identifiers[index] as number);
  }
  return size;
}

/**
 * The size of a PUBLISH, fixed header included, in bytes. Before MQTT 5, properties, expiry, alias and
 * identifiers do not count.
 *
 * @param expiry - Message Expiry Interval in seconds; -1 for none
 * @param topicAlias - 0 for none
 */
export function publishSize(
  version: ProtocolVersion,
  qos: number,
  topicLength: number,
  propertiesLength: number,
  payloadLength: number,
  expiry: number,
  topicAlias: number,
  identifiers: readonly number[],
): number {
  let size = 2 + topicLength + (qos > 0 ? 2 : 0) + payloadLength;
  if (version === 5) {
    const length = propertiesSize(propertiesLength, expiry, topicAlias, identifiers);
    size += variableByteIntegerSize(length) + length;
  }
  return 1 + variableByteIntegerSize(size) + size;
}

/**
 * Writes a PUBLISH (§3.3). The parts are ranges of buffers, so that nothing has to be cut out first.
 *
 * @param target - with room for `publishSize` bytes at `offset`
 * @param flags - `dup << 3 | qos << 1 | retain`
 * @param packetId - ignored at QoS 0
 * @returns the offset after the packet
 */
export function writePublish(
  target: Uint8Array,
  offset: number,
  version: ProtocolVersion,
  flags: number,
  packetId: number,
  topic: Uint8Array,
  topicStart: number,
  topicEnd: number,
  properties: Uint8Array,
  propertiesStart: number,
  propertiesEnd: number,
  payload: Uint8Array,
  payloadStart: number,
  payloadEnd: number,
  expiry: number,
  topicAlias: number,
  identifiers: readonly number[],
): number {
  const payloadOffset = writePublishHead(
    target,
    offset,
    version,
    flags,
    packetId,
    topic,
    topicStart,
    topicEnd,
    properties,
    propertiesStart,
    propertiesEnd,
    payload,
    payloadStart,
    payloadEnd,
    expiry,
    topicAlias,
    identifiers,
  );
  copyBytes(target, payloadOffset, payload, payloadStart, payloadEnd);
  return payloadOffset + payloadEnd - payloadStart;
}

/** As `writePublish`, but without the payload's bytes: they follow by themselves. */
export function writePublishHead(
  target: Uint8Array,
  offset: number,
  version: ProtocolVersion,
  flags: number,
  packetId: number,
  topic: Uint8Array,
  topicStart: number,
  topicEnd: number,
  properties: Uint8Array,
  propertiesStart: number,
  propertiesEnd: number,
  _payload: Uint8Array,
  payloadStart: number,
  payloadEnd: number,
  expiry: number,
  topicAlias: number,
  identifiers: readonly number[],
): number {
  const qos = (flags >> 1) & 3;
  const topicLength = topicEnd - topicStart;
  const forwardedLength = propertiesEnd - propertiesStart;
  let size = 2 + topicLength + (qos > 0 ? 2 : 0) + payloadEnd - payloadStart;
  let propertiesLength = 0;
  if (version === 5) {
    propertiesLength = propertiesSize(forwardedLength, expiry, topicAlias, identifiers);
    size += variableByteIntegerSize(propertiesLength) + propertiesLength;
  }
  target[offset] = 0x30 | flags;
  let at = writeVariableByteInteger(target, offset + 1, size);
  target[at] = topicLength >> 8;
  target[at + 1] = topicLength & 0xff;
  copyBytes(target, at + 2, topic, topicStart, topicEnd);
  at += 2 + topicLength;
  if (qos > 0) {
    target[at] = packetId >> 8;
    target[at + 1] = packetId & 0xff;
    at += 2;
  }
  if (version < 5) return at;
  at = writeVariableByteInteger(target, at, propertiesLength);
  if (expiry >= 0) {
    target[at] = 0x02;
    target[at + 1] = expiry >>> 24;
    target[at + 2] = (expiry >>> 16) & 0xff;
    target[at + 3] = (expiry >>> 8) & 0xff;
    target[at + 4] = expiry & 0xff;
    at += 5;
  }
  if (topicAlias > 0) {
    target[at] = 0x23;
    target[at + 1] = topicAlias >> 8;
    target[at + 2] = topicAlias & 0xff;
    at += 3;
  }
  for (let index = 0; index < identifiers.length; index++) {
    target[at] = 0x0b;
    at = writeVariableByteInteger(target, at + 1, identifiers[index] as number);
  }
  copyBytes(target, at, properties, propertiesStart, propertiesEnd);
  return at + forwardedLength;
}
