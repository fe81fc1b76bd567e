import type { MemberTimes } from './member-options.ts';
import type { MemberState, StateReason } from './membership-host.ts';

/** How a member stands. */
export interface Stand {
  readonly state: MemberState;
  /** Null while it is active. */
  readonly why: StateReason | null;
}

const ACTIVE: Stand = { state: 'active', why: null };

/**
 * Tells how a member stands with the engine. A time in which this process was paused counts as one heartbeat at most, so that it asks the engine
 * before it gives up.
 *
 * Times are of the monotonic clock, in milliseconds.
 */
export class Standing {
  readonly #times: MemberTimes;
  #at: number;
  /** Since the engine has answered. */
  #silentMs = 0;
  /** Of that, when others may have had the engine. */
  #minorityMs = 0;
  #isSuperseded = false;

  constructor(times: MemberTimes, now: number) {
    this.#times = times;
    this.#at = now;
  }

  /** The engine has taken a heartbeat. */
  onAnswer(now: number): void {
    this.#at = now;
    this.#silentMs = 0;
    this.#minorityMs = 0;
  }

  /** Another process has this node's name. */
  onSuperseded(): void {
    this.#isSuperseded = true;
  }

  /**
   * Time has passed.
   *
   * @param isDownForAll - whether most nodes are reached, and the engine answers none of them
   */
  pass(now: number, isDownForAll: boolean): Stand {
    const { heartbeatMs, lateAfterMs, holdMs, fenceMs } = this.#times;
    const passedMs = Math.min(now - this.#at, heartbeatMs);
    this.#at = now;
    this.#silentMs += passedMs;
    if (!isDownForAll) this.#minorityMs += passedMs;
    if (this.#isSuperseded) return { state: 'fenced', why: 'superseded' };
    if (this.#minorityMs >= fenceMs) return { state: 'fenced', why: 'minority' };
    if (this.#minorityMs >= holdMs) return { state: 'hold', why: 'minority' };
    return this.#silentMs >= lateAfterMs ? { state: 'hold', why: 'engine' } : ACTIVE;
  }
}
