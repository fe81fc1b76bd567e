import { crc32 } from 'node:zlib';

/*
 * An entry of a cell's log in the engine. All numbers are little-endian; positions are those of the cell's own log
 * (@promptmq/wal), whose segments may leave gaps between them.
 *
 *    0  4  magic "PMQE"
 *    4  1  format, 1
 *    5  1  kind: 1 owner, 2 bytes of the log
 *    6  2  flags: 1 the bytes begin a segment, 2 sealed: the owner leaves in order, and appends nothing after this
 *    8  8  epoch of the owner that appended it
 *   16  8  where the log ended before this entry
 *   24  8  position of the body's first byte; for kind 1, where the log ends
 *   32  8  first position of its segment; for kind 1, of the last one
 *   40  4  sum of the entry that was accepted before it, 0 for the first
 *   44  4  sum: CRC-32 of all from byte 4 on, with these bytes as 0
 *   48     body: for kind 2, bytes as they lie in the segment; for kind 1
 *
 *   48  4    level of formats that the owner writes
 *   52  8    milliseconds since 1970, as the owner's clock showed
 *   60       node, incarnation and identity of the log, each as 2 bytes of length and UTF-8
 */

export const ENTRY_HEADER_SIZE = 48;

export const EntryKind = { owner: 1, bytes: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export const EntryFlag = { segmentStart: 1, sealed: 2 } as const;

const MAGIC = 0x45514d50;
const FORMAT = 1;
const SUM_OFFSET = 44;
const NO_SUM = Buffer.alloc(4);
const OWNER_FIXED_SIZE = 12;

export interface EntryFields {
  readonly kind: EntryKind;
  /** Of `EntryFlag`. */
  readonly flags: number;
  /** At least 1. */
  readonly epoch: number;
  /** Where the log ended before. */
  readonly previous: number;
  readonly position: number;
  readonly segment: number;
  /** Sum of the entry that was accepted before. */
  readonly chain: number;
}

/** An entry without its body. */
export interface EntryHead extends EntryFields {
  readonly sum: number;
  /** Of the body, in bytes. */
  readonly bodySize: number;
}

export interface Entry extends EntryHead {
  /** A view of the entry's bytes. */
  readonly body: Uint8Array;
}

/** Who owns a cell from an entry on. */
export interface Owner {
  /** Name of the node, at most 65,535 bytes of UTF-8, as the others are. */
  readonly node: string;
  /** Of the node's process: no two have the same. */
  readonly incarnation: string;
  /** Identity of the cell's log. */
  readonly identity: string;
  readonly level: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

/**
 * Makes the header of an entry.
 *
 * @param body - what follows it; not kept
 */
export function encodeHeader(
  fields: EntryFields,
  body: readonly Uint8Array[],
): { readonly header: Buffer; readonly head: EntryHead } {
  const header = Buffer.alloc(ENTRY_HEADER_SIZE);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt8(FORMAT, 4);
  header.writeUInt8(fields.kind, 5);
  header.writeUInt16LE(fields.flags, 6);
  writePosition(header, 8, fields.epoch);
  writePosition(header, 16, fields.previous);
  writePosition(header, 24, fields.position);
  writePosition(header, 32, fields.segment);
  header.writeUInt32LE(fields.chain, 40);
  let sum = crc32(header.subarray(4));
  let bodySize = 0;
  for (const part of body) {
    sum = crc32(part, sum);
    bodySize += part.length;
  }
  header.writeUInt32LE(sum, SUM_OFFSET);
  return { header, head: { ...fields, sum, bodySize } };
}

/** Reads an entry; null when it is damaged, or of a format that isn't known. */
export function decodeEntry(data: Uint8Array): Entry | null {
  if (data.length < ENTRY_HEADER_SIZE) return null;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (buffer.readUInt32LE(0) !== MAGIC || buffer.readUInt8(4) !== FORMAT) return null;
  const sum = buffer.readUInt32LE(SUM_OFFSET);
  const body = buffer.subarray(ENTRY_HEADER_SIZE);
  const found = crc32(body, crc32(NO_SUM, crc32(buffer.subarray(4, SUM_OFFSET))));
  const kind = buffer.readUInt8(5);
  if (found !== sum || (kind !== EntryKind.owner && kind !== EntryKind.bytes)) return null;
  return {
    kind,
    flags: buffer.readUInt16LE(6),
    epoch: readPosition(buffer, 8),
    previous: readPosition(buffer, 16),
    position: readPosition(buffer, 24),
    segment: readPosition(buffer, 32),
    chain: buffer.readUInt32LE(40),
    sum,
    bodySize: body.length,
    body,
  };
}

/** The body of an entry of kind `owner`. */
export function encodeOwner({ node, incarnation, identity, level, timeMs }: Owner): Buffer {
  const texts = [node, incarnation, identity].map((text) => Buffer.from(text, 'utf8'));
  const fixed = Buffer.alloc(OWNER_FIXED_SIZE);
  fixed.writeUInt32LE(level, 0);
  fixed.writeDoubleLE(timeMs, 4);
  const parts: Buffer[] = [fixed];
  for (const text of texts) {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(text.length);
    parts.push(length, text);
  }
  return Buffer.concat(parts);
}

/** @returns null when it isn't an owner's */
export function decodeOwner(body: Uint8Array): Owner | null {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (buffer.length < OWNER_FIXED_SIZE) return null;
  const texts: string[] = [];
  let offset = OWNER_FIXED_SIZE;
  while (texts.length < 3) {
    if (offset + 2 > buffer.length) return null;
    const end = offset + 2 + buffer.readUInt16LE(offset);
    if (end > buffer.length) return null;
    texts.push(buffer.toString('utf8', offset + 2, end));
    offset = end;
  }
  const [node = '', incarnation = '', identity = ''] = texts;
  const level = buffer.readUInt32LE(0);
  return { node, incarnation, identity, level, timeMs: buffer.readDoubleLE(4) };
}

function writePosition(buffer: Buffer, offset: number, position: number): void {
  buffer.writeBigUInt64LE(BigInt(position), offset);
}

function readPosition(buffer: Buffer, offset: number): number {
  return Number(buffer.readBigUInt64LE(offset));
}
