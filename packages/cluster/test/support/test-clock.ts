import type { Clock } from '@promptmq/wal';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes from one timer to the next. */
export class TestClock implements Clock {
  #now = 0;
  #order = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return 1_700_000_000_000 + Math.round(this.#now);
  }

  defer(callback: () => void): void {
    this.setTimer(0, callback);
  }

  setTimer(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Runs the next timer that is due until a time; false when there is none, and then it is that time. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      const isEarlier = next === undefined || timer.at < next.at;
      if (isEarlier || (timer.at === next?.at && timer.order < next.order)) next = timer;
    }
    if (next === undefined) {
      if (until !== Number.POSITIVE_INFINITY) this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#timers.splice(this.#timers.indexOf(next), 1);
    this.#now = Math.max(this.#now, next.at);
    next.run();
    return true;
  }

  /** Lets all that was promised happen, without time passing. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass. */
  async run(forMs: number): Promise<void> {
    const until = this.#now + forMs;
    await this.settle();
    while (this.step(until)) await this.settle();
  }
}
