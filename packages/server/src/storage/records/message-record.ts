import type { Message } from '@promptmq/session';
import { type ByteReader, isEqual } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  type DeliveryFields,
  type NamedDelivery,
  readDeliveryFields,
  skipDeliveryFields,
  writeDeliveryFields,
} from './delivery-fields.ts';
import { RecordKind } from './record-kind.ts';

/*
 * Message, which lies in the stream that is named by its topic; all other records lie in none:
 *
 *   u8        1
 *   u8        flags: 1, 2 QoS; 4 published with RETAIN; 8 expires; 16 came as QoS 2 from a stored session; 32 is the will
 *             of a stored session; 64 is its topic's retained message, or says that there is none any more when it is empty;
 *             128 came from another cell
 *   [f64      expiresAt, if flag 8]
 *   [f64      session, and u16 packet identifier, if flag 16 or 32; the identifier is 0 if 32]
 *   [f64      generation, f64 cell and f64 sequence, if flag 128; then neither 16 nor 32]
 *   string    client identifier of the publisher
 *   data      properties, as in PUBLISH of MQTT 5, without their length
 *   u32       count of deliveries, and as often:
 *     f64     session
 *     f64     sequence in that session
 *     ...     as in delivery-fields.ts
 *   ...       the payload, up to the end of the record
 */

const MessageFlag = {
  QoS: 3,
  Retain: 4,
  Expires: 8,
  Received: 16,
  Will: 32,
  Retained: 64,
  Cell: 128,
} as const;

/** Bytes of a delivery before its fields. */
const DELIVERY_HEAD_SIZE = 16;

/** Where a message comes from, where that has to be stored with it. */
export type Origin =
  | { readonly kind: 'received'; readonly session: number; readonly packetId: number }
  | { readonly kind: 'will'; readonly session: number }
  | CellOrigin;

/** A message that another cell has forwarded: all that it has up to this sequence is applied once the record is written. */
export interface CellOrigin {
  readonly kind: 'cell';
  /** Whose sequences they are: a log that begins again numbers anew. */
  readonly generation: number;
  readonly cell: number;
  readonly sequence: number;
}

export interface MessageRecord {
  readonly message: Message;
  readonly origin: Origin | null;
  readonly isRetained: boolean;
  readonly deliveries: readonly NamedDelivery[];
}

/** Writes a message's record up to its payload, which follows as it is. */
export function writeMessageHead(
  writer: ByteWriter,
  message: Message,
  origin: Origin | null,
  isRetained: boolean,
  count: number,
): void {
  const expires = message.expiresAt !== Number.POSITIVE_INFINITY;
  writer
    .reset()
    .u8(RecordKind.Message)
    .u8(
      message.qos |
        (message.retain ? MessageFlag.Retain : 0) |
        (expires ? MessageFlag.Expires : 0) |
        (origin?.kind === 'received' ? MessageFlag.Received : 0) |
        (origin?.kind === 'will' ? MessageFlag.Will : 0) |
        (origin?.kind === 'cell' ? MessageFlag.Cell : 0) |
        (isRetained ? MessageFlag.Retained : 0),
    );
  if (expires) writer.f64(message.expiresAt);
  if (origin !== null) writeOrigin(writer, origin);
  writer.string(message.publisherId).data(message.properties).u32(count);
}

function writeOrigin(writer: ByteWriter, origin: Origin): void {
  switch (origin.kind) {
    case 'received':
      writer.f64(origin.session).u16(origin.packetId);
      break;
    case 'will':
      writer.f64(origin.session).u16(0);
      break;
    case 'cell':
      writer.f64(origin.generation).f64(origin.cell).f64(origin.sequence);
      break;
  }
}

/** Adds a delivery to the head of a message's record. */
export function writeDelivery(
  writer: ByteWriter,
  session: number,
  sequence: number,
  fields: DeliveryFields,
): void {
  writer.f64(session).f64(sequence);
  writeDeliveryFields(writer, fields);
}

/**
 * Reads a message's record.
 *
 * @param topicBytes - the name of its stream
 */
export function readMessage(reader: ByteReader, topicBytes: Uint8Array): MessageRecord {
  const head = readMessageHead(reader);
  const deliveries: NamedDelivery[] = [];
  for (let index = 0; index < head.count; index++) {
    deliveries.push(readDelivery(reader));
  }
  const topic = topicOf(topicBytes, 0, topicBytes.length);
  return { ...head, message: toMessage(head, topic, reader.rest()), deliveries };
}

/**
 * Reads the message alone.
 *
 * @param names - has the name of the record's stream at `[topicStart, topicEnd)`
 */
export function readMessageOnly(
  reader: ByteReader,
  names: Uint8Array,
  topicStart = 0,
  topicEnd = names.length,
): Message {
  const head = readMessageHead(reader);
  for (let index = 0; index < head.count; index++) {
    reader.skip(DELIVERY_HEAD_SIZE);
    skipDeliveryFields(reader);
  }
  return toMessage(head, topicOf(names, topicStart, topicEnd), reader.rest());
}

/** Whether a message's record names a delivery for which something holds, or became a retained message. */
export function isRetainedOrNames(
  reader: ByteReader,
  isWanted: (session: number, sequence: number) => boolean,
): boolean {
  const head = readMessageHead(reader);
  if (head.isRetained) return true;
  for (let index = 0; index < head.count; index++) {
    const session = reader.f64();
    if (isWanted(session, reader.f64())) return true;
    skipDeliveryFields(reader);
  }
  return false;
}

/** Names that were read last: messages that are read in a row tend to have the same. */
let lastTopic: Pick<Message, 'topic' | 'topicBytes'> = { topic: '', topicBytes: new Uint8Array(0) };

/** The topic name of a record; its bytes are a copy, shared by all that read it in a row. */
function topicOf(
  names: Uint8Array,
  start: number,
  end: number,
): Pick<Message, 'topic' | 'topicBytes'> {
  if (!isEqual(lastTopic.topicBytes, names, start, end)) {
    const copy = Buffer.from(names.subarray(start, end));
    lastTopic = { topic: copy.toString(), topicBytes: copy };
  }
  return lastTopic;
}

interface MessageHead {
  readonly flags: number;
  readonly expiresAt: number;
  readonly origin: Origin | null;
  readonly isRetained: boolean;
  readonly publisherId: string;
  readonly properties: Uint8Array;
  readonly count: number;
}

function readMessageHead(reader: ByteReader): MessageHead {
  reader.skip(1);
  const flags = reader.u8();
  const expiresAt = (flags & MessageFlag.Expires) === 0 ? Number.POSITIVE_INFINITY : reader.f64();
  return {
    flags,
    expiresAt,
    origin: readOrigin(reader, flags),
    isRetained: (flags & MessageFlag.Retained) !== 0,
    publisherId: reader.sameString(),
    properties: reader.data(),
    count: reader.u32(),
  };
}

function readOrigin(reader: ByteReader, flags: number): Origin | null {
  if ((flags & MessageFlag.Cell) !== 0) {
    const generation = reader.f64();
    const cell = reader.f64();
    return { kind: 'cell', generation, cell, sequence: reader.f64() };
  }
  if ((flags & (MessageFlag.Received | MessageFlag.Will)) === 0) return null;
  const session = reader.f64();
  const packetId = reader.u16();
  return (flags & MessageFlag.Will) !== 0
    ? { kind: 'will', session }
    : { kind: 'received', session, packetId };
}

function toMessage(
  head: MessageHead,
  named: Pick<Message, 'topic' | 'topicBytes'>,
  payload: Uint8Array,
): Message {
  return {
    topic: named.topic,
    topicBytes: named.topicBytes,
    properties: head.properties,
    payload,
    qos: (head.flags & MessageFlag.QoS) as 0 | 1 | 2,
    retain: (head.flags & MessageFlag.Retain) !== 0,
    expiresAt: head.expiresAt,
    publisherId: head.publisherId,
  };
}

function readDelivery(reader: ByteReader): NamedDelivery {
  const session = reader.f64();
  const sequence = reader.f64();
  return { session, sequence, ...readDeliveryFields(reader) };
}
