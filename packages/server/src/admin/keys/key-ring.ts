import { timingSafeEqual } from 'node:crypto';
import type { Config } from '../../config/index.ts';
import type { Scope } from '../api/scopes.ts';
import { type ApiKey, secretDigest } from './api-key.ts';

/** A key that may be used. */
export interface UsableKey {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number;
  readonly digest: Buffer;
}

/** What is compared with where there is no such key, so that it takes as long as with one. */
const NOBODY = Buffer.alloc(32);

/** The keys that are in force: those of the file, and those of the configuration. */
export class KeyRing {
  readonly #now: () => number;
  /** By name, and by identifier. */
  #byName: ReadonlyMap<string, UsableKey>;
  #listed: readonly ApiKey[];

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
    this.#byName = new Map();
    this.#listed = [];
  }

  /** From now on these are in force, and no others. Of two with the same name, that of the file counts. */
  set(file: readonly ApiKey[], configured: Config['admin']['keys']): void {
    const byName = new Map<string, UsableKey>();
    for (const { name, secret, scopes } of configured) {
      const digest = secretDigest(secret);
      byName.set(name, {
        name,
        scopes: new Set(scopes),
        expiresAt: Number.POSITIVE_INFINITY,
        digest,
      });
    }
    for (const one of file) {
      byName.delete(one.name);
      if (!one.enabled) continue;
      const usable: UsableKey = {
        name: one.name,
        scopes: new Set(one.scopes),
        expiresAt: one.expires === null ? Number.POSITIVE_INFINITY : Date.parse(one.expires),
        digest: Buffer.from(one.sha256, 'hex'),
      };
      byName.set(one.name, usable);
      byName.set(one.key, usable);
    }
    this.#byName = byName;
    this.#listed = file;
  }

  /** Those of the file, usable or not. */
  get listed(): readonly ApiKey[] {
    return this.#listed;
  }

  /** Whether anybody could be let in. */
  get isUsable(): boolean {
    return this.#usable.length > 0;
  }

  /** When the next of them expires, in milliseconds since 1970; Infinity: none does. */
  get nextExpiry(): number {
    return this.#usable.reduce(
      (next, { expiresAt }) => Math.min(next, expiresAt),
      Number.POSITIVE_INFINITY,
    );
  }

  /**
   * The key with that name or identifier and that secret; null when there is none. It takes as long whatever is wrong.
   */
  verify(name: string, secret: string): UsableKey | null {
    const found = this.#byName.get(name);
    const isRight = timingSafeEqual(secretDigest(secret), found?.digest ?? NOBODY);
    return found !== undefined && isRight && found.expiresAt > this.#now() ? found : null;
  }

  /** A key that is still in force; null when it isn't. */
  find(name: string): UsableKey | null {
    const found = this.#byName.get(name);
    return found !== undefined && found.expiresAt > this.#now() ? found : null;
  }

  get #usable(): UsableKey[] {
    const now = this.#now();
    return [...new Set(this.#byName.values())].filter(({ expiresAt }) => expiresAt > now);
  }
}
