import { join } from 'node:path';
import { nodeFiles } from '../files/node-files.ts';
import { QUARANTINE } from '../files/quarantine.ts';
import {
  eachRecord,
  RecordKind,
  recordAt,
  recordKind,
  SEGMENT_HEADER_SIZE,
  wallAheadOf,
} from '../format/format.ts';
import { scan } from '../format/scan.ts';
import type { SnapshotRange } from '../format/snapshot.ts';
import { SnapshotFinder } from '../format/snapshot.ts';
import { streamKey } from '../index/streams.ts';
import { isForeign } from '../open/log-id.ts';
import { eachSegment, type InspectionOptions } from './inspection.ts';

export interface SegmentStat {
  readonly file: string;
  readonly version: number;
  /** Positions of its first byte, and after its last batch. */
  readonly first: number;
  readonly end: number;
  /** Of the file, preallocated ones included. */
  readonly fileBytes: number;
  readonly records: number;
  /** What the wall clock showed at its first and its last batch, in milliseconds since 1970; 0 without batches. */
  readonly firstWriteMs: number;
  readonly lastWriteMs: number;
}

export interface LogStat {
  readonly directory: string;
  /** Identity of the log, in hexadecimal; null when no segment says. */
  readonly logId: string | null;
  /** Whether the index is another log's. */
  readonly isIndexForeign: boolean;
  readonly segments: readonly SegmentStat[];
  /** Positions of the oldest byte, and after the newest. */
  readonly tail: number;
  readonly head: number;
  readonly bytes: number;
  readonly fileBytes: number;
  readonly batches: number;
  /** Records of the owner, how many of them were moved by compaction, and how many bytes of data those have. */
  readonly records: number;
  readonly movedRecords: number;
  readonly dataBytes: number;
  /** Names of streams that occur. */
  readonly streams: number;
  readonly snapshot: SnapshotRange | null;
  readonly quarantinedFiles: number;
}

/**
 * Says what a log consists of. Reads only, and takes no lock.
 *
 * @throws {LogError} `not-found` when there is no such directory, `newer-version`
 */
export async function statLog(
  directory: string,
  options: InspectionOptions = {},
): Promise<LogStat> {
  const stats: SegmentStat[] = [];
  const streams = new Set<string>();
  const finder = new SnapshotFinder();
  let batches = 0;
  let movedRecords = 0;
  let dataBytes = 0;
  let wallAheadMs = 0;
  const segments = await eachSegment(directory, options, (segment, buffer) => {
    let end = SEGMENT_HEADER_SIZE;
    let records = 0;
    let firstWriteMs = 0;
    let lastWriteMs = 0;
    for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
      if (stretch.kind !== 'batch') continue;
      const { batch, offset } = stretch;
      finder.add(buffer, offset, batch);
      batches++;
      end = offset + batch.size;
      wallAheadMs = wallAheadOf(buffer, offset, batch, wallAheadMs);
      lastWriteMs = Math.round(batch.timeMs + wallAheadMs);
      if (firstWriteMs === 0) firstWriteMs = lastWriteMs;
      eachRecord(buffer, offset, batch, (start, position) => {
        const kind = recordKind(buffer, start);
        if (kind !== RecordKind.data && kind !== RecordKind.moved) return;
        const { stream, data } = recordAt(buffer, start, position);
        records++;
        dataBytes += data.length;
        if (kind === RecordKind.moved) movedRecords++;
        if (stream.length > 0) streams.add(streamKey(stream));
      });
    }
    stats.push({
      file: segment.path,
      version: segment.version,
      first: segment.first,
      end: segment.first + end,
      fileBytes: buffer.length,
      records,
      firstWriteMs,
      lastWriteMs,
    });
  });
  const { last } = finder;
  const sum = (of: (stat: SegmentStat) => number) => stats.reduce((all, one) => all + of(one), 0);
  return {
    directory,
    logId: segments.findLast(({ logId }) => logId !== null)?.logId ?? null,
    isIndexForeign: options.index != null && isForeign(options.index, segments),
    segments: stats,
    tail: stats[0]?.first ?? 0,
    head: stats.at(-1)?.end ?? 0,
    bytes: sum(({ first, end }) => end - first),
    fileBytes: sum(({ fileBytes }) => fileBytes),
    batches,
    records: sum(({ records }) => records),
    movedRecords,
    dataBytes,
    streams: streams.size,
    snapshot: last === null ? null : { start: last.start, end: last.end },
    quarantinedFiles: await countQuarantined(directory, options),
  };
}

async function countQuarantined(
  directory: string,
  { files = nodeFiles }: InspectionOptions,
): Promise<number> {
  const names = await files.list(join(directory, QUARANTINE)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return names.length;
}
