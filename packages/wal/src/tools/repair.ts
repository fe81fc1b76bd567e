import { nodeFiles } from '../files/node-files.ts';
import { alignUp, BATCH_HEADER_SIZE, fillerBatch } from '../format/format.ts';
import { createLogId, foreignText, isForeign, logIdOf } from '../open/log-id.ts';
import { Recovery } from '../open/recovery.ts';
import { type Checkpoint, NO_CHECKPOINT } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEvent } from '../ports/log-event.ts';
import { Segment } from '../segments/segment.ts';
import { listSegments } from '../segments/segment-list.ts';
import type { InspectionOptions } from './inspection.ts';

export interface RepairReport {
  readonly directory: string;
  /** What was cut off or set aside. */
  readonly events: readonly LogEvent[];
  /** Headers that were written again. */
  readonly headers: readonly string[];
  /** Whether records were lost that had been durable: not by the repair, but it makes that final. */
  readonly isLossy: boolean;
}

/**
 * Does permanently what opening a log does for the moment: cuts off a torn tail, and replaces damaged
 * stretches, of which copies are kept in `quarantine`, by empty batches. Where the index knows of more than there is, the log
 * continues after that, without what is missing. Afterwards `verifyLog` finds
 * nothing wrong but segments that are missing.
 *
 * @throws {LogError} `locked` when the log is in use, `not-found` when there is no such directory,
 * `newer-version`, `foreign` when the index is of another log, or the segments are of several; nothing was
 * changed then
 */
export async function repairLog(
  directory: string,
  options: InspectionOptions = {},
): Promise<RepairReport> {
  const { files = nodeFiles, index = null, onProgress } = options;
  await files.list(directory).catch((error: unknown) => {
    throw new LogError('not-found', `${directory}: no such directory`, { cause: error });
  });
  const unlock = await files.lock(directory);
  let segments: readonly Segment[] = [];
  const events: LogEvent[] = [];
  const holes: { readonly file: string; readonly offset: number; readonly bytes: number }[] = [];
  try {
    segments = await listSegments(files, directory);
    const logId = logIdOf(segments) ?? index?.logId ?? null;
    if (index !== null && isForeign(index, segments)) {
      // With its own index, damage may be distinguished from a torn tail; without, it can't always be.
      const why = `${index.file} ${foreignText(index, directory, segments)}`;
      throw new LogError('foreign', `${why}; name the folder of its own, or move that one away`);
    }
    const checkpoint: Checkpoint = { ...NO_CHECKPOINT, logId, position: index?.position ?? 0 };
    const recovery = new Recovery({
      files,
      directory,
      segments,
      checkpoint,
      validate: true,
      onCorruption: 'quarantine',
      onEvent: (event) => {
        if (event.type === 'checking') onProgress?.(event.position, event.end);
        else events.push(event);
        if (event.type === 'quarantined') holes.push(event);
      },
    });
    await recovery.repair();
    const headers: string[] = [];
    for (const [number, segment] of recovery.segments.entries()) {
      const previous = recovery.segments[number - 1];
      if (await repairHeader(segment, previous, logId)) headers.push(segment.path);
      for (const hole of holes) if (hole.file === segment.path) await fill(segment, hole);
    }
    const lost = await continueAfter(
      files,
      directory,
      recovery.segments,
      logId,
      index?.position ?? 0,
    );
    if (lost !== null) events.push(lost);
    return { directory, events, headers, isLossy: holes.length > 0 || lost !== null };
  } finally {
    for (const segment of segments) await segment.close();
    await unlock();
  }
}

async function repairHeader(
  segment: Segment,
  previous: Segment | undefined,
  logId: string | null,
): Promise<boolean> {
  if (!segment.isHeaderDamaged || segment.file === null) return false;
  const header = segment.headerAfter(previous, logId);
  await segment.file.write(header, 0);
  await segment.file.sync();
  return true;
}

/** Has the log continue where its index ends, when the segments end before. */
async function continueAfter(
  files: Files,
  directory: string,
  segments: readonly Segment[],
  logId: string | null,
  position: number,
): Promise<LogEvent | null> {
  const last = segments.at(-1);
  const head = last?.end ?? 0;
  if (head >= position) return null;
  const segment = Segment.after(last, directory, alignUp(position), logId ?? createLogId());
  const file = await files.open(segment.path, 'create');
  try {
    await file.write(segment.header, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.syncDirectory(directory);
  return { type: 'quarantined', file: directory, offset: head, bytes: position - head, copy: null };
}

/** Puts an empty batch where nothing can be read; what is at the end of the log has been cut off. */
async function fill(
  segment: Segment,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
): Promise<void> {
  const isInside = segment.first + offset + bytes <= segment.end && bytes >= BATCH_HEADER_SIZE;
  if (!isInside || segment.file === null) return;
  await segment.file.write(fillerBatch(bytes, segment.first + offset), offset);
  await segment.file.sync();
}
