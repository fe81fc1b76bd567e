import type { ClientFilter } from '../../../embed/clients/client-filter.ts';
import type { ClientInfo } from '../../../embed/clients/client-info.ts';
import type { RunningBroker } from '../../../embed/running-broker.ts';
import { ApiError } from '../../api/operation.ts';
import { nextTurn } from '../../api/turns.ts';

/** Clients that are looked at and described in a turn: about a millisecond. */
const STEP_LENGTH = 500;

/** Searches of which it is remembered where their pages begin. */
const SEARCHES_MAX = 32;

/** Pages of a search of which that is remembered. */
const PAGES_MAX = 10_000;

/** Where the first page begins. */
const FIRST = '1';

/** Lists that may be made at a time: each costs something in every turn. */
const WALKS_MAX = 8;

export interface FoundPage {
  readonly clients: ClientInfo[];
  /** How many there are on all pages, where that is known. */
  readonly count: number | null;
  readonly hasNext: boolean;
}

/**
 * Pages of clients by their numbers. All clients are found by their place; of those that a filter chooses, it is remembered where pages
 * begin, so that the next page costs no more than the first. Whatever takes longer is done in steps, a turn each.
 *
 * Invariant: of a search, the pages are known from the first to some page, without gaps.
 */
export class ClientPages {
  readonly #broker: RunningBroker;
  /** Cursors of the pages, by search; the one that was used last is last. */
  readonly #searches: Map<string, string[]>;
  #walks: number;

  constructor(broker: RunningBroker) {
    this.#broker = broker;
    this.#searches = new Map();
    this.#walks = 0;
  }

  /**
   * @param page - from 1 on
   * @throws {ApiError} 429 when too many lists are being made
   */
  find(filter: ClientFilter, page: number, limit: number, signal: AbortSignal): Promise<FoundPage> {
    return this.walking(() =>
      isAll(filter)
        ? this.#findAmongAll(page, limit, signal)
        : this.#findChosen(filter, page, limit, signal),
    );
  }

  /** @throws {ApiError} 429 when too many lists are being made */
  async walking<T>(walk: () => Promise<T>): Promise<T> {
    if (this.#walks >= WALKS_MAX) {
      throw new ApiError(
        429,
        'TOO_MANY_REQUESTS',
        `${WALKS_MAX} lists of clients are being made; ask again`,
      );
    }
    this.#walks++;
    try {
      return await walk();
    } finally {
      this.#walks--;
    }
  }

  async #findAmongAll(page: number, limit: number, signal: AbortSignal): Promise<FoundPage> {
    const { clients, stats } = this.#broker;
    const count = stats.sessionsCurrent;
    const cursor = clients.cursorAt((page - 1) * limit);
    if (cursor === null) return { clients: [], count, hasNext: false };
    const found = await this.#take({}, cursor, limit, signal);
    return { clients: found.clients, count, hasNext: found.cursor !== null };
  }

  async #findChosen(
    filter: ClientFilter,
    page: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundPage> {
    const begins = this.#beginsOf(`${limit} ${JSON.stringify(filter)}`);
    let at = Math.min(page, begins.length);
    let cursor: string | null = begins[at - 1] as string;
    for (; at < page; at++) {
      const skipped: Taken = await this.#take(filter, cursor, limit, signal);
      cursor = skipped.cursor;
      if (cursor === null) return { clients: [], count: null, hasNext: false };
      if (at === begins.length && at < PAGES_MAX) begins.push(cursor);
    }
    const found = await this.#take(filter, cursor, limit, signal);
    // What follows may be none of those that are meant.
    const hasNext =
      found.cursor !== null &&
      (await this.#take(filter, found.cursor, 1, signal)).clients.length > 0;
    if (hasNext && at === begins.length && at < PAGES_MAX) begins.push(found.cursor as string);
    const { clients } = found;
    return { clients, count: hasNext ? null : (page - 1) * limit + clients.length, hasNext };
  }

  #beginsOf(search: string): string[] {
    const begins = this.#searches.get(search) ?? [FIRST];
    this.#searches.delete(search);
    this.#searches.set(search, begins);
    if (this.#searches.size > SEARCHES_MAX) {
      const [oldest] = this.#searches.keys();
      this.#searches.delete(oldest as string);
    }
    return begins;
  }

  /** The next so many of those that are meant, or all that are left. */
  async #take(
    filter: ClientFilter,
    from: string,
    count: number,
    signal: AbortSignal,
  ): Promise<Taken> {
    const { clients } = this.#broker;
    const taken: ClientInfo[] = [];
    let cursor: string | null = from;
    while (cursor !== null && taken.length < count) {
      const limit = Math.min(STEP_LENGTH, count - taken.length);
      const step = clients.list({ ...filter, cursor, limit });
      for (const client of step.clients) taken.push(client);
      cursor = step.cursor;
      if (cursor === null || taken.length === count) break;
      await nextTurn();
      signal.throwIfAborted();
    }
    return { clients: taken, cursor };
  }
}

interface Taken {
  readonly clients: ClientInfo[];
  /** Where it continues; null when all have been seen. */
  readonly cursor: string | null;
}

function isAll(filter: ClientFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

const pagesOfBrokers = new WeakMap<RunningBroker, ClientPages>();

/** Those of a broker, whoever asks. */
export function clientPagesOf(broker: RunningBroker): ClientPages {
  const known = pagesOfBrokers.get(broker);
  if (known !== undefined) return known;
  const pages = new ClientPages(broker);
  pagesOfBrokers.set(broker, pages);
  return pages;
}
