import { nodeFiles } from '../files/node-files.ts';
import { foreignText, isForeign, logIdOf } from '../open/log-id.ts';
import type { IndexSummary } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { Segment } from '../segments/segment.ts';
import { listSegments, readSegment } from '../segments/segment-list.ts';

/** For what looks at a log without opening it. */
export interface InspectionOptions {
  readonly files?: Files;
  /** The log's index: everything before its position has been durable. One of another log is reported, and not used. */
  readonly index?: IndexSummary | null;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Goes through the segments of a directory, reading only and without its lock: a log that is in use may be
 * looked at, and what is being written just then may look torn.
 *
 * @param visit - gets the bytes of each segment in turn, preallocated ones included
 * @throws {LogError} `not-found` when there is no such directory, `newer-version`
 */
export async function eachSegment(
  directory: string,
  { files = nodeFiles, onProgress }: InspectionOptions,
  visit: (segment: Segment, buffer: Buffer, next: Segment | undefined) => void | Promise<void>,
): Promise<readonly Segment[]> {
  const segments = await openSegments(files, directory);
  try {
    const totalBytes = segments.reduce((sum, { size }) => sum + size, 0);
    let doneBytes = 0;
    for (let index = 0; index < segments.length; index++) {
      const segment = segments[index] as Segment;
      await visit(segment, await readSegment(files, segment), segments[index + 1]);
      doneBytes += segment.size;
      onProgress?.(doneBytes, totalBytes);
    }
    return segments;
  } finally {
    for (const segment of segments) await segment.close();
  }
}

/** The segments of a directory, opened for reading. */
export async function openSegments(files: Files, directory: string): Promise<Segment[]> {
  try {
    return await listSegments(files, directory, 'read');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new LogError('not-found', `${directory}: no such directory`, { cause: error });
  }
}

/**
 * Says whose log a directory has, reading only.
 *
 * @returns null when there is none; `logId` is null for one of an older version, which has no identity
 * @throws {LogError} `foreign` when the segments are of several logs, `newer-version`
 */
export async function identifyLog(
  directory: string,
  { files = nodeFiles }: Pick<InspectionOptions, 'files'> = {},
): Promise<{ readonly logId: string | null } | null> {
  let segments: readonly Segment[];
  try {
    segments = await openSegments(files, directory);
  } catch (error) {
    if (error instanceof LogError && error.code === 'not-found') return null;
    throw error;
  }
  for (const segment of segments) await segment.close();
  return segments.length === 0 ? null : { logId: logIdOf(segments) };
}

/**
 * Whether the index in `options` is of another log than a directory holds, reading only.
 *
 * @returns what is wrong, in words; null when nothing is, or there is no index
 * @throws {LogError} `not-found` when there is no such directory, `newer-version`
 */
export async function whyIndexIsForeign(
  directory: string,
  { files = nodeFiles, index = null }: InspectionOptions,
): Promise<string | null> {
  const segments = await openSegments(files, directory);
  for (const segment of segments) await segment.close();
  if (index === null || !isForeign(index, segments)) return null;
  return `${index.file} ${foreignText(index, directory, segments)}`;
}
