import {
  invariant,
  parseSharedFilter,
  type Subscription,
  SubscriptionTrie,
  TextMap,
} from '@promptmq/topics';
import type { FilterInterest, InterestChange, InterestVersion } from './interest-frames.ts';
import { type MemberCounts, RemoteGroup, type RemoteTarget } from './remote-group.ts';

/** Topics whose routes are kept, and how many bytes these take at most, by estimate. */
const ROUTES_MAX = 65_536;
const ROUTES_BYTES_MAX = 16 * 1024 * 1024;
const ROUTE_BYTES = 300;
const BYTES_PER_CHARACTER = 3;

/** Who in other cells gets the messages of a topic. */
export interface RemoteRoute<P> {
  /** Of the ordinary subscribers, one a cell. */
  readonly targets: readonly RemoteTarget<P>[];
  readonly groups: readonly RemoteGroup<P>[];
}

/** The ordinary subscribers of another cell, and what it has said of them and of its groups. */
class RemoteCell<P> {
  readonly kind = 'cell';
  readonly isConnected = false;
  readonly isReady = false;
  readonly cell: number;
  readonly peer: P;
  epoch: number;
  version: number;
  /** Whether all that it has has been said, since its last RESET. */
  isWhole: boolean;
  /** Whether that has been so since this process began. */
  wasWhole: boolean;
  /** Grows with each RESET: what has not been said since is no more when it is whole. */
  round: number;
  readonly filters: Map<string, AnnouncedFilter>;

  constructor(cell: number, peer: P) {
    this.cell = cell;
    this.peer = peer;
    this.epoch = -1;
    this.version = -1;
    this.isWhole = false;
    this.wasWhole = false;
    this.round = 0;
    this.filters = new TextMap();
  }
}

/** One filter of another cell. That of ordinary subscribers is their subscription in the trie. */
class AnnouncedFilter implements Subscription {
  readonly topicFilter: string;
  readonly qos: 0 | 1 | 2;
  round: number;

  constructor(topicFilter: string, qos: 0 | 1 | 2, round: number) {
    this.topicFilter = topicFilter;
    this.qos = qos;
    this.round = round;
  }

  // The cell itself decides these, for each of its subscriptions.
  get noLocal(): boolean {
    return false;
  }
  get retainAsPublished(): boolean {
    return false;
  }
  get retainHandling(): 2 {
    return 2;
  }
  get subscriptionIdentifier(): number {
    return 0;
  }
}

type Remote<P> = RemoteCell<P> | RemoteGroup<P>;

interface CachedRoute<P> {
  generation: number;
  recipientCount: number;
  route: RemoteRoute<P> | null;
}

/**
 * What the clients of other cells have subscribed to, as these have said. A link that breaks changes nothing: what a cell had
 * holds until it says, by all that it has, what holds now. So nobody misses a message because a process was away.
 *
 * Invariants: what is known of a cell's filters is in the trie, and nothing else; a group has the cells that have said so.
 */
export class InterestTable<P> {
  readonly #trie: SubscriptionTrie<Remote<P>>;
  readonly #cells: Map<number, RemoteCell<P>>;
  readonly #groups: Map<string, RemoteGroup<P>>;
  readonly #peerOf: (cell: number) => P;
  readonly #countsHere: (wholeFilter: string) => MemberCounts;
  /** Cells that there are, and that have not said all that they have: each may want any message. */
  readonly #unknown: Set<number>;
  readonly #routes: Map<string, CachedRoute<P>>;
  #routesBytes: number;

  /**
   * @param peerOf - what stands for another cell in routes; asked once for each
   * @param countsHere - how many members this process has of a shared group itself
   */
  constructor(peerOf: (cell: number) => P, countsHere: (wholeFilter: string) => MemberCounts) {
    this.#trie = new SubscriptionTrie();
    this.#cells = new Map();
    this.#groups = new TextMap();
    this.#peerOf = peerOf;
    this.#countsHere = countsHere;
    this.#unknown = new Set();
    this.#routes = new TextMap();
    this.#routesBytes = 0;
  }

  /**
   * There is another cell. Until it has said once all that it has, its ordinary subscribers are sent every message: what they
   * don't want they are not given there. Of its shared groups nothing is known before it says so.
   */
  expect(cell: number): void {
    if (this.#cellOf(cell).wasWhole) return;
    this.#unknown.add(cell);
    this.#forgetAll();
  }

  // ------------------------------------------------------------------ what there is

  /** Filters that a cell's clients have subscribed to, shared ones by their whole name; 0 where nothing is known of it. */
  filterCountOf(cell: number): number {
    return this.#cells.get(cell)?.filters.size ?? 0;
  }

  /** Whether all that the cells have has been said once, so that no message can miss their clients. */
  hasAllOf(cells: Iterable<number>): boolean {
    for (const cell of cells) if (this.#cells.get(cell)?.wasWhole !== true) return false;
    return true;
  }

  /** Who in other cells gets the messages of a topic; null when nobody does. */
  /** A shared group, by its whole filter; null when it has no members in other cells. */
  groupOf(wholeFilter: string): RemoteGroup<P> | null {
    return this.#groups.get(wholeFilter) ?? null;
  }

  routeOf({ topic }: { readonly topic: string }): RemoteRoute<P> | null {
    const known = this.#routes.get(topic);
    if (known === undefined) return this.#add(topic);
    const { generation } = this.#trie;
    if (known.generation !== generation) {
      if (this.#trie.isOutdated(topic, known.generation, known.recipientCount)) {
        this.#forget(topic);
        return this.#add(topic);
      }
      known.generation = generation;
    }
    return known.route;
  }

  /** How many nodes of the trie were visited to find routes since this was asked last: what that counts in a turn. */
  takeVisitedNodes(): number {
    const { visitedNodes } = this.#trie;
    this.#trie.visitedNodes = 0;
    return visitedNodes;
  }

  // ------------------------------------------------------------- what the others say

  /** All that a cell has follows. What was said before holds until it is whole; what an earlier owner says is passed over. */
  onReset({ cell, epoch }: Omit<InterestVersion, 'version'>): void {
    const known = this.#cellOf(cell);
    if (epoch < known.epoch) return;
    known.epoch = epoch;
    known.isWhole = false;
    known.round++;
  }

  /**
   * Some of a cell's filters have changed.
   *
   * @returns the version up to which messages are routed by what was said; null when that isn't to be acknowledged: not all has been said, or
   * it came of an earlier owner
   */
  onChange({ cell, epoch, version, filters }: InterestChange): InterestVersion | null {
    const known = this.#cellOf(cell);
    if (epoch !== known.epoch) return null;
    for (const one of filters) this.#change(known, one);
    known.version = version;
    return known.isWhole ? { cell, epoch, version } : null;
  }

  /** All that a cell has has been said: what it has not named is no more. Returns as `onChange` does. */
  onSync({ cell, epoch, version }: InterestVersion): InterestVersion | null {
    const known = this.#cellOf(cell);
    if (epoch !== known.epoch) return null;
    for (const [filter, { round }] of known.filters) {
      if (round !== known.round) this.#remove(known, filter);
    }
    known.isWhole = true;
    known.wasWhole = true;
    known.version = version;
    if (this.#unknown.delete(cell)) this.#forgetAll();
    return { cell, epoch, version };
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#trie.checkInvariants();
    let count = 0;
    for (const known of this.#cells.values()) {
      for (const [filter, one] of known.filters) {
        const shared = parseSharedFilter(filter);
        if (shared !== null) {
          invariant(this.#groups.has(filter), `${filter} of cell ${known.cell} is not in a group`);
          continue;
        }
        count++;
        const found = this.#trie.subscriptionOf(known, filter);
        invariant(found === one, `${filter} of cell ${known.cell} is not in the trie`);
      }
    }
    for (const [wholeFilter, group] of this.#groups) {
      invariant(!group.isEmpty, `${wholeFilter} has members nowhere`);
      count++;
    }
    invariant(this.#trie.subscriptionCount === count, `${count} filters in the trie`);
    invariant(this.#routes.size <= ROUTES_MAX, `${this.#routes.size} routes`);
    invariant(this.#routesBytes <= ROUTES_BYTES_MAX, `${this.#routesBytes} bytes of routes`);
  }

  #cellOf(cell: number): RemoteCell<P> {
    let known = this.#cells.get(cell);
    if (known === undefined) {
      known = new RemoteCell(cell, this.#peerOf(cell));
      this.#cells.set(cell, known);
    }
    return known;
  }

  #change(known: RemoteCell<P>, one: FilterInterest): void {
    const { filter, qos } = one;
    if (qos === -1) {
      if (known.filters.has(filter)) this.#remove(known, filter);
      return;
    }
    const former = known.filters.get(filter);
    const shared = one.isShared ? parseSharedFilter(filter) : null;
    if (shared !== null)
      this.#groupFor(filter, shared.topicFilter).set(known.cell, known.peer, qos, one);
    if (former !== undefined && former.qos === qos) {
      former.round = known.round;
      return;
    }
    const announced = new AnnouncedFilter(filter, qos, known.round);
    known.filters.set(filter, announced);
    if (shared === null) this.#trie.subscribe(known, announced);
  }

  #remove(known: RemoteCell<P>, filter: string): void {
    known.filters.delete(filter);
    const group = this.#groups.get(filter);
    if (group === undefined) {
      this.#trie.unsubscribe(known, filter);
      return;
    }
    group.delete(known.cell);
    if (!group.isEmpty) return;
    this.#groups.delete(filter);
    this.#trie.unsubscribe(group, parseSharedFilter(filter)?.topicFilter ?? filter);
  }

  #groupFor(wholeFilter: string, topicFilter: string): RemoteGroup<P> {
    let group = this.#groups.get(wholeFilter);
    if (group === undefined) {
      group = new RemoteGroup(wholeFilter, this.#countsHere);
      this.#groups.set(wholeFilter, group);
      this.#trie.subscribe(group, new AnnouncedFilter(topicFilter, 0, 0));
    }
    return group;
  }

  // ------------------------------------------------------------------------ routes

  #add(topic: string): RemoteRoute<P> | null {
    const { recipients } = this.#trie.match(topic);
    const targets: RemoteTarget<P>[] = [];
    const groups: RemoteGroup<P>[] = [];
    for (const { session, qos } of recipients) {
      if (session.kind === 'group') groups.push(session);
      else if (!this.#unknown.has(session.cell)) {
        targets.push({ peer: session.peer, group: null, qos });
      }
    }
    for (const cell of this.#unknown) {
      targets.push({ peer: this.#cellOf(cell).peer, group: null, qos: 2 });
    }
    const route = targets.length + groups.length === 0 ? null : { targets, groups };
    const { generation } = this.#trie;
    this.#routes.set(topic, { generation, recipientCount: recipients.length, route });
    this.#routesBytes += routeSize(topic);
    for (const [first] of this.#routes) {
      if (this.#routes.size <= ROUTES_MAX && this.#routesBytes <= ROUTES_BYTES_MAX) break;
      this.#forget(first);
    }
    return route;
  }

  #forgetAll(): void {
    this.#routes.clear();
    this.#routesBytes = 0;
  }

  #forget(topic: string): void {
    this.#routes.delete(topic);
    this.#routesBytes -= routeSize(topic);
  }
}

function routeSize(topic: string): number {
  return ROUTE_BYTES + topic.length * BYTES_PER_CHARACTER;
}
