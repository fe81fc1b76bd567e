import { type EntryDetails, QueueBlock } from '@promptmq/session';
import type { ByteReader, ByteWriter } from './byte-writer.ts';
import { readDetails, writeDetails } from './records.ts';

/*
 * A block of a queue in a checkpoint: a varint with the number of entries, then each as it differs from the
 * one before it; before the first one, all is 0. Mostly that is a byte and the length of a record: a
 * million entries take 3 MB.
 *
 *   u8 bits: 1 flags follow, 2 share follows, 4 sequence doesn't follow the one before, 8 position is lower,
 *            16 has details, 32 they are those of the entry before
 *   varint   how far its position is from the one before
 *   [u8 EntryFlag] [varint share] [varint how much higher its sequence is] [details]
 *
 * Details: f64 expiresAt, u16 count and as many u32 identifiers, string group.
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
  let former = -1;
  for (let index = block.start; index < block.end; index++) {
    if (block.isTransient(index)) continue;
    writeEntry(writer, block, index, former);
    former = index;
  }
}

/** @param former - index of the entry before; -1 when there is none */
function writeEntry(writer: ByteWriter, block: QueueBlock, index: number, former: number): void {
  const { positions, shares, flags } = block;
  const step = block.sequenceAt(index) - (former === -1 ? 0 : block.sequenceAt(former));
  const distance = (positions[index] as number) - (positions[former] ?? 0);
  const isShared = shares[index] !== (shares[former] ?? 0);
  const isFlagged = flags[index] !== (flags[former] ?? 0);
  const details = block.details?.[index] ?? null;
  const isNew = details !== null && details !== block.details?.[former];
  writer
    .u8(
      (isFlagged ? Differs.Flags : 0) |
        (isShared ? Differs.Share : 0) |
        (step === 1 ? 0 : Differs.Sequence) |
        (distance < 0 ? Differs.Lower : 0) |
        detailBits(details !== null, isNew),
    )
    .varint(Math.abs(distance));
  if (isFlagged) writer.u8(flags[index] as number);
  if (isShared) writer.varint(shares[index] as number);
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
  let position = 0;
  let sequence = 0;
  let share = 0;
  let flags = 0;
  let details: EntryDetails | null = null;
  for (let index = 0; index < count; index++) {
    const differs = reader.u8();
    const distance = reader.varint();
    position += (differs & Differs.Lower) === 0 ? distance : -distance;
    if ((differs & Differs.Flags) !== 0) flags = reader.u8();
    if ((differs & Differs.Share) !== 0) share = reader.varint();
    sequence += (differs & Differs.Sequence) === 0 ? 1 : reader.varint();
    if ((differs & Differs.Details) === 0) details = null;
    else if ((differs & Differs.SameDetails) === 0) {
      details = { expiresAt: reader.f64(), ...readDetails(reader) };
    }
    block.add(sequence, position, share, flags, details, null);
  }
  block.isChanged = false;
  return block;
}
