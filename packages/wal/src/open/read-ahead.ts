import type { WholeSnapshot } from '../format/snapshot.ts';
import { Streams } from '../index/streams.ts';
import type { Checkpoint, CheckpointStore } from '../ports/checkpoint-store.ts';
import { type Clock, nodeClock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { LogSource, SourceEnd } from '../ports/log-source.ts';
import { listSegments } from '../segments/segment-list.ts';
import { giveState } from './give-state.ts';
import { ownCheckpoint } from './own-checkpoint.ts';
import { Recovery } from './recovery.ts';

/** What `LogOptions` says of a log that is read ahead. */
export interface ReadAheadOptions {
  readonly directory: string;
  readonly owner?: LogOwner;
  readonly validate?: boolean;
  readonly onEvent?: LogEventListener;
  readonly clock?: Clock;
}

/** What the owner has been given. */
interface AheadState {
  /** As one of the index that was taken there would be, but for the state itself. */
  readonly checkpoint: Checkpoint;
  /** What the state was begun with, in the place of the index's; null when it was the index's. */
  readonly snapshot: WholeSnapshot | null;
  readonly streams: Streams;
  readonly records: number;
}

export interface ReadAhead {
  /** Null when nothing could be read before the source had ended: then all is to be read. */
  readonly state: AheadState | null;
  readonly sourceEnd: SourceEnd;
  /** How long it was waited for the source, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * Gives the owner the state of a log that another process still writes, up to where its source has it, again and again until that has ended.
 *
 * @param index - opened
 * @throws {LogError} as `Log.open`; what the source throws
 */
export async function readAhead(
  options: ReadAheadOptions,
  source: LogSource,
  files: Files,
  index: CheckpointStore,
): Promise<ReadAhead> {
  const { clock = nodeClock } = options;
  let state = await readTo(source.end, options, files, index, null);
  let waitedMs = 0;
  for (;;) {
    const startMs = clock.now();
    const sourceEnd = await source.more();
    waitedMs += clock.now() - startMs;
    if (sourceEnd !== null) return { state, sourceEnd, waitedMs };
    state = (await readTo(source.end, options, files, index, state)) ?? state;
  }
}

/** @returns null when there is nothing, or something is not as it was written: what can't be read on now, is repaired or refused when the log is this process's */
async function readTo(
  limit: number,
  options: ReadAheadOptions,
  files: Files,
  index: CheckpointStore,
  before: AheadState | null,
): Promise<AheadState | null> {
  const { directory, owner = null, validate = false, onEvent = () => {} } = options;
  const segments = await listSegments(files, directory, 'read');
  try {
    const seen = segments.filter(({ first }) => first < limit);
    if (seen.length === 0) return null;
    const isStateKnown = before !== null;
    const recovery = new Recovery({
      ...{ files, directory, limit, isStateKnown, onEvent, onCorruption: 'refuse' },
      segments: seen,
      checkpoint: before?.checkpoint ?? (await ownCheckpoint(options, files, index, segments)),
      validate: validate && !isStateKnown,
    });
    if (!(await recovery.look())) return null;
    const streams = before?.streams ?? new Streams();
    const given = { owner, streams, isReplicated: true, isStateKnown };
    const records = await giveState(recovery, given);
    return {
      checkpoint: recovery.reached,
      snapshot: before === null ? recovery.snapshot : before.snapshot,
      streams,
      records: records + (before?.records ?? 0),
    };
  } finally {
    for (const segment of segments) await segment.close();
  }
}
