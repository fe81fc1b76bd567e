/** Something that happens at a time, in milliseconds; what is due at one time goes in order of `order`. */
interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Simulated time: it passes from one event to the next. */
export class SimulatedClock {
  time = 1_000_000;
  /** A binary heap, earliest first. */
  readonly #events: Event[] = [];
  #orders = 0;

  now = (): number => this.time;

  get isIdle(): boolean {
    return this.#events.length === 0;
  }

  /** @returns a function that cancels it */
  schedule(delayMs: number, run: () => void): () => void {
    const event = {
      at: this.time + Math.max(0, delayMs),
      order: this.#orders++,
      run,
      isCancelled: false,
    };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Runs the next event; false when there is none until `until`. */
  step(until: number): boolean {
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.at > until) {
        this.time = Math.max(this.time, until);
        return false;
      }
      this.#pop();
      if (next.isCancelled) continue;
      this.time = next.at;
      next.run();
      return true;
    }
  }

  #push(event: Event): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, events[parent] as Event)) break;
      events[index] = events[parent] as Event;
      index = parent;
    }
    events[index] = event;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop() as Event;
    if (events.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      const right = events[child + 1];
      if (right !== undefined && isBefore(right, events[child] as Event)) child++;
      if (!isBefore(events[child] as Event, last)) break;
      events[index] = events[child] as Event;
      index = child;
    }
    events[index] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
