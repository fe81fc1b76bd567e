import type { SnapshotRange } from '../format/snapshot.ts';
import { overlap } from '../format/snapshot.ts';
import type { Segment } from '../segments/segment.ts';

/** Of a segment that is too young to be dropped for its age, the share that must be gained. */
const GAIN_MIN = 1 / 4;

/** Of one that is old enough, the share of dead bytes. */
const AGED_GAIN_MIN = 1 / 16;

export interface VictimLimits {
  /** Bytes that the log should not exceed. */
  readonly maxSize: number;
  /** Milliseconds that dead records may stay. */
  readonly maxAge: number;
  /** Whether records can be moved now. */
  readonly canWrite: boolean;
}

/**
 * Which segments to compact.
 *
 * - By size: while the log is larger than `maxSize`, the segments from which most is gained, as long as
 *   that is a quarter of the segment. Live bytes alone may exceed `maxSize`: moving them would gain nothing.
 * - By age: those whose last batch is older than `maxAge` and of which a sixteenth is dead.
 * - A pass writes a snapshot as large as the last one: unless the gain is twice that, only those are
 *   chosen that need none, which are dead as a whole and lie before the last snapshot.
 *
 * What the last snapshot takes counts as dead, as a pass replaces it.
 *
 * @param segments - those that may be removed
 * @param size - of the whole log
 * @param nowMs - of the log's time
 * @returns in the order of the log
 */
export function chooseVictims(
  segments: readonly Segment[],
  size: number,
  snapshot: SnapshotRange | null,
  nowMs: number,
  { maxSize, maxAge, canWrite }: VictimLimits,
): Segment[] {
  const live = new Map<Segment, number>();
  for (const segment of segments) {
    live.set(segment, Math.max(0, segment.liveBytes - overlap(segment, snapshot)));
  }
  const gain = (segment: Segment) => segment.size - (live.get(segment) as number);
  const snapshotSize = snapshot === null ? 0 : snapshot.end - snapshot.start;
  const chosen = new Set<Segment>();
  let excess = size + snapshotSize - maxSize;
  if (size > maxSize) {
    for (const segment of [...segments].sort((a, b) => gain(b) - gain(a))) {
      if (excess <= 0 || gain(segment) < segment.size * GAIN_MIN) break;
      chosen.add(segment);
      excess -= gain(segment);
    }
  }
  for (const segment of segments) {
    const isOld = segment.lastWriteMs > 0 && segment.lastWriteMs < nowMs - maxAge;
    const deadBytes = segment.recordBytes - (live.get(segment) as number);
    if (isOld && deadBytes >= segment.size * AGED_GAIN_MIN) chosen.add(segment);
  }
  let gained = 0;
  for (const segment of chosen) gained += gain(segment);
  const isWorthIt = canWrite && gained > 2 * snapshotSize;
  return segments.filter(
    (segment) =>
      chosen.has(segment) &&
      (isWorthIt ||
        (live.get(segment) === 0 && snapshot !== null && segment.end <= snapshot.start)),
  );
}
