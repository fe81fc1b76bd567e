import type { WholeSnapshot } from '../format/snapshot.ts';
import { Streams, streamKey } from '../index/streams.ts';
import type { Checkpoint, CheckpointStore, TimeMark } from '../ports/checkpoint-store.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import type { Replica } from '../ports/replica.ts';
import { type Segment, segmentAt } from '../segments/segment.ts';
import { listSegments } from '../segments/segment-list.ts';
import { createLogId, foreignText, holdsWholeState, isForeign, logIdOf } from './log-id.ts';
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
  const { directory, owner } = options;
  await files.makeDirectory(directory);
  const unlock = await files.lock(directory);
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
    const found = await listSegments(files, directory);
    segments = found;
    await index.prepare?.(() => holdsWholeState(files, found));
    index.open();
    const recovered = await recoverLog(options, files, index, found);
    segments = recovered.segments;
    return { recovered, release };
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
 */
async function recoverLog(
  options: OpeningOptions,
  files: Files,
  index: CheckpointStore,
  listed: readonly Segment[],
): Promise<RecoveredLog> {
  const { owner } = options;
  const checkpoint = await ownCheckpoint(options, files, index, listed);
  const recovery = new Recovery({
    files,
    directory: options.directory,
    segments: listed,
    checkpoint,
    validate: options.validate ?? false,
    onCorruption: options.onCorruption ?? 'quarantine',
    onEvent: options.onEvent ?? (() => {}),
  });
  await recovery.repair();
  const { segments, snapshot } = recovery;
  if ((segments.at(-1)?.end ?? 0) < checkpoint.position)
    throw endMissing(checkpoint, options.directory);
  owner?.restore(snapshot ? await recovery.snapshotEntries() : checkpoint.entries);
  for (const segment of snapshot === null ? [] : segments) {
    const releasedBytes = snapshot?.releasedBytes.get(segment.first);
    if (releasedBytes !== undefined) segment.releasedBytes = releasedBytes;
    else if (options.replica !== undefined && segment.end <= (snapshot?.start ?? 0)) {
      // Where there is a replica, a snapshot names all segments: this one had gone, and comes from the replica.
      segment.releasedBytes = segment.size;
    }
  }
  const release = (position: number, bytes: number) => {
    const segment = segmentAt(segments, position);
    if (segment !== null) segment.releasedBytes += bytes;
  };
  const streams = new Streams();
  const records = await recovery.replay({
    onRecord: (record) => owner?.replay(record, release),
    onMoved: (from, record) => owner?.moved?.(from, record.position, record),
    onStream: (segment, { stream, position, origin }) =>
      streams.note(segment.first, streamKey(stream), position, origin),
  });
  const formerId = logIdOf(segments) ?? checkpoint.logId;
  return {
    id: formerId ?? options.id ?? createLogId(),
    isIdWritten: formerId !== null,
    segments,
    checkpoint,
    snapshot,
    time: recovery.lastTime,
    streams,
    records,
    quarantinedStretches: recovery.quarantinedStretches,
  };
}

/** The index's checkpoint, when it is this log's; one of another log is set aside. */
async function ownCheckpoint(
  { directory, onEvent }: OpeningOptions,
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
function endMissing({ logId, position }: Checkpoint, directory: string): LogError {
  const log = logId === null ? 'the log' : `log ${logId}`;
  return new LogError(
    'missing',
    `${directory} lacks the end of ${log}, which the index has up to position ${position}: name the folder that has it, or ` +
      'put it back; promptmq wal repair continues without it when it is lost',
  );
}
