import { invariant } from '@promptmq/topics';
import type { Rate } from '../../config/index.ts';
import { RateBucket } from './rate-bucket.ts';

/** What is limited in a time. */
export const RATE_KINDS = ['messages', 'bytes', 'subscribes', 'connects'] as const;
export type RateKind = (typeof RATE_KINDS)[number];

/** By whom it is. */
export const RATE_SCOPES = ['client', 'user', 'address'] as const;
export type RateScope = (typeof RATE_SCOPES)[number];

export type Rates = Readonly<Record<RateKind, Rate | null>>;

/** Those that nobody uses and that are not full: beyond, the oldest is forgotten, so that its key has all of its rate again. */
const IDLE_MAX = 100_000;

/** Idle ones that are looked at whenever one is used: more than one, so that there are no more of them than are not full. */
const LOOKED_AT = 2;

/** The buckets of one key: a client, a user or an address. */
export class RateAccount {
  readonly key: string;
  readonly buckets: Readonly<Record<RateKind, RateBucket | null>>;
  /** Connections that have it. */
  holders: number;

  constructor(key: string, rates: Rates) {
    this.key = key;
    this.buckets = {
      messages: bucketOf(rates.messages),
      bytes: bucketOf(rates.bytes),
      subscribes: bucketOf(rates.subscribes),
      connects: bucketOf(rates.connects),
    };
    this.holders = 0;
  }

  /** Whether what a connected client sends is limited. */
  get limitsClients(): boolean {
    const { messages, bytes, subscribes } = this.buckets;
    return messages !== null || bytes !== null || subscribes !== null;
  }

  isFull(now: number): boolean {
    return RATE_KINDS.every((kind) => this.buckets[kind]?.isFull(now) !== false);
  }
}

function bucketOf(rate: Rate | null): RateBucket | null {
  return rate === null ? null : new RateBucket(rate);
}

/**
 * The accounts of one scope, by key. One that nobody has is kept until its buckets are full again, as it then says no more
 * than a new one: so a client that comes back doesn't have more than its rate.
 *
 * Invariants: those without holders, and no others, are in `#idle`, which has `IDLE_MAX` at most.
 */
export class KeyedRates {
  readonly rates: Rates;
  readonly #accounts: Map<string, RateAccount>;
  /** In the order in which they were looked at last. */
  readonly #idle: Set<RateAccount>;

  constructor(rates: Rates) {
    this.rates = rates;
    this.#accounts = new Map();
    this.#idle = new Set();
  }

  /** How many there are. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Whether what a connected client sends is limited. */
  get limitsClients(): boolean {
    const { messages, bytes, subscribes } = this.rates;
    return messages !== null || bytes !== null || subscribes !== null;
  }

  /** The account of a key, for a connection that gives it back by `release`. */
  hold(key: string, now: number): RateAccount {
    const account = this.#accountOf(key);
    account.holders++;
    this.#idle.delete(account);
    this.#forgetFull(now);
    return account;
  }

  release(account: RateAccount, now: number): void {
    account.holders--;
    if (account.holders === 0) this.#idle.add(account);
    this.#forgetFull(now);
  }

  /** Counts a CONNECT; false when it is one too many, and doesn't count. */
  takeConnect(key: string, now: number): boolean {
    if (this.rates.connects === null) return true;
    const account = this.#accountOf(key);
    const isTaken = account.buckets.connects?.take(now) !== false;
    if (account.holders === 0) this.#idle.add(account);
    this.#forgetFull(now);
    return isTaken;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const [key, account] of this.#accounts) {
      invariant(account.key === key, `the account of ${key} is that of ${account.key}`);
      const isIdle = this.#idle.has(account);
      invariant(account.holders >= 0, `${key} was given back too often`);
      invariant(isIdle === (account.holders === 0), `${key} is idle: ${isIdle}`);
    }
    invariant(this.#idle.size <= IDLE_MAX, `${this.#idle.size} idle accounts`);
  }

  #accountOf(key: string): RateAccount {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = new RateAccount(key, this.rates);
      this.#accounts.set(key, account);
    }
    return account;
  }

  #forgetFull(now: number): void {
    let left = LOOKED_AT;
    for (const account of this.#idle) {
      if (left-- === 0) break;
      this.#idle.delete(account);
      if (account.isFull(now) || this.#idle.size >= IDLE_MAX) this.#accounts.delete(account.key);
      else this.#idle.add(account);
    }
  }
}
