import { invariant } from '../invariant.ts';
import type { TimeMark } from '../ports/checkpoint-store.ts';
import type { Clock } from '../ports/clock.ts';

/** How the time of a log continued in this process. */
export interface Resumption {
  /** What the wall clock says of the time since the last mark, in milliseconds; 0 for a new log. */
  readonly gapMs: number;
  /** What of it was counted: all or nothing. */
  readonly countedMs: number;
  /** Why the wall clock was not believed; null when it was. */
  readonly why: string | null;
}

/** A difference that is written down: clocks that are set differ by more, and those that are steered by nothing. */
const TOLERANCE_MS = 100;

/** A log isn't left alone for longer: it is the clock that is wrong. */
const GAP_MS_MAX = 10 * 365.25 * 86_400_000;

/** This package was not there before: a wall clock that shows less has not been set yet. */
const EARLIEST_WALL_MS = Date.UTC(2026, 0, 1);

const BELIEVED: Resumption = { gapMs: 0, countedMs: 0, why: null };

/**
 * The time of a log, in whole milliseconds: what its records are dated with, and what anything that outlives the process
 * can be due at.
 *
 * It begins as the wall clock of the moment in which the log was begun. In a process it goes as the monotonic clock does,
 * whatever becomes of the wall clock. From one process to the next it continues after the last mark in the log, by what the
 * wall clock says has passed since; by nothing where that can't be: when it would be negative, or longer than ten years,
 * or the wall clock had not been set before and has been now.
 *
 * Invariants: it never goes back in a process, nor before what is in the log from one process to the next: so nothing is
 * ever due later than it was said to be. What the wall clock was ahead of it is in the log, before or together with whatever was appended since the wall clock
 * was set: so a wall clock that is set while a process runs isn't taken for time that passed without one.
 */
export class LogTime {
  readonly #clock: Clock;
  /** Log time minus monotonic clock. */
  #offsetMs: number;
  /** Wall clock minus log time, as the log has it; NaN when it has to be written. */
  #markedMs: number;
  #resumption: Resumption;
  /** What `checkInvariants` has seen. */
  #lowestMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = 0;
    this.#markedMs = Number.NaN;
    this.#resumption = BELIEVED;
    this.#lowestMs = Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds of the log's time; before `resume`, of the monotonic clock. */
  now = (): number => Math.floor(this.#clock.now()) + this.#offsetMs;

  /** What the wall clock is ahead of it now, in milliseconds. */
  get wallAheadMs(): number {
    return Math.round(this.#clock.wallNow()) - this.now();
  }

  /** How it continued at `resume`. */
  get resumption(): Resumption {
    return this.#resumption;
  }

  /** The log has been read: continues after its last mark, or begins when it has none. */
  resume(last: TimeMark | null): void {
    const wallMs = Math.round(this.#clock.wallNow());
    this.#resumption = last === null ? BELIEVED : judge(last.logMs + last.wallAheadMs, wallMs);
    const startMs = last === null ? wallMs : last.logMs + this.#resumption.countedMs;
    // Positive: 0 is for what isn't known.
    this.#lowestMs = Number.NEGATIVE_INFINITY;
    this.#offsetMs += Math.max(1, Math.ceil(startMs)) - this.now();
  }

  /** What the log would have to know if it ended now. */
  get mark(): TimeMark {
    return { logMs: this.now(), wallAheadMs: this.wallAheadMs };
  }

  /**
   * What the wall clock is ahead, if the log doesn't know: it is to be written, in the batch that is closed now.
   *
   * @returns null when the log has it
   */
  takeMark(): number | null {
    if (!this.isMarkDue) return null;
    this.#markedMs = this.wallAheadMs;
    return this.#markedMs;
  }

  /** Whether `takeMark` has something to write. */
  get isMarkDue(): boolean {
    return !(Math.abs(this.wallAheadMs - this.#markedMs) < TOLERANCE_MS);
  }

  /** The last mark was never written, or isn't in the segment that begins. */
  forgetMark(): void {
    this.#markedMs = Number.NaN;
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const nowMs = this.now();
    invariant(Number.isInteger(nowMs), `the log's time is ${nowMs}`);
    invariant(
      nowMs >= this.#lowestMs,
      `the log's time goes back from ${this.#lowestMs} to ${nowMs}`,
    );
    this.#lowestMs = nowMs;
  }
}

/** @param beforeMs - what the wall clock showed at the last mark */
function judge(beforeMs: number, nowMs: number): Resumption {
  const gapMs = nowMs - beforeMs;
  if (gapMs < -TOLERANCE_MS) return { gapMs, countedMs: 0, why: 'the wall clock went back' };
  if (beforeMs < EARLIEST_WALL_MS && nowMs >= EARLIEST_WALL_MS) {
    return { gapMs, countedMs: 0, why: 'the wall clock had not been set before' };
  }
  if (gapMs > GAP_MS_MAX) return { gapMs, countedMs: 0, why: 'it is more than ten years' };
  return { gapMs, countedMs: Math.max(0, gapMs), why: null };
}
