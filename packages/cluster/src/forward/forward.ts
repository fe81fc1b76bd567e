import type { Message } from '@promptmq/session';
import { FrameBodyReader } from './frame-body-reader.ts';
import { splitTargets, type Targets } from './targets.ts';

/*
 * FORWARD: a message, from the cell that it was published in to one that has subscribers. Numbers are little-endian:
 *
 *   u8        cell that it comes from
 *   u8        cell that it goes to
 *   u8        flags: 1, 2 QoS; 4 RETAIN; 8 expires
 *   f64       sequence, above that of the one before
 *   [f64      milliseconds until it expires, if flag 8]
 *   u32       bytes of what follows: for whom it is (targets.ts)
 *   u16       bytes of what follows: the client identifier of the publisher
 *   u16       bytes of what follows: the topic name
 *   u32       bytes of what follows: properties, as in PUBLISH of MQTT 5, without their length
 *   ...       the payload, up to the end
 */

const ForwardFlag = { QoS: 3, Retain: 4, Expires: 8 } as const;

/** Of the numbers before the first text. */
const HEAD_SIZE_MAX = 1 + 1 + 1 + 8 + 8;

/** Texts are MQTT's, which have a u16 for their size. */
const TEXT_SIZE_MAX = 65_535;

/** What a FORWARD says beside its message. */
export interface ForwardHead {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  /** For whom it is, as `joinTargets` has made it. */
  readonly targets: string;
  /** As it is sent there; not above that of the message. */
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Milliseconds until the message expires; Infinity when it doesn't. */
  readonly expiresInMs: number;
}

export interface Forward {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly targets: Targets;
  /** Milliseconds until the message expires; Infinity when it doesn't. */
  readonly expiresInMs: number;
  /** Its `expiresAt` is Infinity: the receiver has a time of its own. Its bytes are views of what was read. */
  readonly message: Message;
}

/**
 * Puts the body of a FORWARD together.
 *
 * @returns parts that are valid as long as those of the message
 */
export function forwardParts(
  { from, to, sequence, targets, qos, retain, expiresInMs }: ForwardHead,
  { publisherId, topicBytes, properties, payload }: Message,
): readonly [head: Uint8Array, properties: Uint8Array, payload: Uint8Array] {
  const expires = expiresInMs !== Number.POSITIVE_INFINITY;
  const head = Buffer.allocUnsafe(
    HEAD_SIZE_MAX + 12 + 3 * (targets.length + publisherId.length) + topicBytes.length,
  );
  head[0] = from;
  head[1] = to;
  head[2] = qos | (retain ? ForwardFlag.Retain : 0) | (expires ? ForwardFlag.Expires : 0);
  let offset = head.writeDoubleLE(sequence, 3);
  if (expires) offset = head.writeDoubleLE(expiresInMs, offset);
  const targetsSize = head.write(targets, offset + 4);
  offset = head.writeUInt32LE(targetsSize, offset) + targetsSize;
  offset = writeText(head, offset, publisherId);
  offset = head.writeUInt16LE(topicBytes.length, offset);
  head.set(topicBytes, offset);
  offset = head.writeUInt32LE(properties.length, offset + topicBytes.length);
  return [head.subarray(0, offset), properties, payload];
}

function writeText(buffer: Buffer, offset: number, text: string): number {
  const size = buffer.write(text, offset + 2);
  if (size > TEXT_SIZE_MAX) throw new RangeError(`a text of ${size} bytes`);
  buffer.writeUInt16LE(size, offset);
  return offset + 2 + size;
}

/** Reads between which cells the body of a FORWARD goes. @throws {RangeError} when it ends too early */
export function readForwardCells(body: Uint8Array): Pick<Forward, 'from' | 'to'> {
  const reader = new FrameBodyReader(body);
  const from = reader.u8();
  return { from, to: reader.u8() };
}

/**
 * Reads the body of a FORWARD.
 *
 * @param body - the message has views of it
 * @throws {RangeError} when it ends too early
 */
export function readForward(body: Uint8Array): Forward {
  const reader = new FrameBodyReader(body);
  const from = reader.u8();
  const to = reader.u8();
  const flags = reader.u8();
  const sequence = reader.f64();
  const expires = (flags & ForwardFlag.Expires) !== 0;
  const expiresInMs = expires ? reader.f64() : Number.POSITIVE_INFINITY;
  const targets = splitTargets(reader.text(reader.u32()));
  const publisherId = reader.text(reader.u16());
  const topicBytes = reader.bytes(reader.u16());
  const properties = reader.bytes(reader.u32());
  const message: Message = {
    topic: Buffer.from(topicBytes.buffer, topicBytes.byteOffset, topicBytes.length).toString(),
    topicBytes,
    properties,
    payload: reader.rest(),
    qos: (flags & ForwardFlag.QoS) as 0 | 1 | 2,
    retain: (flags & ForwardFlag.Retain) !== 0,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId,
  };
  return { from, to, sequence, targets, expiresInMs, message };
}
