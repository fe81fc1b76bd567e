import { ApiError } from '../operation.ts';
import { nextTurn } from './turns.ts';

/** Things that are looked at and described in a turn: about a millisecond. */
const STEP_LENGTH = 500;

/** Searches of which it is remembered where their pages begin. */
const SEARCHES_MAX = 32;

/** Pages of a search of which that is remembered. */
const PAGES_MAX = 10_000;

/** Lists that may be made at a time: each costs something in every turn. */
const WALKS_MAX = 8;

/** What is listed. */
export interface Search<T> {
  /** The same for who looks for the same with the same page length, and for nobody else. */
  readonly key: string;
  /** Where the first page begins. */
  readonly first: string;
  /** Continues, by a bounded number of things: there may be others although there are fewer than `limit`. */
  step(cursor: string, limit: number): Step<T> | Promise<Step<T>>;
}

export interface Step<T> {
  readonly things: readonly T[];
  /** Where it continues; null when all have been seen. */
  readonly cursor: string | null;
}

export interface FoundPage<T> {
  readonly things: readonly T[];
  /** How many there are on all pages, where that is known. */
  readonly count: number | null;
  readonly hasNext: boolean;
}

/**
 * Pages by their numbers, of lists that know cursors. It is remembered where pages begin, so that the next page costs no more
 * than the first. Whatever takes longer is done in steps, a turn each.
 *
 * Invariant: of a search, the pages are known from the first to some page, without gaps.
 */
export class CursorPages {
  /** Cursors of the pages, by search; the one that was used last is last. */
  readonly #searches: Map<string, string[]>;
  #walks: number;

  constructor() {
    this.#searches = new Map();
    this.#walks = 0;
  }

  /**
   * @param page - from 1 on
   * @throws {ApiError} 429 when too many lists are being made
   */
  find<T>(
    search: Search<T>,
    page: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundPage<T>> {
    return this.walking(() => this.#find(search, page, limit, signal));
  }

  /** The page that begins at a place. */
  findAt<T>(
    search: Search<T>,
    cursor: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<Step<T>> {
    return this.walking(() => take(search, cursor, limit, signal));
  }

  /** @throws {ApiError} 429 when too many lists are being made */
  async walking<T>(walk: () => Promise<T>): Promise<T> {
    if (this.#walks >= WALKS_MAX) {
      throw new ApiError(
        429,
        'TOO_MANY_REQUESTS',
        `${WALKS_MAX} lists are being made just now; ask again`,
      );
    }
    this.#walks++;
    try {
      return await walk();
    } finally {
      this.#walks--;
    }
  }

  async #find<T>(
    search: Search<T>,
    page: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundPage<T>> {
    const begins = this.#beginsOf(search);
    let at = Math.min(page, begins.length);
    let cursor = begins[at - 1] as string;
    for (; at < page; at++) {
      const skipped = await take(search, cursor, limit, signal);
      if (skipped.cursor === null) return { things: [], count: null, hasNext: false };
      cursor = skipped.cursor;
      await nextTurn();
      signal.throwIfAborted();
      if (at === begins.length && at < PAGES_MAX) begins.push(cursor);
    }
    const { things, cursor: next } = await take(search, cursor, limit, signal);
    // What follows may be none of those that are meant.
    const hasNext = next !== null && (await take(search, next, 1, signal)).things.length > 0;
    if (hasNext && at === begins.length && at < PAGES_MAX) begins.push(next);
    return { things, count: hasNext ? null : (page - 1) * limit + things.length, hasNext };
  }

  #beginsOf({ key, first }: Search<unknown>): string[] {
    const begins = this.#searches.get(key) ?? [first];
    this.#searches.delete(key);
    this.#searches.set(key, begins);
    if (this.#searches.size > SEARCHES_MAX) {
      const [oldest] = this.#searches.keys();
      this.#searches.delete(oldest as string);
    }
    return begins;
  }
}

/** The next so many of those that are meant, or all that are left. */
async function take<T>(
  search: Search<T>,
  from: string,
  count: number,
  signal: AbortSignal,
): Promise<Step<T>> {
  const taken: T[] = [];
  let cursor: string | null = from;
  for (;;) {
    const step: Step<T> = await search.step(cursor, Math.min(STEP_LENGTH, count - taken.length));
    for (const thing of step.things) taken.push(thing);
    cursor = step.cursor;
    if (cursor === null || taken.length === count) return { things: taken, cursor };
    await nextTurn();
    signal.throwIfAborted();
  }
}

const pagesOfHosts = new WeakMap<object, CursorPages>();

/** Those of a broker, whoever asks. */
export function pagesOf(broker: object): CursorPages {
  const known = pagesOfHosts.get(broker);
  if (known !== undefined) return known;
  const pages = new CursorPages();
  pagesOfHosts.set(broker, pages);
  return pages;
}
