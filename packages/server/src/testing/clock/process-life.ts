import type { Clock } from '@promptmq/wal';
import type { Runtime } from '../../runtime/runtime.ts';

/**
 * A life of the broker's process, on a machine that outlives it: nothing that it asked for happens after its end.
 */
export class ProcessLife implements Runtime {
  readonly #clock: Clock;
  readonly #nextId: () => string;
  readonly #bornMs: number;
  readonly #timers: Set<() => void>;
  #isOver: boolean;

  /** @param nextId - as `Runtime.uniqueId`, of all lives together where what they name outlives them */
  constructor(clock: Clock, nextId: () => string) {
    this.#clock = clock;
    this.#nextId = nextId;
    this.#bornMs = clock.now();
    this.#timers = new Set();
    this.#isOver = false;
  }

  /** Each process has a monotonic clock of its own. */
  now = (): number => this.#clock.now() - this.#bornMs;

  wallNow = (): number => this.#clock.wallNow();

  defer = (callback: () => void): void => {
    this.#clock.defer(() => {
      if (!this.#isOver) callback();
    });
  };

  setTimer = (delayMs: number, callback: () => void): (() => void) => {
    if (this.#isOver) return () => {};
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel);
      if (!this.#isOver) callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  };

  uniqueId = (): string => this.#nextId();

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing happens any more; timers that are left go off, and do nothing. */
  end(): void {
    this.#isOver = true;
  }

  /** Ends it, and leaves no timer. */
  endWhole(): void {
    this.end();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
