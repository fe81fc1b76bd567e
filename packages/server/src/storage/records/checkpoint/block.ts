import { type EntryDetails, QueueBlock, type QueueEntry } from '@promptmq/session';
import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { readDetails, writeDetails } from '../delivery-fields.ts';
import { emptyEntry, entryFlags, readEntryFlags } from './entry-flags.ts';

/*
 * A block of a session's queue: a varint with the number of entries, then each as it differs from the one before it; before
 * the first one, all is 0. Mostly that is a byte and the length of a record: a million entries take 3 MB.
 *
 *   u8        what differs: 1 flags follow; 2 a share follows; 4 the sequence isn't the one before plus 1; 8 the position is
 *             lower than the one before; 16 has details; 32 they are those of the entry before, and don't follow
 *   varint    distance of its position (of the Message) to the one before
 *   [u8       flags, as in entry-flags.ts]
 *   [varint   share: bytes of the Message's record that are released with it]
 *   [varint   what its sequence is higher by than the one before]
 *   [f64      expiresAt; Infinity when it doesn't expire
 *    ...      details, as in delivery-fields.ts]
 *
 * Entries that aren't stored, and messages that are in memory, aren't written.
 */

const Differs = {
  Flags: 1,
  Share: 2,
  Sequence: 4,
  Lower: 8,
  Details: 16,
  SameDetails: 32,
} as const;

/** Writes the stored entries of a block; transient ones end with the process. */
export function writeBlock(writer: ByteWriter, block: QueueBlock): void {
  let count = 0;
  for (let index = block.start; index < block.end; index++) {
    if (!block.isTransient(index)) count++;
  }
  writer.reset().varint(count);
  let former = emptyEntry();
  let entry = emptyEntry();
  let formerDetails: EntryDetails | null = null;
  for (let index = block.start; index < block.end; index++) {
    if (block.isTransient(index)) continue;
    block.read(index, entry);
    const details = block.detailsAt(index);
    writeEntry(writer, entry, former, details, formerDetails);
    [former, entry] = [entry, former];
    formerDetails = details;
  }
}

function writeEntry(
  writer: ByteWriter,
  entry: QueueEntry,
  former: QueueEntry,
  details: EntryDetails | null,
  formerDetails: EntryDetails | null,
): void {
  const flags = entryFlags(entry);
  const step = entry.sequence - former.sequence;
  const distance = entry.position - former.position;
  const isShared = entry.share !== former.share;
  const isFlagged = flags !== entryFlags(former);
  const isNew = details !== null && details !== formerDetails;
  writer
    .u8(
      (isFlagged ? Differs.Flags : 0) |
        (isShared ? Differs.Share : 0) |
        (step === 1 ? 0 : Differs.Sequence) |
        (distance < 0 ? Differs.Lower : 0) |
        detailBits(details !== null, isNew),
    )
    .varint(Math.abs(distance));
  if (isFlagged) writer.u8(flags);
  if (isShared) writer.varint(entry.share);
  if (step !== 1) writer.varint(step);
  if (!isNew) return;
  writer.f64(details.expiresAt);
  writeDetails(writer, details.identifiers, details.group);
}

function detailBits(hasDetails: boolean, isNew: boolean): number {
  if (!hasDetails) return 0;
  return isNew ? Differs.Details : Differs.Details | Differs.SameDetails;
}

/** Reads what `writeBlock` wrote, as the block of a number; it doesn't count as changed. */
export function readBlock(reader: ByteReader, number: number): QueueBlock {
  const count = reader.varint();
  const block = new QueueBlock(number, Math.max(count, 8));
  const entry = emptyEntry();
  let details: EntryDetails | null = null;
  for (let index = 0; index < count; index++) {
    const differs = reader.u8();
    const distance = reader.varint();
    entry.position += (differs & Differs.Lower) === 0 ? distance : -distance;
    if ((differs & Differs.Flags) !== 0) readEntryFlags(reader.u8(), entry);
    if ((differs & Differs.Share) !== 0) entry.share = reader.varint();
    entry.sequence += (differs & Differs.Sequence) === 0 ? 1 : reader.varint();
    if ((differs & Differs.Details) === 0) details = null;
    else if ((differs & Differs.SameDetails) === 0) {
      details = { expiresAt: reader.f64(), ...readDetails(reader) };
    }
    block.add(entry, details, null);
  }
  block.isChanged = false;
  return block;
}
