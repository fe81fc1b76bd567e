import type { Checkpoint, CheckpointStore } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { Segment } from '../segments/segment.ts';
import { foreignText, holdsWholeState, isForeign, logIdOf } from './log-id.ts';

/** Whose index is looked at. */
export interface CheckedLog {
  readonly directory: string;
  readonly onEvent?: LogEventListener;
}

/** The index's checkpoint, when it is this log's; one of another log is set aside. */
export async function ownCheckpoint(
  { directory, onEvent }: CheckedLog,
  files: Files,
  index: CheckpointStore,
  segments: readonly Segment[],
): Promise<Checkpoint> {
  // Throws when the segments themselves are of several logs.
  logIdOf(segments);
  const checkpoint = index.load();
  if (!isForeign(checkpoint, segments)) {
    if (isEndMissing(checkpoint, segments)) throw endMissing(checkpoint, directory);
    return checkpoint;
  }
  const why = `the index ${foreignText(checkpoint, directory, segments)}`;
  if (!(await holdsWholeState(files, segments))) {
    throw new LogError(
      'foreign',
      `${why}; what its first segments held is only in its own index, which has to be put back`,
    );
  }
  const aside = await index.setAside();
  onEvent?.({ type: 'index-rebuilt', why: `${why}; it is now ${aside}` });
  return index.load();
}

/**
 * Whether the last segments that an index knows of are gone. A crash takes none of them: somebody has moved them, or named
 * another folder.
 */
function isEndMissing(
  { position, segments: known }: Checkpoint,
  segments: readonly Segment[],
): boolean {
  let lastKnown = 0;
  for (const first of known.keys()) {
    // Those from the position on may have been removed by a recovery, after which no checkpoint was taken.
    if (first < position) lastKnown = Math.max(lastKnown, first);
  }
  return position > 0 && !segments.some(({ first }) => first >= lastKnown);
}

/** If it were opened nevertheless, what the index has of messages there would be dropped, and stay so with the right folder. */
export function endMissing({ logId, position }: Checkpoint, directory: string): LogError {
  const log = logId === null ? 'the log' : `log ${logId}`;
  return new LogError(
    'missing',
    `${directory} lacks the end of ${log}, which the index has up to position ${position}: name the folder that has it, or ` +
      'put it back; promptmq wal repair continues without it when it is lost',
  );
}

/** What was read ahead can't be read on: its writer has removed what followed. */
export function removedAfter({ position }: Checkpoint, directory: string): LogError {
  return new LogError(
    'missing',
    `${directory} was read up to position ${position} while another process wrote it, and what followed was removed: open it again`,
  );
}
