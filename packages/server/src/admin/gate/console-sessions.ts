import { createHash, randomBytes } from 'node:crypto';
import type { KeyRing, UsableKey } from '../keys/key-ring.ts';

/** Bytes of tokens that are made here. */
const TOKEN_BYTES = 32;

/** Somebody who has logged in with a key, and is known by a token since. */
export interface ConsoleSession {
  /** The same for as long as it lasts, and no secret: a digest of its token. */
  readonly id: string;
  readonly key: UsableKey;
  /** What requests that change something have to bring besides; null where the token isn't a cookie. */
  readonly csrf: string | null;
}

interface Entry extends ConsoleSession {
  readonly lastUsedAt: number;
}

/**
 * Why a session has ended: for another one, without a request for too long, as its key isn't in force any more, or because who had it
 * has logged out.
 */
export type SessionEnd = 'room' | 'idle' | 'key' | 'logout';

/** Timers can't be set further ahead. */
const TIMER_MS_MAX = 2_147_483_647;

/** What limits sessions; live. */
export interface SessionLimits {
  readonly maxSessions: number;
  readonly sessionTimeout: number;
}

/**
 * Sessions of the console, and of programs that log in. Tokens are kept as digests, so that looking one up says nothing of the
 * others. A session ends with its key: when that is deleted, disabled, expired, or another with its name. One that is idle for too
 * long ends then, and not only when it is used again: what it has open is to end with it.
 *
 * Invariant: they are in the order in which they were used last, and `maxSessions` at most.
 */
export class ConsoleSessions {
  readonly #limits: SessionLimits;
  readonly #ring: KeyRing;
  readonly #now: () => number;
  readonly #byDigest: Map<string, Entry>;
  readonly #onEnded: (name: string, why: SessionEnd) => void;
  #idleTimer: NodeJS.Timeout | null;

  /**
   * @param now - milliseconds
   * @param onEnded - called when one has ended, with the name of its key
   */
  constructor(
    limits: SessionLimits,
    ring: KeyRing,
    now: () => number,
    onEnded: (name: string, why: SessionEnd) => void = () => {},
  ) {
    this.#limits = limits;
    this.#ring = ring;
    this.#now = now;
    this.#byDigest = new Map();
    this.#onEnded = onEnded;
    this.#idleTimer = null;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /** @returns the token, which is nowhere else */
  begin(key: UsableKey, isCookie: boolean): { token: string; session: ConsoleSession } {
    const token = newToken();
    const id = digestOf(token);
    const session: Entry = {
      id,
      key,
      csrf: isCookie ? newToken() : null,
      lastUsedAt: this.#now(),
    };
    this.#byDigest.set(id, session);
    this.#idleTimer ??= this.#timerFor(session);
    for (const [oldest, { key: other }] of this.#byDigest) {
      if (this.#byDigest.size <= this.#limits.maxSessions) break;
      this.#byDigest.delete(oldest);
      this.#onEnded(other.name, 'room');
    }
    return { token, session };
  }

  /** The session of a token, which is used with that; null when there is none any more. */
  use(token: string): ConsoleSession | null {
    const digest = digestOf(token);
    const entry = this.#byDigest.get(digest);
    if (entry === undefined) return null;
    this.#byDigest.delete(digest);
    const now = this.#now();
    const key = this.#ring.find(entry.key.name);
    const isOver = now - entry.lastUsedAt > this.#limits.sessionTimeout;
    const isSame = key?.digest.equals(entry.key.digest) === true;
    if (isOver || key === null || !isSame) {
      this.#onEnded(entry.key.name, isOver ? 'idle' : 'key');
      return null;
    }
    const used: Entry = { id: digest, key, csrf: entry.csrf, lastUsedAt: now };
    this.#byDigest.set(digest, used);
    return used;
  }

  /** Whether a session has not ended. It isn't used by that. */
  has({ id }: ConsoleSession): boolean {
    return this.#byDigest.has(id);
  }

  /** Ends the session of a token. @returns whose it was; null when there is none */
  end(token: string): ConsoleSession | null {
    const digest = digestOf(token);
    const entry = this.#byDigest.get(digest);
    if (entry === undefined) return null;
    this.#byDigest.delete(digest);
    this.#onEnded(entry.key.name, 'logout');
    return entry;
  }

  /** Ends those that are idle for too long. Happens by itself; to be called when `sessionTimeout` has changed. */
  endIdle(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    const now = this.#now();
    for (const [digest, entry] of this.#byDigest) {
      if (now - entry.lastUsedAt <= this.#limits.sessionTimeout) {
        this.#idleTimer = this.#timerFor(entry);
        return;
      }
      this.#byDigest.delete(digest);
      this.#onEnded(entry.key.name, 'idle');
    }
  }

  close(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
  }

  /** For when a session will have been idle for too long, if it isn't used until then. */
  #timerFor({ lastUsedAt }: Entry): NodeJS.Timeout {
    const left = lastUsedAt + this.#limits.sessionTimeout - this.#now() + 1;
    const timer = setTimeout(() => this.endIdle(), Math.min(Math.max(left, 1), TIMER_MS_MAX));
    return timer.unref();
  }
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
