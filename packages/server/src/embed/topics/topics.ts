import type { SharedGroup } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { Arguments } from '../calls/arguments.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { type TopicLevels, type TopicLevelsOptions, topicLevels } from './topic-levels.ts';

export interface TopicListOptions {
  /** The `cursor` of the page before; null or left out for the first page. */
  readonly cursor?: string | null | undefined;
  /** How many things at most, 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
}

export interface FilterPage {
  /** Each is subscribed to by somebody; without `$share/NAME/`. */
  readonly filters: string[];
  /** For the next page; null when there is none. */
  readonly cursor: string | null;
}

/** Clients that share what matches a filter (§4.8.2). */
export interface SharedGroupInfo {
  readonly shareName: string;
  /** Without `$share/NAME/`. */
  readonly topicFilter: string;
  readonly memberCount: number;
  /** The first 100, in the order of their turns. */
  readonly members: readonly SharedMemberInfo[];
  /** The client that would get the next message. */
  readonly next: string | null;
}

export interface SharedMemberInfo {
  readonly clientId: string;
  readonly qos: 0 | 1 | 2;
  readonly isConnected: boolean;
  /** Whether it takes a message of QoS 1 or 2 at once: those that do come first. */
  readonly isReady: boolean;
  readonly queued: number;
  readonly inflight: number;
}

export interface SharedGroupPage {
  readonly groups: SharedGroupInfo[];
  /** For the next page; null when there is none. */
  readonly cursor: string | null;
}

/** What is subscribed to, and which topics there are. */
export interface Topics {
  /**
   * A page of the distinct filters that are subscribed to, in no particular order. Subscriptions may come and go between two pages: a filter with
   * wildcards beside which another has come or gone may then be left out, or be on two pages. A cursor is good for one call; the last
   * 16 are kept.
   *
   * @throws {EmbedError} `invalid-argument`, `cursor-expired`
   */
  filters(options?: TopicListOptions): FilterPage;
  /** Whether anybody subscribes to exactly this filter, given without `$share/NAME/`. */
  hasFilter(topicFilter: string): boolean;
  /**
   * A page of the groups of shared subscriptions. A cursor is good for one call; the last 16 are kept.
   *
   * @throws {EmbedError} `invalid-argument`, `cursor-expired`
   */
  sharedGroups(options?: TopicListOptions): SharedGroupPage;
  /**
   * @param wholeFilter - `$share/NAME/FILTER`
   * @returns null when nobody has subscribed to it
   */
  sharedGroup(wholeFilter: string): SharedGroupInfo | null;
  /**
   * The levels that topics have below others, as far as topics are known: those of retained messages, and some to which something was
   * published of late.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  levels(options?: TopicLevelsOptions): TopicLevels;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const WALKS_MAX = 16;
const MEMBERS_MAX = 100;

/** Lists that may be continued, each of a kind of its own. */
class Walks<T> {
  /** By cursor. */
  readonly #walks: Map<string, Iterator<T>>;
  #cursorCount: number;

  constructor() {
    this.#walks = new Map();
    this.#cursorCount = 0;
  }

  /** @throws {EmbedError} `invalid-argument`, `cursor-expired` */
  next(
    args: Arguments,
    { cursor = null, limit: given }: TopicListOptions,
    begin: () => Iterator<T>,
  ): { readonly things: T[]; readonly cursor: string | null } {
    const limit = args.wholeNumber('limit', given ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
    const walk = cursor === null ? begin() : this.#take(args.text('cursor', cursor));
    const things: T[] = [];
    while (things.length < limit) {
      const { value, done } = walk.next();
      if (done === true) return { things, cursor: null };
      things.push(value);
    }
    return { things, cursor: this.#keep(walk) };
  }

  #take(cursor: string): Iterator<T> {
    const walk = this.#walks.get(cursor);
    if (walk === undefined) {
      throw new EmbedError('cursor-expired', 'cursor is good for one call; begin again');
    }
    this.#walks.delete(cursor);
    return walk;
  }

  #keep(walk: Iterator<T>): string {
    const [oldest] = this.#walks.keys();
    if (oldest !== undefined && this.#walks.size >= WALKS_MAX) this.#walks.delete(oldest);
    const cursor = (++this.#cursorCount).toString(36);
    this.#walks.set(cursor, walk);
    return cursor;
  }
}

/** `Topics` of a broker. */
export class BrokerTopics implements Topics {
  readonly #broker: Broker;
  readonly #filters: Walks<string>;
  readonly #groups: Walks<SharedGroup<BrokerSession>>;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#filters = new Walks();
    this.#groups = new Walks();
  }

  filters(options: TopicListOptions = {}): FilterPage {
    const args = new Arguments('topics.filters');
    args.options(options, ['cursor', 'limit']);
    const { trie } = this.#broker.router;
    const { things, cursor } = this.#filters.next(args, options, () => trie.filters());
    return { filters: things, cursor };
  }

  hasFilter(topicFilter: string): boolean {
    const args = new Arguments('topics.hasFilter');
    return this.#broker.router.trie.hasFilter(args.text('topicFilter', topicFilter));
  }

  sharedGroups(options: TopicListOptions = {}): SharedGroupPage {
    const args = new Arguments('topics.sharedGroups');
    args.options(options, ['cursor', 'limit']);
    const { trie } = this.#broker.router;
    const { things, cursor } = this.#groups.next(args, options, () => trie.groups());
    return { groups: things.map(groupInfoOf), cursor };
  }

  sharedGroup(wholeFilter: string): SharedGroupInfo | null {
    const args = new Arguments('topics.sharedGroup');
    const group = this.#broker.router.trie.group(args.text('wholeFilter', wholeFilter));
    return group === null ? null : groupInfoOf(group);
  }

  levels(options: TopicLevelsOptions = {}): TopicLevels {
    return topicLevels(this.#broker, options);
  }
}

function groupInfoOf(group: SharedGroup<BrokerSession>): SharedGroupInfo {
  const { shareName, topicFilter, memberCount } = group;
  const members = group.firstMembers(MEMBERS_MAX).map(({ session, subscription }) => ({
    clientId: session.clientId,
    qos: subscription.qos,
    isConnected: session.isConnected,
    isReady: session.isReady,
    queued: session.queuedCount,
    inflight: session.inflightCount,
  }));
  const next = group.foresee(() => group.next());
  return { shareName, topicFilter, memberCount, members, next: next?.session.clientId ?? null };
}
