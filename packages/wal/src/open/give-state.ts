import { type Streams, streamKey } from '../index/streams.ts';
import type { LogOwner } from '../ports/log-owner.ts';
import { segmentAt } from '../segments/segment.ts';
import type { Recovery } from './recovery.ts';

export interface GivenState {
  readonly owner: LogOwner | null;
  /** Gets what the index doesn't know of the streams. */
  readonly streams: Streams;
  readonly isReplicated: boolean;
  /** Whether the owner has the state of the checkpoint already. */
  readonly isStateKnown: boolean;
}

/**
 * Gives the owner its state: the last checkpoint or snapshot, and the records after it.
 *
 * @param recovery - that has gone through the log
 * @returns how many records there were
 */
export async function giveState(
  recovery: Recovery,
  { owner, streams, isReplicated, isStateKnown }: GivenState,
): Promise<number> {
  const { segments, snapshot, checkpoint } = recovery;
  if (!isStateKnown) {
    owner?.restore(snapshot ? await recovery.snapshotEntries() : checkpoint.entries);
  }
  for (const segment of snapshot === null ? [] : segments) {
    const releasedBytes = snapshot?.releasedBytes.get(segment.first);
    if (releasedBytes !== undefined) segment.releasedBytes = releasedBytes;
    else if (isReplicated && segment.end <= (snapshot?.start ?? 0)) {
      // Where there is a replica, a snapshot names all segments: this one had gone, and comes from the replica.
      segment.releasedBytes = segment.size;
    }
  }
  const release = (position: number, bytes: number) => {
    const segment = segmentAt(segments, position);
    if (segment !== null) segment.releasedBytes += bytes;
  };
  return recovery.replay({
    onRecord: (record) => owner?.replay(record, release),
    onMoved: (from, record) => owner?.moved?.(from, record.position, record),
    onStream: (segment, { stream, position, origin }) =>
      streams.note(segment.first, streamKey(stream), position, origin),
  });
}
