import type { Clock } from '@promptmq/wal';
import { endOfTurn, type Quiet } from './quiet.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** Turns of the promises after something that came to nothing; more than any chain of them in the broker is long. */
const PROMISE_TURNS = 12;

/** After as many of them, sockets have their turn. */
const STEPS_PER_TURN = 500;

/**
 * Time that passes only when it is advanced, while sockets and what is ready now go on as ever. It begins with what the
 * machine's wall clock shows.
 */
export class FakeClock implements Clock {
  readonly #simulated: SimulatedClock;
  readonly #wallAheadMs: number;
  readonly #quiet: Quiet;
  /** The advance that is under way, or was last. */
  #advanced: Promise<void>;

  #isStopped: boolean;

  constructor(quiet: Quiet, wallMs = Date.now()) {
    this.#quiet = quiet;
    this.#simulated = new SimulatedClock();
    this.#wallAheadMs = wallMs - this.#simulated.time;
    this.#advanced = Promise.resolve();
    this.#isStopped = false;
  }

  now = (): number => this.#simulated.time;

  wallNow = (): number => this.#simulated.time + this.#wallAheadMs;

  defer = (callback: () => void): void => {
    this.#quiet.note();
    setImmediate(callback);
  };

  setTimer = (delayMs: number, callback: () => void): (() => void) => {
    if (delayMs > 0) return this.#simulated.schedule(Math.ceil(delayMs), callback);
    this.#quiet.note();
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  };

  /**
   * Has time pass from one thing that is due to the next: what comes of each has reached the clients in this process, and is
   * answered, before the next. Calls wait for each other.
   */
  advance(ms: number): Promise<void> {
    const advanced = this.#advanced.then(() => this.#advance(ms));
    this.#advanced = advanced.catch(() => {});
    return advanced;
  }

  /** An advance that is under way ends, and there is no other. */
  stop(): void {
    this.#isStopped = true;
  }

  async #advance(ms: number): Promise<void> {
    const quiet = this.#quiet;
    await quiet.settle();
    const until = this.#simulated.time + ms;
    let seen = quiet.count;
    for (let steps = 1; !this.#isStopped && this.#simulated.step(until); steps++) {
      for (let turn = 0; turn < PROMISE_TURNS; turn++) await null;
      if (quiet.count !== seen) await quiet.settle();
      else if (steps % STEPS_PER_TURN === 0) await endOfTurn();
      seen = quiet.count;
    }
    await quiet.settle();
  }
}
