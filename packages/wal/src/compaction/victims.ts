import type { SnapshotRange } from '../format/snapshot.ts';
import { overlap } from '../format/snapshot.ts';
import type { Segment } from '../segments/segment.ts';

/** Of a segment that is too young to be dropped for its age, the share that must be gained. */
const GAIN_MIN = 1 / 4;

/** Of one that is old enough, the share of dead bytes. */
const AGED_GAIN_MIN = 1 / 16;

/** How much longer than the log should be, or than its segments are, its replica may become. */
const SPAN_FACTOR = 2;

/** Of the longest that a replica may become, what is left when its oldest segments have gone: a pass is not for one of them. */
const SPAN_LEFT = 3 / 4;

export interface VictimLimits {
  /** Bytes that the log should not exceed. */
  readonly maxSize: number;
  /** Milliseconds that dead records may stay. */
  readonly maxAge: number;
  /** Whether records can be moved now. */
  readonly canWrite: boolean;
  /** Bytes from the oldest position to the head: what a replica holds, which loses only its oldest; 0 where there is none. */
  readonly span: number;
}

/**
 * Which segments to compact.
 *
 * - By size: while the log is larger than `maxSize`, the segments from which most is gained, as long as
 *   that is a quarter of the segment. Live bytes alone may exceed `maxSize`: moving them would gain nothing.
 * - By age: those whose last batch is older than `maxAge` and of which a sixteenth is dead.
 * - By span, where there is a replica: the oldest segments, when those in the middle that have gone leave it much longer than the log.
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
  { maxSize, maxAge, canWrite, span }: VictimLimits,
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
  if (isLong(span, size, maxSize)) {
    const oldest = oldestOf(segments, span, size, maxSize);
    for (const segment of oldest) chosen.add(segment);
    // Gained at the replica: what lay between them.
    gained += lengthOf(oldest) - oldest.reduce((sum, segment) => sum + segment.size, 0);
  }
  for (const segment of chosen) gained += gain(segment);
  const isWorthIt = canWrite && gained > 2 * snapshotSize;
  return segments.filter(
    (segment) =>
      chosen.has(segment) &&
      (isWorthIt ||
        (live.get(segment) === 0 && snapshot !== null && segment.end <= snapshot.start)),
  );
}

/**
 * Whether a replica has become much longer than its log: live records alone may be more than `maxSize`, and moving them for
 * ever would gain nothing.
 *
 * @param span - bytes that the replica holds
 * @param size - of the log
 */
export function isLong(span: number, size: number, maxSize: number): boolean {
  return span > spanMax(size, maxSize);
}

function spanMax(size: number, maxSize: number): number {
  return SPAN_FACTOR * Math.max(size, maxSize);
}

/** The first of the segments, until what is left of the span is short enough. */
function oldestOf(
  segments: readonly Segment[],
  span: number,
  size: number,
  maxSize: number,
): Segment[] {
  const excess = span - SPAN_LEFT * spanMax(size, maxSize);
  const enough = segments.findIndex((_, index) => lengthOf(segments.slice(0, index + 1)) >= excess);
  return enough === -1 ? [...segments] : segments.slice(0, enough + 1);
}

/** Bytes from the first position of segments to the end of the last. */
function lengthOf(segments: readonly Segment[]): number {
  return (segments.at(-1)?.end ?? 0) - (segments[0]?.first ?? 0);
}
