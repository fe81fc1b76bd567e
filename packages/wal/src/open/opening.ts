import type { WholeSnapshot } from '../format/snapshot.ts';
import { Streams } from '../index/streams.ts';
import type { Checkpoint, CheckpointStore, TimeMark } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { LogSource, SourceEnd } from '../ports/log-source.ts';
import type { Replica } from '../ports/replica.ts';
import type { Segment } from '../segments/segment.ts';
import { listSegments } from '../segments/segment-list.ts';
import { giveState } from './give-state.ts';
import { createLogId, holdsWholeState, logIdOf } from './log-id.ts';
import { endMissing, ownCheckpoint, removedAfter } from './own-checkpoint.ts';
import { type ReadAhead, readAhead } from './read-ahead.ts';
import { type CorruptionPolicy, Recovery } from './recovery.ts';

/** What is said of a log that is opened; its `LogOptions`. */
export interface OpeningOptions {
  readonly directory: string;
  readonly id?: string;
  readonly owner?: LogOwner;
  readonly onCorruption?: CorruptionPolicy;
  readonly validate?: boolean;
  readonly onEvent?: LogEventListener;
  readonly replica?: Replica;
  readonly source?: LogSource;
}

/** What was found of a log, and with what it continues. */
export interface RecoveredLog {
  readonly id: string;
  /** Whether the identity is on disk. */
  readonly isIdWritten: boolean;
  readonly segments: Segment[];
  /** What the index had. */
  readonly checkpoint: Checkpoint;
  /** What the state was made of in its place; null when the checkpoint is newer. */
  readonly snapshot: WholeSnapshot | null;
  /** The last there is; null when nothing has been written. */
  readonly time: TimeMark | null;
  /** What the index doesn't know of the streams. */
  readonly streams: Streams;
  /** How many records were replayed. */
  readonly records: number;
  readonly quarantinedStretches: number;
}

/** A log that is locked, and whose segments and index are open. */
export interface LockedLog {
  readonly recovered: RecoveredLog;
  /** With what it goes on, where it came from a source. */
  readonly sourceEnd: SourceEnd | null;
  /** How long it was waited for that, in milliseconds. */
  readonly waitedMs: number;
  /** Closes the segments and the index, and gives the lock back. */
  readonly release: () => Promise<void>;
}

/**
 * Locks a directory, and opens what is in it: see `LockedLog`.
 *
 * @throws {LogError} as `Log.open`; nothing is left open then
 */
export async function openLocked(
  options: OpeningOptions,
  files: Files,
  index: CheckpointStore,
): Promise<LockedLog> {
  const { directory, owner, source } = options;
  await files.makeDirectory(directory);
  // A source has the lock until it has ended.
  let unlock = source === undefined ? await files.lock(directory) : async () => {};
  let segments: readonly Segment[] = [];
  const release = async () => {
    for (const segment of segments) await segment.close();
    await index.close();
    await unlock();
  };
  try {
    if (owner?.keep !== undefined && owner.snapshot === undefined) {
      throw new TypeError('an owner that has `keep` needs `snapshot`, too');
    }
    segments = await listSegments(files, directory);
    const found = segments;
    await index.prepare?.(() => holdsWholeState(files, found));
    index.open();
    let ahead: ReadAhead | null = null;
    if (source !== undefined) {
      for (const segment of found) await segment.close();
      ahead = await readAhead(options, source, files, index);
      unlock = await files.lock(directory);
      segments = await listSegments(files, directory);
    }
    const recovered = await recoverLog(options, files, index, segments, ahead);
    segments = recovered.segments;
    const { sourceEnd = null, waitedMs = 0 } = ahead ?? {};
    return { recovered, sourceEnd, waitedMs, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Repairs a log whose lock is held, and gives the owner its state.
 *
 * @param index - opened
 * @param listed - as `listSegments` gives them; they stay open
 * @param ahead - what was read before; null when nothing was
 */
async function recoverLog(
  options: OpeningOptions,
  files: Files,
  index: CheckpointStore,
  listed: readonly Segment[],
  ahead: ReadAhead | null,
): Promise<RecoveredLog> {
  const checkpoint = await ownCheckpoint(options, files, index, listed);
  const state = ahead?.state ?? null;
  const from = state?.checkpoint ?? checkpoint;
  const recovery = new Recovery({
    files,
    directory: options.directory,
    segments: listed,
    checkpoint: from,
    validate: state === null && (options.validate ?? false),
    onCorruption: options.onCorruption ?? 'quarantine',
    onEvent: options.onEvent ?? (() => {}),
    isStateKnown: state !== null,
  });
  if (state !== null && !recovery.isContinued) throw removedAfter(from, options.directory);
  await recovery.repair();
  const { segments } = recovery;
  if ((segments.at(-1)?.end ?? 0) < from.position) throw endMissing(from, options.directory);
  const streams = state?.streams ?? new Streams();
  const isReplicated = options.replica !== undefined || options.source !== undefined;
  const records = await giveState(recovery, {
    ...{ owner: options.owner ?? null, streams, isReplicated, isStateKnown: state !== null },
  });
  if (state !== null) streams.keepOnly(new Set(segments.map(({ first }) => first)));
  const formerId = logIdOf(segments) ?? checkpoint.logId;
  return {
    id: formerId ?? ahead?.sourceEnd.id ?? options.id ?? createLogId(),
    isIdWritten: formerId !== null,
    segments,
    checkpoint,
    snapshot: state?.snapshot ?? recovery.snapshot,
    time: recovery.lastTime,
    streams,
    records: records + (state?.records ?? 0),
    quarantinedStretches: recovery.quarantinedStretches,
  };
}
