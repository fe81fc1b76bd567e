import type { Delivery, Message } from '@promptmq/session';
import { NO_IDENTIFIERS, type Subscription } from '@promptmq/topics';
import { type ByteReader, type ByteWriter, isEqual } from './byte-writer.ts';

/*
 * The records of the broker's log. Numbers are little-endian: u8, u16 and u32 as their names say, f64
 * for session numbers, sequences, positions and milliseconds. `string` and `data` have their length in
 * a u32 before them.
 *
 * Milliseconds are of the broker's time (broker-clock.ts); before there was one, of the wall clock with which it began.
 *
 * A message lies in the stream that is named by its topic; all others in none:
 *
 *   Message    u8 1, u8 flags, f64 expiresAt (if flag 8), f64 session and u16 packetId (if flag 16 or 32),
 *              string publisherId, data properties, u32 count,
 *              count times: f64 session, f64 sequence, u8 delivery flags, [details],
 *              then the payload up to the end of the record
 *              flags: 1, 2 QoS; 4 published with RETAIN; 8 expires; 16 came as QoS 2 from a stored session;
 *              32 is the will of a stored session; 64 is its topic's retained message
 *   References u8 2, f64 session, u32 count, count times: f64 position of a Message, u32 share, f64 sequence,
 *              u8 delivery flags, [details]
 *   Session    u8 3, f64 session, string clientId, u32 expiryInterval, f64 disconnectedAt (-1 while
 *              connected), f64 willDueAt (Infinity while nothing is due), u8 flags (1 a will, 2 an owner), the will,
 *              string owner: the user name that it belongs to
 *   End        u8 4, f64 session
 *   Subscribe  u8 5, f64 session, u32 count, count times: string filter, u8 options, u32 identifier
 *   Unsubscribe u8 6, f64 session, u32 count, count times: string filter
 *   Progress   u8 7, u32 count, count times: u8 what (0 settled, 1 all up to it sent), f64 session, f64 sequence
 *   Release    u8 8, f64 session, f64 sequence, u16 packetId: PUBREC came
 *   Free       u8 9, f64 session, u16 packetId: PUBREL came for a QoS 2 message of the client
 *   HandOver   u8 10, f64 session, u32 count, count times: f64 its sequence, f64 the session that has it now, f64
 *              position of the Message, u32 share, f64 sequence, u8 delivery flags, [details]
 *   Ending     u8 11, f64 session, f64 sequence: the session has ended for its client; what waits is to be handed over,
 *              but for QoS 2 up to that sequence. End follows when nothing waits any more
 *
 * Delivery flags: 1, 2 QoS; 4 RETAIN; 8 details follow: u16 count and as many u32 subscription identifiers,
 * string filter of the shared subscription or an empty one.
 */

export const RecordKind = {
  Message: 1,
  References: 2,
  Session: 3,
  End: 4,
  Subscribe: 5,
  Unsubscribe: 6,
  Progress: 7,
  Release: 8,
  Free: 9,
  HandOver: 10,
  Ending: 11,
} as const;

export const ProgressKind = { Settled: 0, Sent: 1 } as const;

const MessageFlag = {
  QoS: 3,
  Retain: 4,
  Expires: 8,
  Received: 16,
  Will: 32,
  Retained: 64,
} as const;

const DeliveryFlag = { QoS: 3, Retain: 4, Details: 8 } as const;

/** Bytes of a delivery without details in a message's record. */
const DELIVERY_SIZE = 17;

/** Where a message comes from, where that has to be stored with it. */
export type Origin =
  | { readonly kind: 'received'; readonly session: number; readonly packetId: number }
  | { readonly kind: 'will'; readonly session: number };

/** One of the deliveries that a record names. */
export interface NamedDelivery {
  readonly session: number;
  readonly sequence: number;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  readonly group: string | null;
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
        (isRetained ? MessageFlag.Retained : 0),
    );
  if (expires) writer.f64(message.expiresAt);
  if (origin !== null) {
    writer.f64(origin.session).u16(origin.kind === 'received' ? origin.packetId : 0);
  }
  writer.string(message.publisherId).data(message.properties).u32(count);
}

/** Adds a delivery to the head of a message's record. */
export function writeDelivery(
  writer: ByteWriter,
  session: number,
  sequence: number,
  { qos, retain, identifiers, group }: Pick<Delivery, 'qos' | 'retain' | 'identifiers' | 'group'>,
): void {
  const hasDetails = identifiers.length > 0 || group !== null;
  writer
    .f64(session)
    .f64(sequence)
    .u8(qos | (retain ? DeliveryFlag.Retain : 0) | (hasDetails ? DeliveryFlag.Details : 0));
  if (hasDetails) writeDetails(writer, identifiers, group);
}

export function writeDetails(
  writer: ByteWriter,
  identifiers: readonly number[],
  group: string | null,
): void {
  writer.u16(identifiers.length);
  for (const identifier of identifiers) writer.u32(identifier);
  writer.string(group ?? '');
}

export function readDetails(reader: ByteReader): {
  identifiers: readonly number[];
  group: string | null;
} {
  const count = reader.u16();
  const identifiers =
    count === 0 ? NO_IDENTIFIERS : Array.from({ length: count }, () => reader.u32());
  const group = reader.string();
  return { identifiers, group: group === '' ? null : group };
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
  for (let index = 0; index < head.count; index++) skipDelivery(reader);
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
    skipDeliveryFlags(reader);
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
  let origin: Origin | null = null;
  if ((flags & (MessageFlag.Received | MessageFlag.Will)) !== 0) {
    const session = reader.f64();
    const packetId = reader.u16();
    origin =
      (flags & MessageFlag.Will) !== 0
        ? { kind: 'will', session }
        : { kind: 'received', session, packetId };
  }
  return {
    flags,
    expiresAt,
    origin,
    isRetained: (flags & MessageFlag.Retained) !== 0,
    publisherId: reader.sameString(),
    properties: reader.data(),
    count: reader.u32(),
  };
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
  return { session, sequence, ...readDeliveryFlags(reader) };
}

function readDeliveryFlags(reader: ByteReader): Omit<NamedDelivery, 'session' | 'sequence'> {
  const flags = reader.u8();
  const { identifiers, group } =
    (flags & DeliveryFlag.Details) === 0
      ? { identifiers: NO_IDENTIFIERS, group: null }
      : readDetails(reader);
  return {
    qos: (flags & DeliveryFlag.QoS) as 0 | 1 | 2,
    retain: (flags & DeliveryFlag.Retain) !== 0,
    identifiers,
    group,
  };
}

function skipDelivery(reader: ByteReader): void {
  reader.skip(DELIVERY_SIZE - 1);
  skipDeliveryFlags(reader);
}

function skipDeliveryFlags(reader: ByteReader): void {
  if ((reader.u8() & DeliveryFlag.Details) === 0) return;
  reader.skip(4 * reader.u16());
  reader.skip(reader.u32());
}

// --------------------------------------------------------------------------- references

export interface Reference extends NamedDelivery {
  readonly position: number;
  readonly share: number;
}

export function writeReferences(
  writer: ByteWriter,
  session: number,
  deliveries: readonly Delivery[],
): void {
  writer.reset().u8(RecordKind.References).f64(session).u32(deliveries.length);
  for (const delivery of deliveries) writeReference(writer, delivery);
}

function writeReference(writer: ByteWriter, delivery: Delivery): void {
  const { position, share, sequence, qos, retain, identifiers, group } = delivery;
  const hasDetails = identifiers.length > 0 || group !== null;
  writer
    .f64(position)
    .u32(share)
    .f64(sequence)
    .u8(qos | (retain ? DeliveryFlag.Retain : 0) | (hasDetails ? DeliveryFlag.Details : 0));
  if (hasDetails) writeDetails(writer, identifiers, group);
}

export function* readReferences(reader: ByteReader): Generator<Reference> {
  reader.skip(1);
  const session = reader.f64();
  for (let count = reader.u32(); count > 0; count--) yield readReference(reader, session);
}

function readReference(reader: ByteReader, session: number): Reference {
  const position = reader.f64();
  const share = reader.u32();
  const sequence = reader.f64();
  return { session, position, share, sequence, ...readDeliveryFlags(reader) };
}

/** A delivery that has become another session's, where it has a number of its own. */
interface HandedOver {
  readonly former: { readonly sequence: number };
  /** The number of the session that has it now. */
  readonly to: number;
  readonly delivery: Delivery;
}

export function writeHandOver(
  writer: ByteWriter,
  session: number,
  moved: readonly HandedOver[],
): void {
  writer.reset().u8(RecordKind.HandOver).f64(session).u32(moved.length);
  for (const { former, to, delivery } of moved) {
    writer.f64(former.sequence).f64(to);
    writeReference(writer, delivery);
  }
}

/** @param reader - behind the session's number */
export function* readHandOver(
  reader: ByteReader,
): Generator<readonly [formerSequence: number, reference: Reference]> {
  for (let count = reader.u32(); count > 0; count--) {
    const formerSequence = reader.f64();
    yield [formerSequence, readReference(reader, reader.f64())];
  }
}

// ----------------------------------------------------------------------------- sessions

/** A will as it is written with its session. */
export interface WillRecord {
  readonly message: Message;
  /** Seconds (§3.1.3.2.2). */
  readonly delayInterval: number;
  /** Seconds; counted from the publication, not from CONNECT. -1 when it doesn't expire. */
  readonly messageExpiryInterval: number;
}

export interface SessionRecord {
  readonly number: number;
  readonly clientId: string;
  /** Seconds. */
  readonly expiryInterval: number;
  /** Milliseconds of the broker's time; -1 while connected. */
  readonly disconnectedAt: number;
  /** Milliseconds of the broker's time; Infinity while no will is due. */
  readonly willDueAt: number;
  readonly will: WillRecord | null;
  /** User name; null when it belongs to nobody. */
  readonly owner: string | null;
}

/** What follows in a Session record. */
const SessionPart = { Will: 1, Owner: 2 } as const;

export function writeSession(writer: ByteWriter, session: SessionRecord): void {
  writer
    .reset()
    .u8(RecordKind.Session)
    .f64(session.number)
    .string(session.clientId)
    .u32(session.expiryInterval)
    .f64(session.disconnectedAt)
    .f64(session.willDueAt);
  const { will, owner } = session;
  writer.u8((will === null ? 0 : SessionPart.Will) | (owner === null ? 0 : SessionPart.Owner));
  if (will !== null) writeWill(writer, will);
  if (owner !== null) writer.string(owner);
}

function writeWill(writer: ByteWriter, will: WillRecord): void {
  const { message } = will;
  writer
    .u32(will.delayInterval)
    .f64(will.messageExpiryInterval)
    .u8(message.qos | (message.retain ? MessageFlag.Retain : 0))
    .string(message.publisherId)
    .data(message.topicBytes)
    .data(message.properties)
    .data(message.payload);
}

export function readSession(reader: ByteReader): SessionRecord {
  reader.skip(1);
  const number = reader.f64();
  const clientId = reader.string();
  const expiryInterval = reader.u32();
  const disconnectedAt = reader.f64();
  const willDueAt = reader.f64();
  const parts = reader.u8();
  const will = (parts & SessionPart.Will) === 0 ? null : readWill(reader);
  const owner = (parts & SessionPart.Owner) === 0 ? null : reader.string();
  return { number, clientId, expiryInterval, disconnectedAt, willDueAt, will, owner };
}

function readWill(reader: ByteReader): WillRecord {
  const delayInterval = reader.u32();
  const messageExpiryInterval = reader.f64();
  const flags = reader.u8();
  const publisherId = reader.string();
  // Copies: it outlives what it was read from.
  const topicBytes = Uint8Array.from(reader.data());
  return {
    delayInterval,
    messageExpiryInterval,
    message: {
      topic: Buffer.from(topicBytes).toString(),
      topicBytes,
      properties: Uint8Array.from(reader.data()),
      payload: Uint8Array.from(reader.data()),
      qos: (flags & MessageFlag.QoS) as 0 | 1 | 2,
      retain: (flags & MessageFlag.Retain) !== 0,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId,
    },
  };
}

// ------------------------------------------------------------------------ subscriptions

export function writeSubscriptions(
  writer: ByteWriter,
  session: number,
  subscriptions: Iterable<Subscription>,
): void {
  writer.reset().u8(RecordKind.Subscribe).f64(session);
  const countOffset = writer.length;
  writer.u32(0);
  let count = 0;
  for (const subscription of subscriptions) {
    writer
      .string(subscription.topicFilter)
      .u8(
        subscription.qos |
          (subscription.noLocal ? 4 : 0) |
          (subscription.retainAsPublished ? 8 : 0) |
          (subscription.retainHandling << 4),
      )
      .u32(subscription.subscriptionIdentifier);
    count++;
  }
  writer.putU32(countOffset, count);
}

export function* readSubscriptions(reader: ByteReader): Generator<Subscription> {
  for (let count = reader.u32(); count > 0; count--) {
    const topicFilter = reader.string();
    const options = reader.u8();
    yield {
      topicFilter,
      qos: (options & 3) as 0 | 1 | 2,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      retainHandling: (options >> 4) as 0 | 1 | 2,
      subscriptionIdentifier: reader.u32(),
    };
  }
}

export function writeUnsubscriptions(
  writer: ByteWriter,
  session: number,
  topicFilters: readonly string[],
): void {
  writer.reset().u8(RecordKind.Unsubscribe).f64(session).u32(topicFilters.length);
  for (const topicFilter of topicFilters) writer.string(topicFilter);
}
