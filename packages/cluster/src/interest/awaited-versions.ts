import { invariant } from '@promptmq/topics';

/** Who waits until a version is known everywhere. */
interface Waiter {
  readonly version: number;
  readonly since: number;
  readonly onDone: (isKnown: boolean) => void;
  readonly cancelTimer: () => void;
}

/** What waiting needs of the process. */
export interface WaitingHost {
  /** Calls back once; the returned function prevents it. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** How long anybody waits, in milliseconds. */
  readonly patienceMs: number;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Somebody has waited for so long, in milliseconds, in vain or not. */
  onWaited?(waitedMs: number): void;
}

/**
 * Those who wait until others know a version.
 *
 * Invariant: who comes later waits for the same version as those before, or for a later one.
 */
export class AwaitedVersions {
  readonly #host: WaitingHost;
  readonly #waiters: Set<Waiter>;

  constructor(host: WaitingHost) {
    this.#host = host;
    this.#waiters = new Set();
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** @param onDone - with false once it has waited too long */
  add(version: number, onDone: (isKnown: boolean) => void): void {
    const cancelTimer = this.#host.setTimer(this.#host.patienceMs, () => {
      this.#waiters.delete(waiter);
      this.#note(waiter);
      onDone(false);
    });
    const waiter = { version, since: this.#host.now(), onDone, cancelTimer };
    this.#waiters.add(waiter);
  }

  /** All versions up to one are known: calls back those who waited for them, in their order. */
  release(version: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.version > version) return;
      this.#waiters.delete(waiter);
      waiter.cancelTimer();
      this.#note(waiter);
      waiter.onDone(true);
    }
  }

  #note({ since }: Waiter): void {
    this.#host.onWaited?.(this.#host.now() - since);
  }

  /** Nobody is called back any more. */
  close(): void {
    for (const { cancelTimer } of this.#waiters) cancelTimer();
    this.#waiters.clear();
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(known: number): void {
    let last = 0;
    for (const { version } of this.#waiters) {
      invariant(version > known, `version ${version} is known, and somebody waits for it`);
      invariant(version >= last, `version ${version} is waited for after ${last}`);
      last = version;
    }
  }
}
