import {
  BATCH_HEADER_SIZE,
  isData,
  type LogRecord,
  movedFrom,
  RECORD_HEADER_SIZE,
  RecordKind,
  recordAt,
  recordKind,
  recordSize,
  SEGMENT_HEADER_SIZE,
  wallAheadOf,
} from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { eachSegment, type InspectionOptions } from './inspection.ts';

/** A record as it lies in the log; those of snapshots have their key as the stream. */
export interface DumpedRecord extends LogRecord {
  readonly kind:
    | 'data'
    | 'moved'
    | 'snapshot-begin'
    | 'snapshot-entry'
    | 'snapshot-end'
    | 'clock'
    | 'unknown';
  /** Where compaction copied it from; null unless it is a moved one. */
  readonly from: number | null;
  /** What the wall clock showed when its batch was written, in milliseconds since 1970. */
  readonly timeMs: number;
}

export interface DumpOptions extends InspectionOptions {
  /** Only records at or after this position. */
  readonly from?: number;
  /** Only data records of this stream. */
  readonly stream?: Uint8Array;
}

/**
 * Calls back with every readable record of a log, in order, until `visit` returns false. Reads only, and
 * takes no lock.
 *
 * @throws {LogError} `not-found` when there is no such directory, `newer-version`
 */
export async function dumpLog(
  directory: string,
  visit: (record: DumpedRecord) => boolean | undefined,
  options: DumpOptions = {},
): Promise<void> {
  const { from = 0, stream } = options;
  let isDone = false;
  let wallAheadMs = 0;
  await eachSegment(directory, options, (segment, buffer) => {
    if (isDone || segment.end <= from) return;
    for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
      if (stretch.kind !== 'batch') continue;
      const { batch, offset } = stretch;
      wallAheadMs = wallAheadOf(buffer, offset, batch, wallAheadMs);
      const timeMs = Math.round(batch.timeMs + wallAheadMs);
      let start = offset + BATCH_HEADER_SIZE;
      for (let index = 0; index < batch.count; index++) {
        const record = dumped(buffer, start, segment.first + start, timeMs);
        const isOfStream = stream === undefined || (isOwn(record) && record.stream.equals(stream));
        if (record.position >= from && isOfStream && visit(record) === false) {
          isDone = true;
          return;
        }
        start += recordSize(buffer, start);
      }
    }
  });
}

const KINDS = [
  'data',
  'moved',
  'snapshot-begin',
  'snapshot-entry',
  'snapshot-end',
  'clock',
] as const;

function isOwn({ kind }: DumpedRecord): boolean {
  return kind === 'data' || kind === 'moved';
}

function dumped(buffer: Buffer, start: number, position: number, timeMs: number): DumpedRecord {
  const number = recordKind(buffer, start);
  const kind = KINDS[number] ?? 'unknown';
  const from = number === RecordKind.moved ? movedFrom(buffer, start) : null;
  if (isData(number)) return { ...recordAt(buffer, start, position), kind, from, timeMs };
  const keyStart = start + RECORD_HEADER_SIZE;
  const keyEnd = keyStart + buffer.readUInt16LE(start + 8);
  return {
    position,
    origin: position,
    stream: buffer.subarray(keyStart, keyEnd),
    data: buffer.subarray(keyEnd, start + recordSize(buffer, start)),
    kind,
    from,
    timeMs,
  };
}
