import { createHmac, randomBytes } from 'node:crypto';
import { FairQueue } from './fair-queue.ts';
import { HashThreads } from './hash-threads.ts';
import type { PasswordHash } from './password-hash.ts';
import type { Comparison } from './password-users.ts';

/** `throttled`: it was not checked, as too many were wrong. */
export type PasswordVerdict = 'right' | 'wrong' | 'busy' | 'throttled';

/** Whose passwords are checked. */
export interface PasswordSource {
  /** What to compare a password with; one of the same cost for a name that isn't there. */
  comparisonOf(name: string): Comparison;
}

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
  readonly #users: PasswordSource;
  readonly #limits: CheckerLimits;
  readonly #key: Buffer;
  /** Oldest first. */
  readonly #remembered: Set<string>;
  readonly #waiting: FairQueue<(verdict: 'checked next' | 'busy') => void>;
  readonly #threads: HashThreads;
  #runningCount: number;
  #hashCount: number;
  #onIdle: (() => void) | null;

  constructor(users: PasswordSource, limits: CheckerLimits) {
    this.#users = users;
    this.#limits = limits;
    this.#key = randomBytes(32);
    this.#remembered = new Set();
    this.#waiting = new FairQueue();
    this.#threads = new HashThreads();
    this.#runningCount = 0;
    this.#hashCount = 0;
    this.#onIdle = null;
  }

  /**
   * @param address - of the client, without its port
   * @param password - not to be changed before the answer
   * @param signal - aborted when the answer isn't needed any more: then nothing is hashed when its turn comes
   * @param mayCheck - asked when its turn comes
   * @throws {Error} when it can't be hashed
   */
  async check(
    address: string,
    userName: string,
    password: Uint8Array,
    signal?: AbortSignal,
    mayCheck = MAY,
  ): Promise<PasswordVerdict> {
    const { kept, others } = this.#users.comparisonOf(userName);
    const fingerprint = this.#fingerprint(userName, password, kept);
    if (this.#remembered.has(fingerprint)) return 'right';
    if (!(await this.#takePlace(address, userName))) return 'busy';
    try {
      if (signal?.aborted === true) return 'busy';
      if (!mayCheck(address, userName)) return 'throttled';
      const { isRight, count } = await this.#threads.verify(password, kept, others);
      this.#hashCount += count;
      if (!isRight) return 'wrong';
      this.#remember(fingerprint);
      return 'right';
    } finally {
      this.#leavePlace();
    }
  }

  /** Hashes that were made. */
  get hashCount(): number {
    return this.#hashCount;
  }

  /** No further check is asked for: those that wait are still made, then the threads end; resolves when they have. */
  async close(): Promise<void> {
    if (this.#runningCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#threads.close();
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

  /** Whoever waits takes the place over. */
  #leavePlace(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next('checked next');
      return;
    }
    this.#runningCount--;
    if (this.#runningCount === 0) this.#onIdle?.();
  }

  /** Of another password, when the user is given one: what is remembered of the earlier one is then of no use. */
  #fingerprint(userName: string, password: Uint8Array, { salt, hash }: PasswordHash): string {
    const hmac = createHmac('sha256', this.#key);
    hmac.update(`${Buffer.byteLength(userName)}:${userName}`);
    hmac.update(`:${salt.length}:${hash.length}:`).update(salt).update(hash);
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

const MAY = (_address: string, _userName: string) => true;
