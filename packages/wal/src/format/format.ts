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
 *       32     8  first position of the segment before; its own when it is the first one (0 in version 1)
 *       40    16  identity of the log, random bytes that every segment of it has; 0 where an older package wrote it
 *       56     8  reserved, 0
 *       64        batches, one after the other; after the last one zeros, or the end of the file
 *
 * Batch, at a multiple of 8:
 *
 *        0     4  magic "PMQB"
 *        4     4  size in bytes, header and padding included
 *        8     4  CRC-32 of bytes 12 to size - 1
 *       12     4  number of records
 *       16     8  position of this byte 0
 *       24     8  all before this position was durable when the batch was written
 *       32     8  milliseconds of the log's time (log-time.ts), which began as the wall clock
 *       40        records, one after the other, then zeros up to a multiple of 8
 *
 * Record:
 *
 *        0     4  length of the data in bytes
 *        4     4  offset of this byte 0 within its batch
 *        8     2  length of the stream name in bytes
 *       10     2  kind: 0 data, 1 moved, 2 snapshot begin, 3 snapshot entry, 4 snapshot end, 5 clock
 *       12        stream name, then data
 *
 * The position of a record is that of its first byte. A batch is valid as a whole or not at all: magic,
 * size, position and CRC must be right.
 *
 * A moved record was copied by compaction. Its data starts with
 *
 *        0     8  position that it was copied from
 *        8     8  position that it was first appended at
 *       16        what its owner keeps of the data
 *
 * A snapshot is the owner's state as of its begin, in batches of its own, one after the other: a begin
 * without data, entries (the key as the stream name, in UTF-8, and the value as the data), and an end:
 *
 *        0     8  position of the begin
 *        8     4  number of entries
 *       12     4  number of segments, of which each has
 *       16     8    its first position
 *       24     8    bytes of its records that were released
 *
 * A clock record says what the wall clock was ahead of the log's time, in milliseconds, as a double; it holds for its batch and
 * those that follow. Each segment has one in its first batch, and so has each batch after a moment at which the wall clock was
 * set. Where there is none, an older package wrote the wall clock as the time of a batch. Records of a kind that a package
 * doesn't know are passed over.
 *
 * A snapshot counts when all of it is there. Segments in the middle of a log are only ever removed after
 * a snapshot after them has become durable; so what follows the last one, and its entries, make up the
 * whole state. Where there is none, all of the log does.
 *
 * Version 1 had no kinds but 0, and no compaction. Its segments are read as they are, and not appended to; nor
 * are those without an identity. The log gets its identity with the first segment after them.
 */

export const FORMAT_VERSION = 2;

export const SEGMENT_HEADER_SIZE = 64;
export const BATCH_HEADER_SIZE = 40;
export const RECORD_HEADER_SIZE = 12;

/** Bytes of a log's identity. */
export const LOG_ID_SIZE = 16;

export const RecordKind = {
  data: 0,
  moved: 1,
  snapshotBegin: 2,
  snapshotEntry: 3,
  snapshotEnd: 4,
  clock: 5,
} as const;

export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Bytes of the data of a clock record. */
export const CLOCK_DATA_SIZE = 8;

/** What stands before the data of a moved record. */
export const MOVED_HEADER_SIZE = 16;

/** A record's data can't be longer: its batch has to fit 32 bits. */
export const RECORD_DATA_MAX = 0x7fff_0000;

/** Longest stream name, in bytes. */
export const STREAM_NAME_MAX = 0xffff;

const SEGMENT_MAGIC = Buffer.from('PMQ-WAL\0', 'latin1');
const BATCH_MAGIC = 0x42514d50;
const TWO_32 = 0x1_0000_0000;

const CRC_OFFSET = 12;
const LOG_ID_OFFSET = 40;
const NO_LOG_ID = '0'.repeat(2 * LOG_ID_SIZE);

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

/** @param logId - the identity in hexadecimal; null for a log that has none */
export function encodeSegmentHeader(
  firstPosition: number,
  previousEnd: number,
  previousFirst: number,
  logId: string | null,
): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_SIZE);
  SEGMENT_MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  writePosition(header, 16, firstPosition);
  writePosition(header, 24, previousEnd);
  writePosition(header, 32, previousFirst);
  writeLogId(header, logId);
  return header;
}

/** Puts another identity into the header of a segment, in place; the rest stays as it is. */
export function writeLogId(header: Buffer, logId: string | null): void {
  header.write(logId ?? NO_LOG_ID, LOG_ID_OFFSET, LOG_ID_SIZE, 'hex');
  header.writeUInt32LE(crc32(header.subarray(16, SEGMENT_HEADER_SIZE)), CRC_OFFSET);
}

function readLogId(header: Buffer): string | null {
  const logId = header.toString('hex', LOG_ID_OFFSET, LOG_ID_OFFSET + LOG_ID_SIZE);
  return logId === NO_LOG_ID ? null : logId;
}

export interface SegmentHeader {
  readonly version: number;
  readonly firstPosition: number;
  readonly previousEnd: number;
  /** First position of the segment before; null in version 1, which doesn't say. */
  readonly previousFirst: number | null;
  /** Identity of the log, in hexadecimal; null where an older package wrote the segment. */
  readonly logId: string | null;
}

/** Reads the header of a segment; null when it is damaged. */
export function decodeSegmentHeader(header: Buffer): SegmentHeader | null {
  if (header.length < SEGMENT_HEADER_SIZE) return null;
  if (!header.subarray(0, 8).equals(SEGMENT_MAGIC)) return null;
  const version = header.readUInt32LE(8);
  // A newer version may have another header: its number is all that can be read.
  if (version > FORMAT_VERSION)
    return { version, firstPosition: 0, previousEnd: 0, previousFirst: null, logId: null };
  if (header.readUInt32LE(CRC_OFFSET) !== crc32(header.subarray(16, SEGMENT_HEADER_SIZE)))
    return null;
  return {
    version,
    firstPosition: readPosition(header, 16),
    previousEnd: readPosition(header, 24),
    previousFirst: version === 1 ? null : readPosition(header, 32),
    logId: readLogId(header),
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

/** A valid batch without records, to be put where nothing can be read; `size` is a multiple of 8. */
export function fillerBatch(size: number, position: number): Buffer {
  const buffer = Buffer.alloc(size);
  sealBatch(buffer, size, 0, position, 0, 0);
  return buffer;
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
  /** Where it was first appended; compaction may have moved it since. Records are in the order of their origins. */
  readonly origin: number;
}

const NO_BYTES = Buffer.alloc(0);

/** The data record at `start` of a buffer, of kind `data` or `moved`. */
export function recordAt(buffer: Buffer, start: number, position: number): LogRecord {
  const streamStart = start + RECORD_HEADER_SIZE;
  const streamEnd = streamStart + streamLength(buffer, start);
  const stream = streamStart === streamEnd ? NO_BYTES : buffer.subarray(streamStart, streamEnd);
  const isMoved = recordKind(buffer, start) === RecordKind.moved;
  const origin = isMoved ? readPosition(buffer, streamEnd + 8) : position;
  const data = buffer.subarray(dataStart(buffer, start), start + recordSize(buffer, start));
  return { position, data, stream, origin };
}

/** Bytes of the name of a record's stream. */
export function streamLength(buffer: Buffer, start: number): number {
  return buffer.readUInt16LE(start + 8);
}

/** Where the owner's data of the data record at `start` begins. */
export function dataStart(buffer: Buffer, start: number): number {
  const streamEnd = start + RECORD_HEADER_SIZE + streamLength(buffer, start);
  const isMoved = recordKind(buffer, start) === RecordKind.moved;
  return isMoved ? streamEnd + MOVED_HEADER_SIZE : streamEnd;
}

/** Where compaction copied the moved record at `start` from. */
export function movedFrom(buffer: Buffer, start: number): number {
  return readPosition(buffer, start + RECORD_HEADER_SIZE + buffer.readUInt16LE(start + 8));
}

/** What the wall clock was ahead of the log's time at a batch, when that is known `before` it. */
export function wallAheadOf(buffer: Buffer, offset: number, batch: Batch, before: number): number {
  let wallAheadMs = before;
  eachRecord(buffer, offset, batch, (start) => {
    if (recordKind(buffer, start) === RecordKind.clock) wallAheadMs = wallAheadAt(buffer, start);
  });
  return wallAheadMs;
}

/** @param wallAheadMs - wall clock minus log time */
export function encodeClock(wallAheadMs: number): Buffer {
  const data = Buffer.alloc(CLOCK_DATA_SIZE);
  data.writeDoubleLE(wallAheadMs);
  return data;
}

/** What the clock record at `start` of a buffer says. */
export function wallAheadAt(buffer: Buffer, start: number): number {
  return buffer.readDoubleLE(start + recordSize(buffer, start) - CLOCK_DATA_SIZE);
}

export function recordKind(buffer: Buffer, start: number): number {
  return buffer.readUInt16LE(start + 10);
}

/** Whether it is the owner's, not the log's own. */
export function isData(kind: number): boolean {
  return kind === RecordKind.data || kind === RecordKind.moved;
}

/** What a record takes in the log, in bytes, but for its share of the batch. */
export function recordBytes(dataLength: number, streamLength = 0): number {
  return RECORD_HEADER_SIZE + streamLength + dataLength;
}

/** Bytes of the record at `start`, its header included. */
export function recordSize(buffer: Buffer, start: number): number {
  return RECORD_HEADER_SIZE + buffer.readUInt16LE(start + 8) + buffer.readUInt32LE(start);
}

/** Offset of a record within its batch, as its header says. */
export function recordOffsetInBatch(header: Buffer, start: number): number {
  return header.readUInt32LE(start + 4);
}

/** Calls back with the offset in the buffer of each record of a valid batch at `offset`, in order. */
export function eachRecord(
  buffer: Buffer,
  offset: number,
  batch: Batch,
  visit: (start: number, position: number) => void,
): void {
  let start = offset + BATCH_HEADER_SIZE;
  const last = offset + batch.size - RECORD_HEADER_SIZE;
  for (let index = 0; index < batch.count && start <= last; index++) {
    const size = recordSize(buffer, start);
    visit(start, batch.position + (start - offset));
    start += size;
  }
}
