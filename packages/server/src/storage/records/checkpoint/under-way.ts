import {
  type Delivery,
  DeliveryState,
  type EntryDetails,
  QueueBlock,
  type QueueEntry,
  type Session,
  storedOf,
} from '@promptmq/session';
import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { readDetails, writeDetails } from '../delivery-fields.ts';
import { emptyEntry, entryFlags, readEntryFlags } from './entry-flags.ts';

/*
 * What is under way to a session and from it:
 *
 *   f64       sequence of its last delivery
 *   f64       sequence up to which all was sent
 *   u32       count, and as many u16 packet identifiers of QoS 2 messages that came from the client
 *   u32       count of released (PUBREC has come), and as often:
 *     f64     sequence
 *     u16     packet identifier
 *   u32       count of what was sent else, and as many entries
 *
 * An entry:
 *
 *   f64       sequence
 *   f64       position of the Message
 *   u32       share: bytes of the Message's record that are released with it
 *   u8        as in entry-flags.ts
 *   u8        1 when details follow, else 0
 *   [f64      expiresAt; Infinity when it doesn't expire
 *    ...      details, as in delivery-fields.ts]
 */

export function writeUnderWay(writer: ByteWriter, session: Session): void {
  const deliveries = storedOf(session);
  writer.reset().f64(deliveries.lastSequence).f64(deliveries.sentSequence);
  const receivedIds = [...session.received];
  writer.u32(receivedIds.length);
  for (const packetId of receivedIds) writer.u16(packetId);
  const stored = [...deliveries.underWay()].filter(({ sequence }) => sequence > 0);
  const released = stored.filter(({ state }) => state === DeliveryState.Released);
  writer.u32(released.length);
  for (const { sequence, packetId } of released) writer.f64(sequence).u16(packetId);
  writer.u32(stored.length - released.length);
  for (const delivery of stored) {
    if (delivery.state !== DeliveryState.Released) writeDeliveryEntry(writer, delivery);
  }
}

export interface UnderWay {
  readonly lastSequence: number;
  readonly sentSequence: number;
  readonly receivedIds: readonly number[];
  readonly released: readonly { readonly sequence: number; readonly packetId: number }[];
  /** What was sent and is neither released nor settled, in the order of sequences; null when there is nothing. */
  readonly sent: QueueBlock | null;
}

/** @param blockNumber - what the block of entries is to be numbered */
export function readUnderWay(reader: ByteReader, blockNumber: number): UnderWay {
  const lastSequence = reader.f64();
  const sentSequence = reader.f64();
  const receivedIds = Array.from({ length: reader.u32() }, () => reader.u16());
  const released = Array.from({ length: reader.u32() }, () => ({
    sequence: reader.f64(),
    packetId: reader.u16(),
  }));
  const count = reader.u32();
  const sent = count === 0 ? null : new QueueBlock(blockNumber, count);
  const entries = Array.from({ length: count }, () => readEntry(reader));
  entries.sort((a, b) => a.entry.sequence - b.entry.sequence);
  for (const { entry, details } of entries) sent?.add(entry, details, null);
  return { lastSequence, sentSequence, receivedIds, released, sent };
}

function writeDeliveryEntry(writer: ByteWriter, delivery: Delivery): void {
  const { qos, retain, isReference, state } = delivery;
  const { identifiers, group, message } = delivery;
  const isSent = delivery.isSent || state === DeliveryState.Published;
  const flags = entryFlags({ qos, retain, isSent, isReference });
  const { expiresAt } = message;
  const hasDetails =
    identifiers.length > 0 || group !== null || expiresAt !== Number.POSITIVE_INFINITY;
  const details = hasDetails ? { expiresAt, identifiers, group } : null;
  writeEntry(writer, delivery.sequence, delivery.position, delivery.share, flags, details);
}

function writeEntry(
  writer: ByteWriter,
  sequence: number,
  position: number,
  share: number,
  flags: number,
  details: EntryDetails | null,
): void {
  writer.f64(sequence).f64(position).u32(share).u8(flags);
  if (details === null) {
    writer.u8(0);
    return;
  }
  writer.u8(1).f64(details.expiresAt);
  writeDetails(writer, details.identifiers, details.group);
}

/** Also an entry of a block as former versions wrote it. */
export function readEntry(reader: ByteReader): { entry: QueueEntry; details: EntryDetails | null } {
  const entry = emptyEntry();
  entry.sequence = reader.f64();
  entry.position = reader.f64();
  entry.share = reader.u32();
  readEntryFlags(reader.u8(), entry);
  const details = reader.u8() === 0 ? null : { expiresAt: reader.f64(), ...readDetails(reader) };
  return { entry, details };
}
