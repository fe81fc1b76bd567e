import type { CompactVerifyGetKey } from 'jose';
import type { ProviderTools } from '../../provider.ts';
import type { JwksSource } from './jwks-source.ts';
import type { KeyFinder } from './key-finder.ts';
import { readKeySet } from './key-set.ts';

/** How long a key that isn't in the set doesn't have it read again, in milliseconds: whoever connects can name any key. */
const UNKNOWN_KEY_MS = 30_000;
/** After the first failure; doubled by each further one, up to the refresh interval. */
const BACK_OFF_MS = 1000;

/** No keys can be had: whether a token is right isn't known. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/**
 * The keys of a JSON Web Key Set that may change. It is read when it is first needed, when it is older than `refresh`, and when a
 * token names a key that isn't in it (rotation). While it can't be read, the keys of the last one are believed, up to `ageMax`.
 *
 * Invariant: one reading at most is under way, and all that need it wait for the same.
 */
export class JwksKeys implements KeyFinder {
  readonly identity: string;
  readonly #source: JwksSource;
  readonly #tools: ProviderTools;
  readonly #refresh: number;
  readonly #ageMax: number;
  readonly #abort: AbortController;
  /** Null until a set could be read. */
  #keys: CompactVerifyGetKey | null;
  #text: string;
  /** When the set was read that is believed, and when one was asked for last. */
  #readAt: number;
  #triedAt: number;
  #failureCount: number;
  #reading: Promise<void> | null;

  constructor(
    source: JwksSource,
    { refresh, ageMax }: { readonly refresh: number; readonly ageMax: number },
    tools: ProviderTools,
  ) {
    this.identity = source.place;
    this.#source = source;
    this.#tools = tools;
    this.#refresh = refresh;
    this.#ageMax = ageMax;
    this.#abort = new AbortController();
    this.#keys = null;
    this.#text = '';
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#triedAt = Number.NEGATIVE_INFINITY;
    this.#failureCount = 0;
    this.#reading = null;
  }

  /** @throws {KeysUnavailableError} when there are none that may be believed */
  readonly find: CompactVerifyGetKey = async (header, token) => {
    if (this.#keys === null) await this.#recall();
    if (this.#tools.now() - this.#readAt >= this.#refresh && this.#mayTry(0)) await this.#read();
    try {
      return await this.#current()(header, token);
    } catch (error) {
      if (!isNoMatchingKey(error) || !this.#mayTry(UNKNOWN_KEY_MS)) throw error;
    }
    await this.#read();
    return await this.#current()(header, token);
  };

  /** Begins to read the set, so that the first client need not wait for it, and a wrong address shows at once. */
  begin(): void {
    void this.#read();
  }

  close(): void {
    this.#abort.abort(new Error('the provider was closed'));
    this.#source.close();
  }

  #current(): CompactVerifyGetKey {
    const age = this.#tools.now() - this.#readAt;
    if (this.#keys === null) {
      throw new KeysUnavailableError(`no keys could be read from ${this.#source.place} yet`);
    }
    if (age >= Math.max(this.#ageMax, this.#refresh)) {
      throw new KeysUnavailableError(
        `the keys of ${this.#source.place} were last read ${Math.round(age / 1000)} s ago`,
      );
    }
    return this.#keys;
  }

  /** Whether the set may be read again, or is being read. */
  #mayTry(intervalMin: number): boolean {
    if (this.#reading !== null) return true;
    const backOff =
      this.#failureCount === 0
        ? 0
        : Math.min(BACK_OFF_MS * 2 ** Math.min(this.#failureCount - 1, 30), this.#refresh);
    return this.#tools.now() - this.#triedAt >= Math.max(backOff, intervalMin);
  }

  /** Begins with what a provider before this one has read. */
  async #recall(): Promise<void> {
    const known = this.#tools.keySets?.get(this.#source.place);
    if (known === undefined) return;
    const keys = (await import('jose')).createLocalJWKSet(readKeySet(known.text));
    // Its own may have come meanwhile.
    if (this.#keys !== null) return;
    this.#keys = keys;
    this.#text = known.text;
    this.#readAt = known.readAt;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    const { place } = this.#source;
    this.#triedAt = this.#tools.now();
    try {
      const text = await this.#source.load(this.#abort.signal);
      if (text !== this.#text) {
        const set = readKeySet(text);
        this.#keys = (await import('jose')).createLocalJWKSet(set);
        this.#text = text;
        this.#tools.log('info', 'jwt-keys-read', { from: place, keys: set.keys.length });
      }
      this.#readAt = this.#tools.now();
      this.#tools.keySets?.set(place, { text, readAt: this.#readAt });
      this.#failureCount = 0;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failureCount++;
      this.#tools.log('warn', 'jwt-keys-unavailable', {
        from: place,
        why: error instanceof Error ? error.message : String(error),
        keeps: this.#keys !== null,
      });
    }
  }
}

function isNoMatchingKey(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_JWKS_NO_MATCHING_KEY';
}
