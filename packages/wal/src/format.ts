import { crc32 } from 'node:zlib';

/*
 * How a log lies on disk. All numbers are little-endian; positions are bytes counted from the start of
 * the whole log, so a byte at offset o of a segment whose first position is p has position p + o.
 *
 * Segment file `<first position, 16 hex digits>.log`:
 *
 *   offset  size
 *        0     8  magic "PMQ-WAL\0"
 *        8     4  format version
 *       12     4  CRC-32 of bytes 16 to 63
 *       16     8  first position: that of this byte 0
 *       24     8  previous end: where the data of the segment before ends; what lies between was never used
 *       32    32  reserved, 0
 *       64        batches, one after the other; behind the last one zeros, or the end of the file
 *
 * Batch, at a multiple of 8:
 *
 *        0     4  magic "PMQB"
 *        4     4  size in bytes, header and padding included
 *        8     4  CRC-32 of bytes 12 to size - 1
 *       12     4  number of records
 *       16     8  position of this byte 0
 *       24     8  all before this position was durable when the batch was written
 *       32     8  milliseconds since 1970
 *       40        records, one after the other, then zeros up to a multiple of 8
 *
 * Record:
 *
 *        0     4  length of the data in bytes
 *        4     4  offset of this byte 0 within its batch
 *        8     2  length of the stream name in bytes
 *       10     2  reserved, 0
 *       12        stream name, then data
 *
 * The position of a record is that of its first byte. A batch is valid as a whole or not at all: magic,
 * size, position and CRC must be right.
 */

export const FORMAT_VERSION = 1;

export const SEGMENT_HEADER_SIZE = 64;
export const BATCH_HEADER_SIZE = 40;
export const RECORD_HEADER_SIZE = 12;

/** A record's data can't be longer: its batch has to fit 32 bits. */
export const RECORD_DATA_MAX = 0x7fff_0000;

/** Longest stream name, in bytes. */
export const STREAM_NAME_MAX = 0xffff;

const SEGMENT_MAGIC = Buffer.from('PMQ-WAL\0', 'latin1');
const BATCH_MAGIC = 0x42514d50;
const TWO_32 = 0x1_0000_0000;

export function readPosition(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset + 4) * TWO_32 + buffer.readUInt32LE(offset);
}

export function writePosition(buffer: Buffer, offset: number, position: number): void {
  buffer.writeUInt32LE(position % TWO_32, offset);
  buffer.writeUInt32LE(Math.floor(position / TWO_32), offset + 4);
}

export function alignUp(size: number): number {
  return (size + 7) & ~7;
}

export function segmentName(firstPosition: number): string {
  return `${firstPosition.toString(16).padStart(16, '0')}.log`;
}

/** The first position that a file name stands for; null when it isn't a segment's. */
export function parseSegmentName(name: string): number | null {
  return /^[0-9a-f]{16}\.log$/.test(name) ? Number.parseInt(name.slice(0, 16), 16) : null;
}

export function encodeSegmentHeader(firstPosition: number, previousEnd: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_SIZE);
  SEGMENT_MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  writePosition(header, 16, firstPosition);
  writePosition(header, 24, previousEnd);
  header.writeUInt32LE(crc32(header.subarray(16)), 12);
  return header;
}

export interface SegmentHeader {
  readonly version: number;
  readonly firstPosition: number;
  readonly previousEnd: number;
}

/** Reads the header of a segment; null when it is damaged. */
export function decodeSegmentHeader(header: Buffer): SegmentHeader | null {
  if (header.length < SEGMENT_HEADER_SIZE) return null;
  if (!header.subarray(0, 8).equals(SEGMENT_MAGIC)) return null;
  const version = header.readUInt32LE(8);
  // A newer version may have another header: its number is all that can be read.
  if (version > FORMAT_VERSION) return { version, firstPosition: 0, previousEnd: 0 };
  if (header.readUInt32LE(12) !== crc32(header.subarray(16, SEGMENT_HEADER_SIZE))) return null;
  return {
    version,
    firstPosition: readPosition(header, 16),
    previousEnd: readPosition(header, 24),
  };
}

/** Fills in the header of a batch whose records are in place; `size` is a multiple of 8. */
export function sealBatch(
  buffer: Buffer,
  size: number,
  count: number,
  position: number,
  durablePosition: number,
  timeMs: number,
): void {
  buffer.writeUInt32LE(BATCH_MAGIC, 0);
  buffer.writeUInt32LE(size, 4);
  buffer.writeUInt32LE(count, 12);
  writePosition(buffer, 16, position);
  writePosition(buffer, 24, durablePosition);
  writePosition(buffer, 32, timeMs);
  buffer.writeUInt32LE(crc32(buffer.subarray(12, size)), 8);
}

/** A batch that was found valid. */
export interface Batch {
  /** Of the first byte of its header. */
  readonly position: number;
  readonly size: number;
  readonly count: number;
  readonly durablePosition: number;
  readonly timeMs: number;
}

/**
 * Checks the batch that should start at `offset` of a buffer.
 *
 * @param position - of that byte, in the log
 * @returns null when no valid batch lies there whole
 */
export function readBatch(buffer: Buffer, offset: number, position: number): Batch | null {
  if (offset + BATCH_HEADER_SIZE > buffer.length) return null;
  if (buffer.readUInt32LE(offset) !== BATCH_MAGIC) return null;
  const size = buffer.readUInt32LE(offset + 4);
  if (size < BATCH_HEADER_SIZE || size % 8 !== 0 || offset + size > buffer.length) return null;
  if (readPosition(buffer, offset + 16) !== position) return null;
  const expected = buffer.readUInt32LE(offset + 8);
  if (crc32(buffer.subarray(offset + 12, offset + size)) !== expected) return null;
  return {
    position,
    size,
    count: buffer.readUInt32LE(offset + 12),
    durablePosition: readPosition(buffer, offset + 24),
    timeMs: readPosition(buffer, offset + 32),
  };
}

/** The size that the header at `offset` declares; 0 when there is no batch header. */
export function declaredBatchSize(buffer: Buffer, offset: number): number {
  if (offset + BATCH_HEADER_SIZE > buffer.length) return 0;
  return buffer.readUInt32LE(offset) === BATCH_MAGIC ? buffer.readUInt32LE(offset + 4) : 0;
}

/** One record as it is read back. The bytes are views: copy what is to be kept. */
export interface LogRecord {
  readonly position: number;
  readonly data: Buffer;
  /** Name of the stream that it was appended to; empty when none. */
  readonly stream: Buffer;
}

/** The records of a valid batch at `offset` of a buffer, in order. */
export function* recordsOf(buffer: Buffer, offset: number, batch: Batch): Generator<LogRecord> {
  let start = offset + BATCH_HEADER_SIZE;
  for (let index = 0; index < batch.count; index++) {
    yield recordAt(buffer, start, batch.position + (start - offset));
    start += recordSize(buffer, start);
  }
}

export function recordAt(buffer: Buffer, start: number, position: number): LogRecord {
  const dataLength = buffer.readUInt32LE(start);
  const streamStart = start + RECORD_HEADER_SIZE;
  const dataStart = streamStart + buffer.readUInt16LE(start + 8);
  return {
    position,
    stream: buffer.subarray(streamStart, dataStart),
    data: buffer.subarray(dataStart, dataStart + dataLength),
  };
}

/** Bytes of the record at `start`, its header included. */
export function recordSize(buffer: Buffer, start: number): number {
  return RECORD_HEADER_SIZE + buffer.readUInt16LE(start + 8) + buffer.readUInt32LE(start);
}

/** Offset of a record within its batch, as its header says. */
export function recordOffsetInBatch(header: Buffer, start: number): number {
  return header.readUInt32LE(start + 4);
}
