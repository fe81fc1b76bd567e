import type { Message } from '@promptmq/session';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { RecordKind } from './record-kind.ts';

/*
 * Session:
 *
 *   u8        3
 *   f64       session
 *   string    client identifier
 *   u32       Session Expiry Interval, in seconds
 *   f64       disconnectedAt; -1 while connected
 *   f64       willDueAt; Infinity while none is due
 *   u8        flags: 1 a will follows; 2 an owner follows
 *   [will     u32 delay interval, in seconds
 *             f64 message expiry interval, in seconds; -1 when it doesn't expire
 *             u8 flags: 1, 2 QoS; 4 RETAIN
 *             string client identifier of the publisher
 *             data topic, data properties as in PUBLISH, data payload]
 *   [string   owner: the user name that the session belongs to]
 *
 * End:
 *
 *   u8        4
 *   f64       session
 *
 * Ending: the session has ended for its client; what waits is to be handed over. End follows when nothing waits any more:
 *
 *   u8        11
 *   f64       session
 *   f64       sequence up to which QoS 2 isn't handed over
 */

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

const WillFlag = { QoS: 3, Retain: 4 } as const;

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
    .u8(message.qos | (message.retain ? WillFlag.Retain : 0))
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
      qos: (flags & WillFlag.QoS) as 0 | 1 | 2,
      retain: (flags & WillFlag.Retain) !== 0,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId,
    },
  };
}

export function writeEnd(writer: ByteWriter, session: number): void {
  writer.reset().u8(RecordKind.End).f64(session);
}

export function writeEnding(writer: ByteWriter, session: number, keptSequence: number): void {
  writer.reset().u8(RecordKind.Ending).f64(session).f64(keptSequence);
}

/**
 * Reads the sequence of an Ending record.
 *
 * @param reader - after the session's number
 */
export function readEnding(reader: ByteReader): number {
  return reader.f64();
}
