import { LogTime } from '@promptmq/wal';
import type { Runtime } from './runtime.ts';

/** The wall clock was set: it moved by so much against the monotonic clock between two looks. */
const JUMP_MS_MIN = 2000;

/** Two looks at the clocks, which are read one after the other, differ by less while nobody sets one. */
const LOOKS_DIFFER_MS_MAX = 5;

/** A clock that goes wrong all the time is reported this often. */
const REPORT_INTERVAL_MS = 60_000;

/**
 * The time of a broker, and the machine's timers and turns with it.
 *
 * `now` is what everything in the broker is due by: keep alive and timeouts, expiry of sessions and messages, wills. It is
 * the time of the broker's log, which never goes back and doesn't follow a wall clock that is set; `LogTime` says how it
 * continues from one process to the next. Without storage it is the monotonic clock.
 *
 * Invariant: from the moment in which the log has been opened, `now` never goes back. Until then it is another time: what
 * has to be measured across that moment uses `uptimeMs`.
 */
export class BrokerClock implements Runtime {
  readonly time: LogTime;
  /** Whole milliseconds of the broker's time. */
  readonly now: () => number;
  readonly #machine: Runtime;
  readonly #startedMs: number;
  /** Wall clock minus monotonic clock at the last look. */
  #aheadMs: number;
  /** Jumps that have not been reported. */
  #unreportedMs: number;
  #reportedMs: number;
  /** Wall clock minus broker's time, as `shownAheadMs` has it. */
  #shownAheadMs: number;

  constructor(machine: Runtime) {
    this.time = new LogTime(machine);
    this.now = this.time.now;
    this.#machine = machine;
    this.#startedMs = machine.now();
    this.#aheadMs = machine.wallNow() - machine.now();
    this.#unreportedMs = 0;
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    this.#shownAheadMs = Number.POSITIVE_INFINITY;
  }

  /** Milliseconds since the broker was made, by the monotonic clock. */
  get uptimeMs(): number {
    return this.#machine.now() - this.#startedMs;
  }

  /** What the wall clock is ahead of the broker's time, in milliseconds. */
  get wallAheadMs(): number {
    return this.time.wallAheadMs;
  }

  /**
   * The same, for times of the broker that are shown as the wall clock has them: it doesn't change from one look to the next,
   * unless the clock has been set meanwhile.
   */
  get shownAheadMs(): number {
    const aheadMs = this.time.wallAheadMs;
    if (Math.abs(aheadMs - this.#shownAheadMs) > LOOKS_DIFFER_MS_MAX) this.#shownAheadMs = aheadMs;
    return this.#shownAheadMs;
  }

  /**
   * Looks whether the wall clock has been set, which a machine's sleep looks like, too; to be called now and then.
   *
   * @returns by how many milliseconds it has jumped as far as that isn't reported yet; 0 when there is nothing to report
   */
  watch(): number {
    const nowMs = this.#machine.now();
    const aheadMs = this.#machine.wallNow() - nowMs;
    const jumpMs = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    if (Math.abs(jumpMs) >= JUMP_MS_MIN) this.#unreportedMs += jumpMs;
    if (this.#unreportedMs === 0 || nowMs < this.#reportedMs + REPORT_INTERVAL_MS) return 0;
    const unreportedMs = this.#unreportedMs;
    this.#unreportedMs = 0;
    this.#reportedMs = nowMs;
    return unreportedMs;
  }

  wallNow(): number {
    return this.#machine.wallNow();
  }

  defer(callback: () => void): void {
    this.#machine.defer(callback);
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return this.#machine.setTimer(delayMs, callback);
  }

  uniqueId(): string {
    return this.#machine.uniqueId();
  }
}
