import {
  alignUp,
  BATCH_HEADER_SIZE,
  type Batch,
  eachRecord,
  recordOffsetInBatch,
  recordSize,
  SEGMENT_HEADER_SIZE,
} from '../format/format.ts';
import { isUnused, scan } from '../format/scan.ts';
import { SnapshotFinder } from '../format/snapshot.ts';
import { isForeign } from '../open/log-id.ts';
import type { IndexSummary } from '../ports/checkpoint-store.ts';
import type { Segment } from '../segments/segment.ts';
import { isDirectlyBefore } from '../segments/segment-list.ts';
import { eachSegment, type InspectionOptions } from './inspection.ts';

export interface LogProblem {
  readonly kind: /** Bytes that had been durable and are no valid batch. */
    | 'damaged'
    /** The header of a segment is no valid one. */
    | 'damaged-header'
    /** Bytes that were being written when the log was last used; cut off when it is opened. */
    | 'torn-tail'
    /** What segments that are not there had, and compaction can't have removed; or the index knows, after the last one. */
    | 'missing'
    /** A segment, or the index, of another log; it has no offset and no bytes. */
    | 'foreign';
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface VerifyReport {
  readonly directory: string;
  /** Identity of the log, in hexadecimal; null when no segment says. */
  readonly logId: string | null;
  readonly segments: number;
  readonly batches: number;
  readonly records: number;
  /** Of the segments, as far as they are used. */
  readonly bytes: number;
  readonly problems: readonly LogProblem[];
  /** Whether nothing that had been durable is missing or wrong, and nothing is another log's; a torn tail is no damage. */
  readonly isSound: boolean;
}

/**
 * Checks every byte of a log: headers, checksums, the places of records, and that no segment is missing.
 * Reads only, and takes no lock.
 *
 * @throws {LogError} `not-found` when there is no such directory, `newer-version`
 */
export async function verifyLog(
  directory: string,
  options: InspectionOptions = {},
): Promise<VerifyReport> {
  const verification = new Verification();
  const segments = await eachSegment(directory, options, (segment, buffer, next) =>
    verification.check(segment, buffer, next),
  );
  return verification.report(directory, segments, options.index ?? null);
}

class Verification {
  readonly #finder = new SnapshotFinder();
  readonly #headers: LogProblem[] = [];
  /** Stretches that are wrong, with their positions: how, is known when all batches are. */
  readonly #wrong: { readonly position: number; readonly problem: LogProblem }[] = [];
  readonly #gaps: { readonly end: number; readonly problem: LogProblem }[] = [];
  #durable = 0;
  /** Position after the last batch so far. */
  #head = 0;
  #batches = 0;
  #records = 0;
  #bytes = 0;

  check(segment: Segment, buffer: Buffer, next: Segment | undefined): void {
    const { first, path: file } = segment;
    if (segment.isHeaderDamaged) {
      const bytes = SEGMENT_HEADER_SIZE;
      this.#headers.push({ kind: 'damaged-header', file, offset: 0, bytes });
    }
    const isFollowed = next !== undefined && isDirectlyBefore(segment, next);
    const limit = isFollowed ? Math.min(buffer.length, next.previousEnd - first) : buffer.length;
    let end = SEGMENT_HEADER_SIZE;
    for (const stretch of scan(buffer, first, SEGMENT_HEADER_SIZE, limit)) {
      const { offset } = stretch;
      if (stretch.kind === 'batch') {
        end = offset + stretch.batch.size;
        this.#onBatch(segment, buffer, offset, stretch.batch);
      } else if (isFollowed || !isUnused(buffer, offset, stretch.end)) {
        end = stretch.end;
        this.#onWrong(segment, offset, end - offset);
      }
    }
    this.#bytes += end;
    this.#head = first + end;
    if (next === undefined || first + end >= next.previousEnd) return;
    this.#gaps.push({
      end: isFollowed ? Number.POSITIVE_INFINITY : next.first,
      problem: { kind: 'missing', file, offset: end, bytes: next.previousEnd - first - end },
    });
  }

  #onBatch(segment: Segment, buffer: Buffer, offset: number, batch: Batch): void {
    if (!isWellFormed(buffer, offset, batch)) this.#onWrong(segment, offset, batch.size);
    this.#finder.add(buffer, offset, batch);
    this.#durable = Math.max(this.#durable, batch.durablePosition);
    this.#batches++;
    this.#records += batch.count;
  }

  #onWrong({ first, path: file }: Segment, offset: number, bytes: number): void {
    this.#wrong.push({
      position: first + offset,
      problem: { kind: 'damaged', file, offset, bytes },
    });
  }

  report(
    directory: string,
    segments: readonly Segment[],
    index: IndexSummary | null,
  ): VerifyReport {
    const logId = segments.findLast((segment) => segment.logId !== null)?.logId ?? null;
    const problems = [...this.#headers];
    for (const segment of segments) {
      const isOwn = segment.logId === null || segment.logId === logId;
      if (!isOwn) problems.push({ kind: 'foreign', file: segment.path, offset: 0, bytes: 0 });
    }
    const isIndexForeign = index !== null && isForeign(index, segments);
    if (isIndexForeign) problems.push({ kind: 'foreign', file: index.file, offset: 0, bytes: 0 });
    const checkpoint = isIndexForeign ? 0 : (index?.position ?? 0);
    const durable = Math.max(this.#durable, checkpoint);
    for (const { position, problem } of this.#wrong) {
      problems.push(position < durable ? problem : { ...problem, kind: 'torn-tail' });
    }
    // What compaction removed lies before the last snapshot, and maybe before the last checkpoint.
    const covered = Math.max(this.#finder.last?.start ?? 0, checkpoint);
    for (const { end, problem } of this.#gaps) if (end > covered) problems.push(problem);
    const offset = this.#head;
    const bytes = checkpoint - offset;
    if (bytes > 0) problems.push({ kind: 'missing', file: directory, offset, bytes });
    return {
      directory,
      logId,
      segments: segments.length,
      batches: this.#batches,
      records: this.#records,
      bytes: this.#bytes,
      problems,
      isSound: problems.every(({ kind }) => kind === 'torn-tail'),
    };
  }
}

/** Whether the records fill their batch, each where it says that it is. */
function isWellFormed(buffer: Buffer, offset: number, batch: Batch): boolean {
  let end = offset + BATCH_HEADER_SIZE;
  let count = 0;
  eachRecord(buffer, offset, batch, (start) => {
    if (recordOffsetInBatch(buffer, start) !== start - offset) return;
    end = start + recordSize(buffer, start);
    count++;
  });
  // A batch without records fills a place where nothing could be read.
  return count === batch.count && (count === 0 || alignUp(end - offset) === batch.size);
}
