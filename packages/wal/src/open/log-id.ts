import { randomBytes } from 'node:crypto';
import { LOG_ID_SIZE, SEGMENT_HEADER_SIZE } from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { SnapshotFinder } from '../format/snapshot.ts';
import type { IndexSummary } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { Segment } from '../segments/segment.ts';
import { isDirectlyBefore, readSegment } from '../segments/segment-list.ts';

/** The identity of a log that begins: 16 random bytes, in hexadecimal. */
export function createLogId(): string {
  return randomBytes(LOG_ID_SIZE).toString('hex');
}

/**
 * The identity of the log that segments are of; null when none of them says.
 *
 * @throws {LogError} `foreign` when they are of several logs
 */
export function logIdOf(segments: readonly Segment[]): string | null {
  const last = segments.findLast(({ logId }) => logId !== null);
  if (last === undefined) return null;
  const other = segments.find(({ logId }) => logId !== null && logId !== last.logId);
  if (other === undefined) return last.logId;
  throw new LogError(
    'foreign',
    `${other.path} is of log ${other.logId}, ${last.path} of log ${last.logId}; ` +
      'move the segments of one of them to a folder of their own',
  );
}

/** Whether an index is of another log than the segments: nothing of it may be used then. */
export function isForeign(
  { logId, position }: Pick<IndexSummary, 'logId' | 'position'>,
  segments: readonly Segment[],
): boolean {
  // Without segments nothing shows whose the index is: `isEndMissing` looks at that.
  if (segments.length === 0) return false;
  const known = segments.filter((segment) => segment.logId !== null);
  // Of an older version, which can't be of a log that began with this one; or empty.
  if (logId === null) return position > 0 && known.length === segments.length;
  if (known.length > 0) return known.every((segment) => segment.logId !== logId);
  return segments.every(({ isHeaderDamaged }) => !isHeaderDamaged);
}

/** Says in words what `isForeign` has found, to follow the name of an index. */
export function foreignText(
  index: Pick<IndexSummary, 'logId'>,
  directory: string,
  segments: readonly Segment[],
): string {
  const logId = segments.findLast((segment) => segment.logId !== null)?.logId ?? null;
  return `is of ${nameOf(index.logId)}, not of ${nameOf(logId)} in ${directory}`;
}

function nameOf(logId: string | null): string {
  return logId === null ? 'a log without identity' : `log ${logId}`;
}

/**
 * Whether all that a log's state is made of is in its segments, so that they serve without an index: all
 * from position 0 on, or a snapshot.
 */
export async function holdsWholeState(
  files: Files,
  segments: readonly Segment[],
): Promise<boolean> {
  const isUnbroken = segments.every((segment, index) => {
    const previous = segments[index - 1];
    return previous === undefined ? segment.first === 0 : isDirectlyBefore(previous, segment);
  });
  if (isUnbroken) return true;
  const finder = new SnapshotFinder();
  for (const segment of segments) {
    const buffer = await readSegment(files, segment);
    for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
      if (stretch.kind === 'batch') finder.add(buffer, stretch.offset, stretch.batch);
    }
  }
  return finder.last !== null;
}
