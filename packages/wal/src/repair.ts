import type { Checkpoint } from './checkpoint-store.ts';
import type { LogEvent } from './events.ts';
import { BATCH_HEADER_SIZE, fillerBatch } from './format.ts';
import type { InspectionOptions } from './inspection.ts';
import { LogError } from './log-error.ts';
import { nodeFiles } from './node-files.ts';
import { Recovery } from './recovery.ts';
import type { Segment } from './segment.ts';

export interface RepairReport {
  readonly directory: string;
  /** What was cut off or set aside. */
  readonly events: readonly LogEvent[];
  /** Headers that were written anew. */
  readonly headers: readonly string[];
  /** Whether records were lost that had been durable: not by the repair, but it makes that final. */
  readonly isLossy: boolean;
}

/**
 * Does for good what opening a log does for the moment: cuts off a torn tail, and replaces damaged
 * stretches, of which copies are kept in `quarantine`, by empty batches. Afterwards `verifyLog` finds
 * nothing wrong but segments that are missing.
 *
 * @throws {LogError} `locked` when the log is in use, `not-found` when there is no such directory,
 * `newer-version`
 */
export async function repairLog(
  directory: string,
  options: InspectionOptions = {},
): Promise<RepairReport> {
  const { files = nodeFiles, checkpointPosition = 0, onProgress } = options;
  await files.list(directory).catch((error: unknown) => {
    throw new LogError('not-found', `${directory}: no such directory`, { cause: error });
  });
  const unlock = await files.lock(directory);
  const events: LogEvent[] = [];
  const holes: { readonly file: string; readonly offset: number; readonly bytes: number }[] = [];
  const checkpoint: Checkpoint = {
    position: checkpointPosition,
    segments: new Map(),
    snapshot: null,
    entries: [],
  };
  const recovery = new Recovery({
    files,
    directory,
    checkpoint,
    validate: true,
    onCorruption: 'quarantine',
    onEvent: (event) => {
      if (event.type === 'checking') onProgress?.(event.position, event.end);
      else events.push(event);
      if (event.type === 'quarantined') holes.push(event);
    },
  });
  try {
    await recovery.repair();
    const headers: string[] = [];
    for (const [index, segment] of recovery.segments.entries()) {
      if (await repairHeader(segment, recovery.segments[index - 1])) headers.push(segment.path);
      for (const hole of holes) if (hole.file === segment.path) await fill(segment, hole);
    }
    return { directory, events, headers, isLossy: holes.length > 0 };
  } finally {
    for (const segment of recovery.segments) await segment.close();
    await unlock();
  }
}

async function repairHeader(segment: Segment, previous: Segment | undefined): Promise<boolean> {
  if (!segment.isHeaderDamaged || segment.file === null) return false;
  const header = segment.headerAfter(previous);
  await segment.file.write(header, 0);
  await segment.file.sync();
  return true;
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
