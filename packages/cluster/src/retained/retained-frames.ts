import type { Message } from '@promptmq/session';
import { FrameBodyReader } from '../forward/frame-body-reader.ts';

/*
 * What the cell that keeps the retained messages of a topic says of them to all others. Numbers are little-endian:
 *
 *   RESET   u8 cell: all that it keeps follows
 *   SET     what is the retained message of a topic from now on:
 *     u8    flags: 1, 2 QoS; 8 expires
 *     [f64  milliseconds until it expires, if flag 8]
 *     u16   bytes of what follows: the client identifier of the publisher
 *     u16   bytes of what follows: the topic name
 *     u32   bytes of what follows: properties, as in PUBLISH of MQTT 5, without their length
 *     ...   the payload, up to the end; empty when there is none any more
 *   SYNC    u8 cell: all that it keeps has been said
 *   CLEAR   a topic name: to that cell, which is to remove the message
 */

const Flag = { QoS: 3, Expires: 8 } as const;

const HEAD_SIZE_MAX = 1 + 8 + 2 + 2 + 4;

export interface RetainedSet {
  /** Milliseconds until the message expires; Infinity when it doesn't. */
  readonly expiresInMs: number;
  /** Its `expiresAt` is Infinity: the receiver has a time of its own. Its bytes are views of what was read. */
  readonly message: Message;
}

/** The body of a RESET or SYNC. */
export function encodeKeeper(cell: number): Buffer {
  return Buffer.from([cell]);
}

/** @throws {RangeError} when it isn't one */
export function decodeKeeper(body: Uint8Array): number {
  const reader = new FrameBodyReader(body);
  const cell = reader.u8();
  reader.end();
  return cell;
}

/**
 * Puts the body of a SET together.
 *
 * @param expiresInMs - Infinity when it doesn't expire
 * @returns parts that are valid as long as those of the message
 */
export function retainedSetParts(
  { qos, publisherId, topicBytes, properties, payload }: Omit<Message, 'topic'>,
  expiresInMs: number,
): [head: Uint8Array, properties: Uint8Array, payload: Uint8Array] {
  const expires = expiresInMs !== Number.POSITIVE_INFINITY;
  const head = Buffer.allocUnsafe(HEAD_SIZE_MAX + 3 * publisherId.length + topicBytes.length);
  head[0] = qos | (expires ? Flag.Expires : 0);
  let offset = expires ? head.writeDoubleLE(expiresInMs, 1) : 1;
  const size = head.write(publisherId, offset + 2);
  offset = head.writeUInt16LE(size, offset) + size;
  offset = head.writeUInt16LE(topicBytes.length, offset);
  head.set(topicBytes, offset);
  offset = head.writeUInt32LE(properties.length, offset + topicBytes.length);
  return [head.subarray(0, offset), properties, payload];
}

/** @throws {RangeError} when it ends too early */
export function readRetainedSet(body: Uint8Array): RetainedSet {
  const reader = new FrameBodyReader(body);
  const flags = reader.u8();
  const expiresInMs = (flags & Flag.Expires) === 0 ? Number.POSITIVE_INFINITY : reader.f64();
  const publisherId = reader.text(reader.u16());
  const topicBytes = reader.bytes(reader.u16());
  const properties = reader.bytes(reader.u32());
  const message: Message = {
    topic: Buffer.from(topicBytes.buffer, topicBytes.byteOffset, topicBytes.length).toString(),
    topicBytes,
    properties,
    payload: reader.rest(),
    qos: Math.min(flags & Flag.QoS, 2) as 0 | 1 | 2,
    retain: true,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId,
  };
  return { expiresInMs, message };
}
