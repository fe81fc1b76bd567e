import { nodeRuntime, type Runtime } from '../../src/runtime/runtime.ts';

/** Timers that are not the test's to advance: what is done a moment later. */
const SOON_MS = 500;

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** The machine's time, with what the test adds to it; timers of half a second and more are called when it does. */
export class SteeredClock implements Runtime {
  readonly uniqueId = nodeRuntime.uniqueId;
  readonly defer = nodeRuntime.defer;
  readonly #timers: Set<Timer> = new Set();
  #aheadMs = 0;

  now = (): number => nodeRuntime.now() + this.#aheadMs;
  wallNow = (): number => nodeRuntime.wallNow() + this.#aheadMs;

  setTimer = (delayMs: number, callback: () => void): (() => void) => {
    if (delayMs < SOON_MS) return nodeRuntime.setTimer(delayMs, callback);
    const timer = { dueAt: this.now() + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Lets time pass, from one timer that is due to the next. */
  advance(seconds: number): void {
    const end = this.now() + 1000 * seconds;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.dueAt - b.dueAt);
      if (next === undefined || next.dueAt > end) break;
      this.#aheadMs += Math.max(0, next.dueAt - this.now());
      this.#timers.delete(next);
      next.callback();
    }
    this.#aheadMs += Math.max(0, end - this.now());
  }

  get timerCount(): number {
    return this.#timers.size;
  }
}
