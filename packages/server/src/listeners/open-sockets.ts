/**
 * How many sockets of all listeners are open, in whatever state, and whether there may be one more.
 *
 * Invariant: `count` is the number of sockets that were taken and have not been closed.
 */
export class OpenSockets {
  readonly #max: () => number;
  count: number;

  /** @param max - asked for each socket: a reload may have changed it */
  constructor(max: () => number) {
    this.#max = max;
    this.count = 0;
  }

  /** The most that may be open. */
  get max(): number {
    return this.#max();
  }

  /** Takes one more; false when there are too many. */
  take(): boolean {
    if (this.count >= this.#max()) return false;
    this.count++;
    return true;
  }

  /** One was closed. */
  release(): void {
    this.count--;
  }
}
