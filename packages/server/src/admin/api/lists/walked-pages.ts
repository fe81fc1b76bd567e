import { EmbedError } from '../../../embed/calls/embed-error.ts';
import type { FoundPage, Step } from './cursor-pages.ts';
import { nextTurn } from './turns.ts';

/** Things that are looked at and described in a turn. */
const STEP_LENGTH = 500;

/** Lists of which it is remembered where the next page begins. */
const KEPT_MAX = 8;

/** What is listed. */
export interface Walk<T> {
  /** The same for who looks for the same with the same page length, and for nobody else. */
  readonly key: string;
  /**
   * Continues, by a bounded number of things.
   *
   * @param cursor - good once; null to begin
   */
  step(cursor: string | null, limit: number): Step<T> | Promise<Step<T>>;
}

/** Where a page begins. */
interface Begin<T> {
  readonly page: number;
  readonly cursor: string | null;
  /** What has been found of it already. */
  readonly ahead: readonly T[];
}

/**
 * Pages by their numbers, of lists whose cursors are good once: who asks for one page after the other continues, and who asks for
 * another page begins again, in steps, a turn each.
 */
export class WalkedPages<T> {
  /** By list; the one that was used last is last. */
  readonly #next: Map<string, Begin<T>>;

  constructor() {
    this.#next = new Map();
  }

  /** @param page - from 1 on */
  async find(
    walk: Walk<T>,
    page: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundPage<T>> {
    const next = this.#next.get(walk.key);
    if (next !== undefined && next.page === page) {
      this.#next.delete(walk.key);
      try {
        return await this.#findFrom(walk, next, page, limit, signal);
      } catch (error) {
        if (!(error instanceof EmbedError) || error.code !== 'cursor-expired') throw error;
      }
    }
    return this.#findFrom(walk, { page: 1, cursor: null, ahead: [] }, page, limit, signal);
  }

  async #findFrom(
    walk: Walk<T>,
    begin: Begin<T>,
    page: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundPage<T>> {
    let toSkip = (page - begin.page) * limit;
    let { cursor } = begin;
    let isOver = begin.page > 1 && cursor === null;
    let found: T[] = [...begin.ahead];
    // One more shows whether there is another page.
    while (!isOver && found.length <= limit) {
      const wanted = Math.min(STEP_LENGTH, toSkip + limit + 1 - found.length);
      const step: Step<T> = await walk.step(cursor, wanted);
      const kept = step.things.slice(toSkip);
      toSkip -= step.things.length - kept.length;
      found = found.concat(kept);
      cursor = step.cursor;
      isOver = cursor === null;
      if (isOver) break;
      await nextTurn();
      signal.throwIfAborted();
    }
    const things = found.slice(0, limit);
    const ahead = found.slice(limit);
    const hasNext = ahead.length > 0;
    if (hasNext) this.#keep(walk.key, { page: page + 1, cursor, ahead });
    return { things, count: hasNext ? null : (page - 1) * limit + things.length, hasNext };
  }

  #keep(key: string, begin: Begin<T>): void {
    this.#next.delete(key);
    this.#next.set(key, begin);
    if (this.#next.size <= KEPT_MAX) return;
    const [oldest] = this.#next.keys();
    this.#next.delete(oldest as string);
  }
}
