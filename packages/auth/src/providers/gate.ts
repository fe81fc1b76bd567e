/** So much is under way and waits already that nothing more is taken. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

/**
 * Lets a bounded number of asynchronous things be done at the same time, and a bounded number wait, in the order in which
 * they came.
 */
export class Gate {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting: Set<() => void>;
  #insideCount: number;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
    this.#waiting = new Set();
    this.#insideCount = 0;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * @param signal - what waits no longer waits when it is aborted
   * @throws {BusyError} when too much waits
   */
  async run<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#insideCount < this.#insideMax) this.#insideCount++;
    else await this.#wait(signal);
    try {
      return await action();
    } finally {
      this.#leave();
    }
  }

  /** Resolves when it is inside. */
  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) {
      throw new BusyError(`${this.#waitingMax} wait already`);
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(enter);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(enter);
    });
  }

  /** The place goes to whoever waits longest. */
  #leave(): void {
    for (const enter of this.#waiting) {
      this.#waiting.delete(enter);
      enter();
      return;
    }
    this.#insideCount--;
  }
}
