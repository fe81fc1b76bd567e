import { createHash, randomBytes } from 'node:crypto';
import type { KeyRing, UsableKey } from '../keys/key-ring.ts';

/** Bytes of tokens that are made here. */
const TOKEN_BYTES = 32;

/** Somebody who has logged in with a key, and is known by a token since. */
export interface ConsoleSession {
  readonly key: UsableKey;
  /** What requests that change something have to bring besides; null where the token isn't a cookie. */
  readonly csrf: string | null;
}

interface Entry extends ConsoleSession {
  lastUsedAt: number;
}

/** Why a session has ended: for another one, without a request for too long, or as its key isn't in force any more. */
export type SessionEnd = 'room' | 'idle' | 'key';

/** What limits sessions; live. */
export interface SessionLimits {
  readonly maxSessions: number;
  readonly sessionTimeout: number;
}

/**
 * Sessions of the console, and of programs that log in. Tokens are kept as digests, so that looking one up says nothing of the
 * others. A session ends with its key: when that is deleted, disabled, expired, or another with its name.
 *
 * Invariant: they are in the order in which they were used last, and `maxSessions` at most.
 */
export class ConsoleSessions {
  readonly #limits: SessionLimits;
  readonly #ring: KeyRing;
  readonly #now: () => number;
  readonly #byDigest: Map<string, Entry>;
  readonly #onEnded: (name: string, why: SessionEnd) => void;

  /** @param now - milliseconds */
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
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /** @returns the token, which is nowhere else */
  begin(key: UsableKey, isCookie: boolean): { token: string; session: ConsoleSession } {
    const token = newToken();
    const session: Entry = {
      key,
      csrf: isCookie ? newToken() : null,
      lastUsedAt: this.#now(),
    };
    this.#byDigest.set(digestOf(token), session);
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
    const used: Entry = { key, csrf: entry.csrf, lastUsedAt: now };
    this.#byDigest.set(digest, used);
    return used;
  }

  end(token: string): void {
    this.#byDigest.delete(digestOf(token));
  }
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
