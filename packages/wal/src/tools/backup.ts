import { basename, join } from 'node:path';
import { nodeFiles } from '../files/node-files.ts';
import { decodeSegmentHeader, SEGMENT_HEADER_SIZE, writeLogId } from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { createLogId, logIdOf } from '../open/log-id.ts';
import { LogError } from '../ports/log-error.ts';
import type { Segment } from '../segments/segment.ts';
import { readSegment } from '../segments/segment-list.ts';
import { type InspectionOptions, openSegments } from './inspection.ts';

/** How often the segments are opened again because compaction has just removed one of them. */
const ATTEMPTS_MAX = 10;

export interface BackupReport {
  readonly directory: string;
  readonly target: string;
  /** Identity of the copy, in hexadecimal. */
  readonly logId: string;
  readonly segments: number;
  readonly bytes: number;
  /** Position after the last batch that was copied: everything before it is in the copy. */
  readonly head: number;
}

/**
 * Copies a log while it is in use, or while nobody uses it: reads only, and takes no lock. The copy is what a crash at
 * one moment would have left: everything that was acknowledged before this was called is in it, and nothing without
 * what came before it. The index isn't copied; opening the copy makes a new one.
 *
 * The copy is a log of its own, with another identity: the index of the original, which may be ahead of it, is never
 * taken for that of the copy.
 *
 * All segments are opened before the first is copied, so that compaction can't take one away meanwhile.
 *
 * @param target - a directory that is empty, or made
 * @throws {LogError} `not-found` when there is no such log, `newer-version`, `foreign` when the segments are of
 * several logs; Error when `target` isn't empty
 */
export async function backupLog(
  directory: string,
  target: string,
  options: InspectionOptions = {},
): Promise<BackupReport> {
  const { files = nodeFiles, onProgress } = options;
  await files.makeDirectory(target);
  if ((await files.list(target)).length > 0) {
    throw new Error(`${target} is not empty: a backup needs a folder of its own`);
  }
  const segments = await openAll(directory, options);
  const copies: string[] = [];
  const logId = createLogId();
  let isComplete = false;
  try {
    logIdOf(segments);
    const totalBytes = segments.reduce((sum, { size }) => sum + size, 0);
    let bytes = 0;
    let head = 0;
    for (const [index, segment] of segments.entries()) {
      const isLast = index === segments.length - 1;
      const content = isLast ? await readLast(segment, options) : await readSegment(files, segment);
      if (decodeSegmentHeader(content) !== null) writeLogId(content, logId);
      const path = join(target, basename(segment.path));
      copies.push(path);
      const copy = await files.open(path, 'create');
      try {
        await copy.write(content, 0);
        await copy.sync();
      } finally {
        await copy.close();
      }
      bytes += content.length;
      head = segment.first + content.length;
      onProgress?.(Math.min(bytes, totalBytes), totalBytes);
    }
    await files.syncDirectory(target);
    isComplete = true;
    return { directory, target, logId, segments: segments.length, bytes, head };
  } finally {
    for (const segment of segments) await segment.close();
    // A part of it would look like a log that ends earlier.
    if (!isComplete) for (const path of copies) await files.remove(path).catch(() => {});
  }
}

async function openAll(directory: string, options: InspectionOptions): Promise<Segment[]> {
  const { files = nodeFiles } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      const segments = await openSegments(files, directory);
      if (segments.length > 0) return segments;
    } catch (error) {
      const isRemoved = error instanceof LogError && error.code === 'not-found';
      // Where the directory is there, it was a segment that wasn't any more.
      if (!isRemoved || attempt === ATTEMPTS_MAX) throw error;
      await files.list(directory).catch(() => {
        throw error;
      });
      continue;
    }
    throw new LogError('not-found', `${directory}: no log is in it`);
  }
}

/**
 * The segment that is written to, up to the last batch that is there now. It is read twice: a first reading may see a batch
 * and miss one before it, which was written later than that place was read. All up to the last batch of
 * the first reading was written before the second one begins.
 */
async function readLast(
  segment: Segment,
  { files = nodeFiles }: InspectionOptions,
): Promise<Buffer> {
  const buffer = await readSegment(files, segment);
  let end = Math.min(SEGMENT_HEADER_SIZE, buffer.length);
  for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
    if (stretch.kind === 'batch') end = stretch.offset + stretch.batch.size;
  }
  return (await readSegment(files, segment)).subarray(0, end);
}
