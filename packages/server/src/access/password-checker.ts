import { createHmac, randomBytes } from 'node:crypto';
import { FairQueue } from './fair-queue.ts';
import { HashThreads } from './hash-threads.ts';
import type { PasswordHash } from './password.ts';

export type PasswordVerdict = 'right' | 'wrong' | 'busy';

export interface CheckerLimits {
  /** Checks at the same time: each takes a thread, and 32 MB or more. */
  readonly concurrentMax: number;
  readonly waitingMax: number;
}

/** How many passwords that were right are remembered, so that clients that come back are quick. */
const REMEMBERED_MAX = 10_000;

/**
 * Checks passwords against hashes that are meant to be slow, without letting a flood of clients take
 * all memory or processors. Those that wait have their turns by address and by user name: who tries many waits
 * behind his own.
 *
 * What was right is remembered under a keyed hash whose key only this process has ever had; passwords
 * themselves are not kept.
 */
export class PasswordChecker {
  readonly #users: ReadonlyMap<string, PasswordHash>;
  readonly #limits: CheckerLimits;
  readonly #key: Buffer;
  /** Oldest first. */
  readonly #remembered: Set<string>;
  readonly #waiting: FairQueue<(verdict: 'checked next' | 'busy') => void>;
  readonly #threads: HashThreads;
  #runningCount: number;

  constructor(users: ReadonlyMap<string, PasswordHash>, limits: CheckerLimits) {
    this.#users = users;
    this.#limits = limits;
    this.#key = randomBytes(32);
    this.#remembered = new Set();
    this.#waiting = new FairQueue();
    this.#threads = new HashThreads();
    this.#runningCount = 0;
  }

  /** @param address - of the client, without its port */
  async check(address: string, userName: string, password: Uint8Array): Promise<PasswordVerdict> {
    const fingerprint = this.#fingerprint(userName, password);
    if (this.#remembered.has(fingerprint)) return 'right';
    if (!(await this.#takePlace(address, userName))) return 'busy';
    try {
      // A user that isn't there costs as much as one that is.
      const kept = this.#users.get(userName) ?? NOBODY;
      if (!(await this.#threads.verify(password, kept))) return 'wrong';
      this.#remember(fingerprint);
      return 'right';
    } finally {
      // Whoever waits takes the place over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#runningCount--;
      else next('checked next');
    }
  }

  /** No further check is asked for: those that wait are still made, then the threads end. */
  close(): void {
    void this.#threads.close();
  }

  /** Nobody waits for an answer any more: resolves when what is under way has ended, with the threads. */
  async stop(): Promise<void> {
    for (;;) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) break;
      waiting('busy');
    }
    await this.#threads.close();
  }

  /** Waits for its turn; false when too many wait. */
  async #takePlace(address: string, userName: string): Promise<boolean> {
    if (this.#runningCount < this.#limits.concurrentMax) {
      this.#runningCount++;
      return true;
    }
    if (this.#waiting.length >= this.#limits.waitingMax) {
      const displaced = this.#waiting.popFromLargest(address);
      if (displaced === undefined) return false;
      displaced('busy');
    }
    const verdict = await new Promise((resolve) => this.#waiting.push(address, userName, resolve));
    return verdict !== 'busy';
  }

  #fingerprint(userName: string, password: Uint8Array): string {
    const hmac = createHmac('sha256', this.#key);
    hmac.update(`${Buffer.byteLength(userName)}:${userName}`);
    return hmac.update(password).digest('base64');
  }

  #remember(fingerprint: string): void {
    if (this.#remembered.size >= REMEMBERED_MAX) {
      const [oldest] = this.#remembered;
      this.#remembered.delete(oldest as string);
    }
    this.#remembered.add(fingerprint);
  }
}

/** Against which names that are not known are checked; no password has this hash. */
const NOBODY: PasswordHash = {
  costLog: 15,
  blockSize: 8,
  parallelization: 1,
  salt: randomBytes(16),
  hash: Buffer.alloc(32),
};
