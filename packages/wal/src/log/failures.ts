import { alignUp } from '../format/format.ts';
import { invariant } from '../invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { LogError, type LogErrorCode } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import { Segment } from '../segments/segment.ts';
import type { SegmentMaker } from '../segments/segment-maker.ts';
import type { Appender, SealedBatch } from './appender.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { Committer } from './committer.ts';
import type { LogState } from './log-state.ts';
import type { LogStats } from './log-stats.ts';
import type { Replication } from './replication.ts';

/** How often a full disk is tried again. */
const FULL_RETRY_MS = 1000;

const DISK_FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'];

/**
 * Whether an error of a file operation says that there is no room just now: the disk, or a share of it, is full, or no
 * file descriptor is left.
 */
export function isDiskFull(error: unknown): boolean {
  return DISK_FULL_CODES.includes((error as NodeJS.ErrnoException).code);
}

/** What failing needs of its log. */
export interface FailingLog {
  readonly id: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly stats: LogStats;
  readonly state: LogState;
  readonly segments: Segment[];
  readonly appender: Appender;
  readonly writer: BatchWriter;
  readonly committer: Committer;
  readonly maker: SegmentMaker;
  readonly replication: Replication | null;
  readonly onEvent: LogEventListener;
  /** Records from a position on are void. */
  readonly onRefused: (fromPosition: number, error: LogError) => void;
}

/**
 * What becomes of a log that can't write: on a full disk it refuses, until there is room; after any other
 * error it has ended.
 *
 * Invariant: what was refused is never acknowledged, and its positions are not given again.
 */
export class Failures {
  readonly #log: FailingLog;
  readonly #state: LogState;
  #cancelRetry: (() => void) | null;
  #retrying: Promise<void> | null;

  constructor(log: FailingLog) {
    this.#log = log;
    this.#state = log.state;
    this.#cancelRetry = null;
    this.#retrying = null;
  }

  /** A batch could not be written. */
  onWriteError(error: unknown): void {
    if (isDiskFull(error)) this.#becomeFull(error);
    else this.fail(error);
  }

  /** Refuses what has not been written, and appends until there is room. */
  #becomeFull(error: unknown): void {
    const state = this.#state;
    if (state.status !== 'open') return;
    const { files, stats, segments, appender, onEvent } = this.#log;
    state.status = 'full';
    const refusal = new LogError('full', `no room in ${state.directory}`, { cause: error });
    const refused = appender.takeAll();
    // Nothing of these segments, or of their ends, has been acknowledged; their positions are gone.
    for (let last = segments.at(-1); last !== undefined; last = segments.at(-1)) {
      if (last.first < state.written) {
        last.end = Math.min(last.end, state.written);
        break;
      }
      const { path } = last;
      segments.pop();
      const closed = last.close().catch(() => {});
      void closed.then(() => files.remove(path)).catch(() => {});
    }
    for (const { builder, segment } of refused) {
      stats.refusedRecords += builder.recordCount;
      segment.recordBytes -= builder.ownerBytes;
    }
    onEvent({ type: 'full', why: String(error) });
    this.#refuse(refused, state.written, refusal);
    this.#retryLater();
  }

  #refuse(batches: readonly SealedBatch[], fromPosition: number, error: LogError): void {
    const state = this.#state;
    state.refused = { from: fromPosition, to: state.head };
    this.#log.onRefused(fromPosition, error);
    for (const { builder, bytes } of batches) {
      state.pendingBytes -= bytes.length;
      for (const listener of builder.listeners) listener(error);
      builder.listeners.length = 0;
    }
    this.#log.writer.failWaiting(error);
  }

  #retryLater(): void {
    this.#cancelRetry = this.#log.clock.setTimer(FULL_RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#retrying = this.#retry().finally(() => {
        this.#retrying = null;
      });
    });
  }

  /** There is room when what follows has a segment to go to. */
  async #retry(): Promise<void> {
    const { id, files, segments, maker, appender, committer, replication, onEvent } = this.#log;
    const state = this.#state;
    const last = segments.at(-1);
    const first = alignUp(state.head);
    // Where nothing could be written yet, positions were passed over of which a replica has never heard.
    const next = Segment.after(last, state.directory, first, id, last?.end ?? state.begin);
    try {
      // What is appended from then on says that all before it is durable.
      await committer.syncUpTo(state.written);
      if (state.status !== 'full') return;
      // Drops what a write that failed may have left after the data.
      if (last !== undefined) {
        const file = await last.open(files);
        await file.truncate(last.size);
        await file.sync();
      }
      await maker.makeWhole(next);
    } catch (error) {
      if (state.status !== 'full') return;
      if (isDiskFull(error)) {
        await maker.discard();
        this.#retryLater();
      } else {
        this.fail(error);
      }
      return;
    }
    if (state.status !== 'full') {
      await next.close();
      return;
    }
    segments.push(next);
    state.continueAt(next.end, committer.isAllAcknowledged);
    appender.onHeadMoved();
    replication?.begin(next);
    state.status = 'open';
    onEvent({ type: 'has-room' });
  }

  /** Ends the log: nothing is acknowledged any more. */
  fail(error: unknown, code: LogErrorCode = 'failed'): void {
    const state = this.#state;
    if (state.status === 'failed' || state.status === 'closed') return;
    const { appender, committer, replication, onEvent } = this.#log;
    state.status = 'failed';
    const why = error instanceof Error ? error.message : String(error);
    state.failure = new LogError(code, `${state.directory}: ${why}`, { cause: error });
    this.stopTimers();
    const refused = [...committer.takeUnacknowledged(), ...appender.takeAll()];
    onEvent({ type: 'failed', why });
    this.#refuse(refused, state.acknowledged, state.failure);
    replication?.end(state.failure);
  }

  /** Nothing is tried again by itself any more. */
  stopTimers(): void {
    this.#log.appender.cancelLazy();
    this.#log.committer.cancelTimer();
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { status, failure, refused, acknowledged, head } = this.#state;
    invariant(status !== 'failed' || failure !== null, 'the log has failed without a reason');
    if (refused === null) return;
    const { from, to } = refused;
    invariant(from <= to && to <= head, `${from} to ${to} was refused, the head is ${head}`);
    invariant(
      acknowledged <= from || acknowledged >= to,
      `${acknowledged} is acknowledged, ${from} to ${to} was refused`,
    );
  }

  /** Resolves when no attempt is under way. */
  async settled(): Promise<void> {
    await this.#retrying;
  }
}
