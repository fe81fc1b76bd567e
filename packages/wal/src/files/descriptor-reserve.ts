import { closeSync, openSync } from 'node:fs';
import { invariant } from '../invariant.ts';

/** For a new segment, its directory, and segments that are read meanwhile. */
const SPARE_MAX = 8;

/** Whether an error says that the process, or the system, has no file descriptor left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}

/**
 * File descriptors that are held for the log: connections may use up all others, and then the log would not get the
 * ones that it needs for its next segment.
 *
 * Invariant: there are a few at most, and none where no log needs them.
 */
export class DescriptorReserve {
  readonly #spare: number[];
  /** Of the logs that it is for. */
  #users: number;

  constructor() {
    this.#spare = [];
    this.#users = 0;
  }

  /** @returns gives the descriptors back, when nobody else needs them */
  hold(): () => void {
    this.#users++;
    this.refill();
    return () => {
      this.#users--;
      while (this.#users === 0 && this.#giveUpOne());
    };
  }

  /** Takes what has been used, as far as there are descriptors again. */
  refill(): void {
    try {
      while (this.#users > 0 && this.#spare.length < SPARE_MAX) {
        this.#spare.push(openSync('/dev/null', 'r'));
      }
    } catch {
      // There are none just now, or nothing of that name: then there is no reserve.
    }
  }

  /**
   * Does something that takes descriptors. It is done at once when one of the reserve is needed for it: whoever waits
   * for a connection would take it in between.
   */
  use<T>(action: () => T): T {
    for (;;) {
      try {
        return action();
      } catch (error) {
        if (!isOutOfDescriptors(error) || !this.#giveUpOne()) throw error;
      }
    }
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { length } = this.#spare;
    invariant(this.#users >= 0, `${this.#users} logs hold descriptors`);
    invariant(length <= SPARE_MAX, `${length} descriptors are held`);
    invariant(this.#users > 0 || length === 0, `${length} descriptors are held for nobody`);
  }

  #giveUpOne(): boolean {
    const descriptor = this.#spare.pop();
    if (descriptor === undefined) return false;
    closeSync(descriptor);
    return true;
  }
}
