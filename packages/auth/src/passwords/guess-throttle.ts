import { createHmac, randomBytes } from 'node:crypto';

export interface ThrottleLimits {
  /** Wrong passwords of one address for one user, after which it has to wait; 0 for no such limit. */
  readonly clientGuesses: number;
  /** Wrong passwords of one address, whatever the users; 0 for no such limit. */
  readonly addressGuesses: number;
  /** Wrong passwords for one user, whatever the addresses, after which those of new addresses are slowed down; 0 for no such limit. */
  readonly userGuesses: number;
  /** Longest wait, in milliseconds: it begins with a second, and each further wrong password doubles it. */
  readonly waitMaxMs: number;
  /** Clients, addresses and users of which something is known: of each at most this number. */
  readonly entriesMax: number;
}

export type ThrottleVerdict =
  | { readonly result: 'check' }
  /** It is to be checked later. */
  | { readonly result: 'slow'; readonly delayMs: number }
  /** It is not to be checked. */
  | { readonly result: 'refuse'; readonly by: 'client' | 'address' };

/** Where guesses of passwords are counted. */
export interface GuessWatch {
  /**
   * What becomes of a password before it is checked.
   *
   * @param address - of the client, without its port
   */
  ask(address: string, userName: string): ThrottleVerdict;
  /** A password was wrong, or its user isn't there. */
  wrong(address: string, userName: string): void;
  /** A password was right. */
  right(address: string, userName: string): void;
}

const FIRST_WAIT_MS = 1000;
/** How long a password is delayed that is slowed down: less than clients wait for CONNACK. */
const DELAY_MS = 2000;
/** How long it takes until as many wrong passwords as are allowed are forgotten: they are so little by little. */
const FORGET_MS = 600_000;

/**
 * Holds up those who guess passwords, in bounded memory, so that nobody can lock a user out from another address:
 *
 * - an address that was wrong for one user too often waits before it may try that user again;
 * - an address that was wrong too often, whatever the users, waits before it may try any; but for users with whom it has been right
 *   before: others behind the same address don't lock these out;
 * - a user for whom too many were wrong, from whatever addresses, is only slowed down, where the address has never been right for it.
 *
 * Names of users are kept as hashes: they may be long, and have been passwords that were typed into the wrong field. Where there are more
 * than `entriesMax`, those that did something last stay.
 */
export class GuessThrottle implements GuessWatch {
  readonly #limits: () => ThrottleLimits;
  readonly #now: () => number;
  readonly #key: Buffer;
  readonly #clients: RecentGuesses;
  readonly #addresses: RecentGuesses;
  readonly #users: RecentGuesses;
  /** Clients that were right once, the last one last. */
  readonly #proved: Set<string>;

  /**
   * @param limits - asked each time: they may change
   * @param now - a clock that nobody sets, in milliseconds
   */
  constructor(limits: () => ThrottleLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#key = randomBytes(32);
    this.#clients = new RecentGuesses();
    this.#addresses = new RecentGuesses();
    this.#users = new RecentGuesses();
    this.#proved = new Set();
  }

  /**
   * What becomes of a password before it is checked.
   *
   * @param address - what counts as one, such as the network of an IPv6 address; empty where there is none: then it has no limit
   */
  ask(address: string, userName: string): ThrottleVerdict {
    if (this.size === 0) return CHECK;
    const limits = this.#limits();
    const now = this.#now();
    const client = this.#clientOf(address, userName);
    if (this.#clients.isWaiting(client, limits.clientGuesses, now)) return BY_CLIENT;
    if (this.#proved.has(client)) return CHECK;
    if (this.#addresses.isWaiting(address, limits.addressGuesses, now)) return BY_ADDRESS;
    const isSlow = this.#users.isOver(this.#digest(userName), limits.userGuesses, now);
    return isSlow ? SLOW : CHECK;
  }

  /** A password was wrong, or its user isn't there. */
  wrong(address: string, userName: string): void {
    const { clientGuesses, addressGuesses, userGuesses, waitMaxMs, entriesMax } = this.#limits();
    const now = this.#now();
    const client = this.#clientOf(address, userName);
    this.#clients.add(client, clientGuesses, now, waitMaxMs, entriesMax);
    if (address !== '') {
      this.#addresses.add(address, addressGuesses, now, waitMaxMs, entriesMax);
    }
    this.#users.add(this.#digest(userName), userGuesses, now, waitMaxMs, entriesMax);
  }

  /** A password was right: what was wrong before for that user from that address doesn't count. */
  right(address: string, userName: string): void {
    const client = this.#clientOf(address, userName);
    this.#clients.delete(client);
    this.#proved.delete(client);
    this.#proved.add(client);
    trim(this.#proved, this.#limits().entriesMax);
  }

  /** Clients, addresses and users of which something is known, together. */
  get size(): number {
    return this.#clients.size + this.#addresses.size + this.#users.size + this.#proved.size;
  }

  #clientOf(address: string, userName: string): string {
    return this.#digest(`${address} ${userName}`);
  }

  /** Keyed: nobody can choose names that have the same. */
  #digest(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64').slice(0, 22);
  }
}

interface Guesses {
  /** At `lastAt`; parts of one are forgotten, too. */
  readonly count: number;
  readonly lastAt: number;
  readonly waitsUntil: number;
}

/** Wrong guesses by whose they are. */
class RecentGuesses {
  /** The one that was wrong last is the last one. */
  readonly #entries: Map<string, Guesses>;

  constructor() {
    this.#entries = new Map();
  }

  get size(): number {
    return this.#entries.size;
  }

  isWaiting(key: string, max: number, now: number): boolean {
    return max > 0 && (this.#entries.get(key)?.waitsUntil ?? 0) > now;
  }

  isOver(key: string, max: number, now: number): boolean {
    return max > 0 && Math.round(countAt(this.#entries.get(key), max, now)) >= max;
  }

  add(key: string, max: number, now: number, waitMaxMs: number, entriesMax: number): void {
    if (max === 0) return;
    const doublingsMax = Math.ceil(Math.log2(Math.max(1, waitMaxMs / FIRST_WAIT_MS)));
    const counted = countAt(this.#entries.get(key), max, now) + 1;
    // No more than has an effect: else it would take long to forget.
    const count = Math.min(counted, max + doublingsMax);
    const doublings = Math.round(count - max);
    const waitMs = doublings < 0 ? 0 : Math.min(waitMaxMs, FIRST_WAIT_MS * 2 ** doublings);
    this.#entries.delete(key);
    this.#entries.set(key, { count, lastAt: now, waitsUntil: now + waitMs });
    trim(this.#entries, entriesMax);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

function countAt(entry: Guesses | undefined, max: number, now: number): number {
  if (entry === undefined) return 0;
  return Math.max(0, entry.count - ((now - entry.lastAt) * max) / FORGET_MS);
}

/** The first ones make room. */
function trim(entries: Set<string> | Map<string, unknown>, max: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= max) return;
    entries.delete(key);
  }
}

const CHECK: ThrottleVerdict = { result: 'check' };
const SLOW: ThrottleVerdict = { result: 'slow', delayMs: DELAY_MS };
const BY_CLIENT: ThrottleVerdict = { result: 'refuse', by: 'client' };
const BY_ADDRESS: ThrottleVerdict = { result: 'refuse', by: 'address' };
