import {
  type Delivery,
  DeliveryState,
  type EntryDetails,
  QueueBlock,
  type QueueEntry,
  type Session,
  storedOf,
} from '@promptmq/session';
import type { ByteReader, ByteWriter } from './byte-writer.ts';
import { emptyEntry, entryFlags, readEntryFlags } from './entry-flags.ts';
import { readDetails, writeDetails } from './records.ts';

/*
 * The values of a checkpoint, by the first letter of their key:
 *
 *   m                     f64 number that the next stored session gets
 *   e SESSION             f64 sequence, as in its Ending record
 *   s SESSION             the Session record
 *   u SESSION             the Subscribe record of all its subscriptions
 *   p SESSION             what is under way, as below
 *   b SESSION BLOCK       a block of its queue; see block-codec.ts
 *   q SESSION BLOCK       the same as former versions wrote it, as below; a checkpoint replaces it
 *   t CHUNK               where retained messages lie; see retained-places.ts
 *   r NUMBER              a retained message as former versions wrote it: f64 position of its record, u32 share,
 *                         string topic; a checkpoint replaces it
 *
 * Under way: f64 last sequence, f64 sequence up to which all was sent, u32 count and u16 packet identifiers
 * received, u32 count of released (f64 sequence, u16 packetId), u32 count of entries.
 * Block: u32 count of entries.
 * Entry: f64 sequence, f64 position, u32 share, u8 flags (entry-flags.ts), u8 1 and details (f64 expiresAt, u16 count and
 * u32 identifiers, string group), or u8 0.
 */

export function writeProgress(writer: ByteWriter, session: Session): void {
  writer.reset().f64(storedOf(session).lastSequence).f64(storedOf(session).sentSequence);
  const receivedIds = [...session.received];
  writer.u32(receivedIds.length);
  for (const packetId of receivedIds) writer.u16(packetId);
  const stored = [...storedOf(session).underWay()].filter(({ sequence }) => sequence > 0);
  const released = stored.filter(({ state }) => state === DeliveryState.Released);
  writer.u32(released.length);
  for (const { sequence, packetId } of released) writer.f64(sequence).u16(packetId);
  writer.u32(stored.length - released.length);
  for (const delivery of stored) {
    if (delivery.state !== DeliveryState.Released) writeDeliveryEntry(writer, delivery);
  }
}

export interface Progress {
  readonly lastSequence: number;
  readonly sentSequence: number;
  readonly receivedIds: readonly number[];
  readonly released: readonly { readonly sequence: number; readonly packetId: number }[];
  /** In the order of their sequences; null when there is nothing. */
  readonly underWay: QueueBlock | null;
}

/** @param blockNumber - what the block of entries is to be numbered */
export function readProgress(reader: ByteReader, blockNumber: number): Progress {
  const lastSequence = reader.f64();
  const sentSequence = reader.f64();
  const receivedIds = Array.from({ length: reader.u32() }, () => reader.u16());
  const released = Array.from({ length: reader.u32() }, () => ({
    sequence: reader.f64(),
    packetId: reader.u16(),
  }));
  const count = reader.u32();
  const underWay = count === 0 ? null : new QueueBlock(blockNumber, count);
  const entries = Array.from({ length: count }, () => readEntry(reader));
  entries.sort((a, b) => a.entry.sequence - b.entry.sequence);
  for (const { entry, details } of entries) underWay?.add(entry, details, null);
  return { lastSequence, sentSequence, receivedIds, released, underWay };
}

/** Reads a block as former versions wrote it. */
export function readFormerBlock(reader: ByteReader, number: number): QueueBlock {
  const count = reader.u32();
  const block = new QueueBlock(number, Math.max(count, 8));
  for (let index = 0; index < count; index++) {
    const { entry, details } = readEntry(reader);
    block.add(entry, details, null);
  }
  return block;
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

function readEntry(reader: ByteReader): { entry: QueueEntry; details: EntryDetails | null } {
  const entry = emptyEntry();
  entry.sequence = reader.f64();
  entry.position = reader.f64();
  entry.share = reader.u32();
  readEntryFlags(reader.u8(), entry);
  const details = reader.u8() === 0 ? null : { expiresAt: reader.f64(), ...readDetails(reader) };
  return { entry, details };
}

// ------------------------------------------------------------------------------- keys

const NUMBER_DIGITS = 14;

/** Keys sort as their numbers do. */
export function stateKey(letter: string, ...numbers: readonly number[]): string {
  let key = letter;
  for (const number of numbers) key += number.toString(16).padStart(NUMBER_DIGITS, '0');
  return key;
}

/** The numbers of a key, in their order. */
export function keyNumbers(key: string): number[] {
  const numbers: number[] = [];
  for (let offset = 1; offset < key.length; offset += NUMBER_DIGITS) {
    numbers.push(Number.parseInt(key.slice(offset, offset + NUMBER_DIGITS), 16));
  }
  return numbers;
}
