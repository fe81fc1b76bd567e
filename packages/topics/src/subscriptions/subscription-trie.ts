import { invariant } from '../invariant.ts';
import { type LevelNode, LevelTree } from '../levels/level-tree.ts';
import { levelEnd, matchLevels, sameLevelLength } from '../levels/levels.ts';
import { TextMap } from '../text-map.ts';
import {
  hasWildcard,
  isHiddenFromWildcards,
  matchesPlainFilter,
  parseSharedFilter,
} from '../topic-filter.ts';
import { MatchedRecipient, mergeRecipient, type Recipient } from './recipient.ts';
import { RecipientList } from './recipient-list.ts';
import { SharedGroup, type SharedSubscriber } from './shared-group.ts';
import { deliversAlike, type Subscription } from './subscription.ts';

/** How many changes are remembered, to tell the routes that they do not concern; a power of two. */
const CHANGES_KEPT = 1024;
/** Changes of longer filters are taken to concern every topic, which bounds what is remembered. */
const CHANGE_LENGTH_MAX = 256;
/** A route is compared with this many changes, and one more for each recipient, before it is matched again. */
const CHANGES_COMPARED = 8;

/** How subscriptions of one session that match the same topic are delivered (§3.3.4). */
export type Overlapping = 'merge' | 'each';

export interface SubscriptionTrieOptions {
  /**
   * `merge` (the default): one delivery with the highest QoS and all identifiers.
   * `each`: one delivery for each subscription.
   */
  readonly overlapping?: Overlapping;
}

/** Who receives the messages of a topic. The arrays may be shared with other results. */
export interface TrieMatch<S extends SharedSubscriber> {
  readonly recipients: readonly Recipient<S>[];
  readonly groups: readonly SharedGroup<S>[];
  /** True when `recipients` is an array that other results have, too. */
  readonly isShared: boolean;
}

/** The subscriptions with one filter, when there are several or shared ones. */
class FilterSubscribers<S extends SharedSubscriber> {
  readonly list: RecipientList<S>;
  readonly groups: SharedGroup<S>[];
  /** A copy of the list that results share, made when needed; null after a change. */
  snapshot: readonly MatchedRecipient<S>[] | null;

  constructor() {
    this.list = new RecipientList();
    this.groups = [];
    this.snapshot = null;
  }
}

/** A single non-shared subscription is kept as its recipient alone. */
type FilterEntry<S extends SharedSubscriber> = MatchedRecipient<S> | FilterSubscribers<S>;

/**
 * All subscriptions of a broker, by filter. Filters without wildcards are found by the topic itself;
 * the others are a tree of levels, of which a match visits each node at most once and only those
 * whose levels match the topic so far. Nothing is left of filters that nobody
 * subscribes to any more.
 *
 * Invariants: a filter is there while somebody subscribes to it, and a group while it has members, once and with its filter;
 * the copies that results share are the same as the lists; `subscriptionCount` is what there is.
 */
export class SubscriptionTrie<S extends SharedSubscriber> {
  /** Grows with every change that can alter the result of a match. */
  generation: number;
  /** Grows with each node that a match visits, and each subscription that it finds; whoever counts work resets it. */
  visitedNodes: number;
  #isMerging: boolean;
  readonly #exact: Map<string, FilterEntry<S>>;
  readonly #wildcards: LevelTree<FilterEntry<S>>;
  /** By the whole filter, `$share/NAME/` included. */
  readonly #groups: Map<string, SharedGroup<S>>;
  /** The filter of each of the last changes, by generation; null stands for every topic. */
  readonly #changes: (string | null)[];
  #subscriptionCount: number;

  constructor(options: SubscriptionTrieOptions = {}) {
    this.generation = 0;
    this.visitedNodes = 0;
    this.#isMerging = options.overlapping !== 'each';
    this.#exact = new TextMap();
    this.#wildcards = new LevelTree();
    this.#groups = new TextMap();
    this.#changes = [];
    this.#subscriptionCount = 0;
  }

  /** Subscriptions, shared ones included; a session counts once for each filter. */
  get subscriptionCount(): number {
    return this.#subscriptionCount;
  }

  /** Distinct filters, without `$share/NAME/`. */
  get filterCount(): number {
    return this.#exact.size + this.#wildcards.size;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** The shared group of a whole filter, `$share/NAME/FILTER`; null when it has no members. */
  group(wholeFilter: string): SharedGroup<S> | null {
    return this.#groups.get(wholeFilter) ?? null;
  }

  /** All shared groups, also while some come and go. */
  groups(): Iterator<SharedGroup<S>> {
    return this.#groups.values();
  }

  /** Whether anybody subscribes to exactly this filter, given without `$share/NAME/`. */
  hasFilter(filter: string): boolean {
    return this.#entryOf(filter) !== null;
  }

  /**
   * Distinct filters, without `$share/NAME/`, for who goes through them a part at a time. Subscriptions may come and go in between: then
   * filters that others have come or gone beside may be left out, or be there twice.
   */
  *filters(): Generator<string> {
    yield* this.#exact.keys();
    for (const filter of this.#wildcards.keysLoosely()) if (this.hasFilter(filter)) yield filter;
  }

  /** The Subscription that a session has with exactly this filter; null when it has none. */
  subscriptionOf(session: S, topicFilter: string): Subscription | null {
    const group = this.#groups.get(topicFilter);
    if (group !== undefined) return group.find(session)?.subscription ?? null;
    const entry = this.#entryOf(topicFilter);
    return entry === null ? null : (findRecipient(entry, session)?.subscription ?? null);
  }

  /** Nodes of the wildcard tree: fewer than two for each filter with a wildcard. */
  get nodeCount(): number {
    return this.#wildcards.nodeCount;
  }

  /**
   * Adds a Subscription or replaces the one that the session has with the same filter (§3.8.4)
   * [MQTT-3.8.4-3].
   *
   * @param subscription - kept; its filter must be valid, and `$share/NAME/FILTER` joins a group
   * @returns the Subscription that was replaced, null when it is new
   */
  subscribe(session: S, subscription: Subscription): Subscription | null {
    const shared = parseSharedFilter(subscription.topicFilter);
    return shared === null
      ? this.#subscribePlain(session, subscription)
      : this.#subscribeShared(session, subscription, shared.shareName, shared.topicFilter);
  }

  /**
   * Removes the session's Subscription with exactly this filter (§3.10.4) [MQTT-3.10.4-1].
   *
   * @returns false when there is none
   */
  unsubscribe(session: S, topicFilter: string): boolean {
    const shared = parseSharedFilter(topicFilter);
    const isRemoved =
      shared === null
        ? this.#unsubscribePlain(session, topicFilter)
        : this.#unsubscribeShared(session, topicFilter, shared.topicFilter);
    if (isRemoved) {
      this.#subscriptionCount--;
    }
    return isRemoved;
  }

  /** Finds who receives the messages of a topic (§4.7) [MQTT-4.7.3-4]. */
  match(topic: string): TrieMatch<S> {
    const entries: FilterEntry<S>[] = [];
    const exact = this.#exact.get(topic);
    if (exact !== undefined) {
      entries.push(exact);
    }
    if (this.#wildcards.size > 0) {
      this.visitedNodes += collectWildcards(this.#wildcards.root, topic, entries);
    }
    const match = gather(entries, this.#isMerging);
    if (!match.isShared) this.visitedNodes += match.recipients.length;
    return match;
  }

  /**
   * Tells whether a result of `match` may be outdated. It may say so of one that is not, where to
   * find out would cost more than to match again.
   *
   * @param generation - the trie's generation when the topic was matched
   * @param recipientCount - how many the result has, which tells what it costs to match again
   */
  isOutdated(topic: string, generation: number, recipientCount: number): boolean {
    const changeCount = this.generation - generation;
    if (changeCount > CHANGES_KEPT || changeCount > CHANGES_COMPARED + recipientCount) {
      return true;
    }
    for (let change = generation + 1; change <= this.generation; change++) {
      const filter = this.#changes[change % CHANGES_KEPT] ?? null;
      if (filter === null || matchesPlainFilter(filter, topic)) {
        return true;
      }
    }
    return false;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#wildcards.checkInvariants();
    let subscriptionCount = 0;
    const groups = new Set<SharedGroup<S>>();
    for (const [filter, entry] of this.#exact) {
      invariant(!hasWildcard(filter), `${filter} is not in the tree`);
      subscriptionCount += checkEntry(filter, entry, groups);
    }
    for (const [filter, entry] of this.#wildcards.entries()) {
      invariant(hasWildcard(filter), `${filter} is in the tree`);
      subscriptionCount += checkEntry(filter, entry, groups);
    }
    for (const [wholeFilter, group] of this.#groups) {
      invariant(groups.delete(group), `nothing is matched with ${wholeFilter}`);
      invariant(group.wholeFilter === wholeFilter, `${wholeFilter} is ${group.wholeFilter}`);
      invariant(group.memberCount > 0, `${wholeFilter} has no member`);
      group.checkInvariants();
      subscriptionCount += group.memberCount;
    }
    invariant(groups.size === 0, `${groups.size} groups of unknown name`);
    const counted = this.#subscriptionCount;
    invariant(subscriptionCount === counted, `${counted} counted of ${subscriptionCount}`);
  }

  #subscribePlain(session: S, subscription: Subscription): Subscription | null {
    const filter = subscription.topicFilter;
    const entry = this.#entryOf(filter);
    const current = entry === null ? null : findRecipient(entry, session);
    const previous = current?.subscription ?? null;
    if (current !== null && previous !== null && deliversAlike(previous, subscription)) {
      current.subscription = subscription;
      return previous;
    }
    const recipient = new MatchedRecipient(session, subscription);
    if (entry === null || entry === current) {
      this.#setEntry(filter, recipient);
    } else {
      const subscribers = this.#subscribersOf(filter, entry);
      subscribers.list.put(recipient);
      subscribers.snapshot = null;
    }
    if (previous === null) {
      this.#subscriptionCount++;
    }
    this.#noteChange(filter);
    return previous;
  }

  /** A member that comes or goes changes no route: routes refer to the group. */
  #subscribeShared(
    session: S,
    subscription: Subscription,
    shareName: string,
    filter: string,
  ): Subscription | null {
    let group = this.#groups.get(subscription.topicFilter);
    if (group === undefined) {
      group = new SharedGroup<S>(shareName, filter);
      this.#groups.set(subscription.topicFilter, group);
      this.#subscribersOf(filter, this.#entryOf(filter)).groups.push(group);
      this.#noteChange(filter);
    }
    const previous = group.find(session)?.subscription ?? null;
    group.put(new MatchedRecipient(session, subscription));
    if (previous === null) {
      this.#subscriptionCount++;
    }
    return previous;
  }

  #unsubscribePlain(session: S, filter: string): boolean {
    const entry = this.#entryOf(filter);
    if (entry === null) {
      return false;
    }
    if (entry instanceof MatchedRecipient) {
      if (entry.session !== session) {
        return false;
      }
      this.#deleteEntry(filter);
    } else {
      if (!entry.list.remove(session)) {
        return false;
      }
      entry.snapshot = null;
      this.#deleteIfEmpty(filter, entry);
    }
    this.#noteChange(filter);
    return true;
  }

  #unsubscribeShared(session: S, topicFilter: string, filter: string): boolean {
    const group = this.#groups.get(topicFilter);
    if (group === undefined || !group.remove(session)) {
      return false;
    }
    if (group.memberCount === 0) {
      const entry = this.#entryOf(filter) as FilterSubscribers<S>;
      this.#groups.delete(topicFilter);
      entry.groups.splice(entry.groups.indexOf(group), 1);
      this.#deleteIfEmpty(filter, entry);
      this.#noteChange(filter);
    }
    return true;
  }

  #entryOf(filter: string): FilterEntry<S> | null {
    return hasWildcard(filter) ? this.#wildcards.get(filter) : (this.#exact.get(filter) ?? null);
  }

  #setEntry(filter: string, entry: FilterEntry<S>): void {
    if (hasWildcard(filter)) {
      this.#wildcards.set(filter, entry);
    } else {
      this.#exact.set(filter, entry);
    }
  }

  #deleteEntry(filter: string): void {
    if (hasWildcard(filter)) {
      this.#wildcards.delete(filter);
    } else {
      this.#exact.delete(filter);
    }
  }

  #deleteIfEmpty(filter: string, entry: FilterSubscribers<S>): void {
    if (entry.list.items.length === 0 && entry.groups.length === 0) {
      this.#deleteEntry(filter);
    }
  }

  /** The entry in its long form. */
  #subscribersOf(filter: string, entry: FilterEntry<S> | null): FilterSubscribers<S> {
    if (entry instanceof FilterSubscribers) {
      return entry;
    }
    const subscribers = new FilterSubscribers<S>();
    if (entry !== null) {
      subscribers.list.put(entry);
    }
    this.#setEntry(filter, subscribers);
    return subscribers;
  }

  /** Changes what becomes of overlapping subscriptions, for messages from now on. */
  setOverlapping(overlapping: Overlapping): void {
    const isMerging = overlapping !== 'each';
    if (isMerging === this.#isMerging) return;
    this.#isMerging = isMerging;
    this.#noteChange(null);
  }

  /** @param filter - null stands for every topic */
  #noteChange(filter: string | null): void {
    this.generation++;
    this.#changes[this.generation % CHANGES_KEPT] =
      filter === null || filter.length > CHANGE_LENGTH_MAX ? null : filter;
  }
}

function findRecipient<S extends SharedSubscriber>(
  entry: FilterEntry<S>,
  session: S,
): MatchedRecipient<S> | null {
  if (entry instanceof MatchedRecipient) {
    return entry.session === session ? entry : null;
  }
  return entry.list.items[entry.list.positionOf(session)] ?? null;
}

/** Checks what is kept of a filter, and returns how many subscriptions these are, without those of groups. */
function checkEntry<S extends SharedSubscriber>(
  filter: string,
  entry: FilterEntry<S>,
  groups: Set<SharedGroup<S>>,
): number {
  if (entry instanceof MatchedRecipient) {
    invariant(entry.subscription?.topicFilter === filter, `${filter} has another's subscription`);
    return 1;
  }
  const { list, snapshot } = entry;
  invariant(list.items.length + entry.groups.length > 0, `nobody subscribes to ${filter}`);
  list.checkInvariants();
  for (const { subscription } of list.items) {
    invariant(subscription?.topicFilter === filter, `${filter} has another's subscription`);
  }
  const isSame = snapshot?.every((recipient, index) => recipient === list.items[index]) ?? true;
  invariant(isSame && (snapshot ?? list.items).length === list.items.length, `copy of ${filter}`);
  for (const group of entry.groups) {
    invariant(group.topicFilter === filter && !groups.has(group), `group of ${filter}`);
    groups.add(group);
  }
  return list.items.length;
}

/** Adds the entries of all filters in the tree that match the topic; returns how many nodes it has visited. */
function collectWildcards<S extends SharedSubscriber>(
  root: LevelNode<FilterEntry<S>>,
  topic: string,
  entries: FilterEntry<S>[],
): number {
  const nodes: LevelNode<FilterEntry<S>>[] = []; // where `+` branched off, to be visited yet
  const offsets: number[] = [];
  const isHidden = isHiddenFromWildcards(topic);
  let node: LevelNode<FilterEntry<S>> | null = root;
  let offset = 0; // of the topic's level below `node`
  let visited = 0;
  while (node !== null) {
    visited++;
    const isEnd = offset > topic.length;
    if (isEnd && node.value !== null) entries.push(node.value);
    // [MQTT-4.7.2-1]
    if (node !== root || !isHidden) {
      collectHash(node, entries);
      if (!isEnd) branchOff(node.plus, topic, offset, nodes, offsets);
    }
    node = isEnd ? null : literalChild(node, topic, offset);
    offset = node === null ? -1 : matchLevels(node.path, topic, offset);
    if (offset === -1) {
      node = nodes.pop() ?? null;
      offset = offsets.pop() ?? -1;
    }
  }
  return visited;
}

/** `#` matches whatever follows, nothing included (§4.7.1.2). */
function collectHash<S extends SharedSubscriber>(
  { hash }: LevelNode<FilterEntry<S>>,
  entries: FilterEntry<S>[],
): void {
  if (hash !== null && hash.value !== null) entries.push(hash.value);
}

/** Notes a `+` child for later when its levels match. */
function branchOff<V>(
  plus: LevelNode<V> | null,
  topic: string,
  offset: number,
  nodes: LevelNode<V>[],
  offsets: number[],
): void {
  if (plus === null) return;
  const next = matchLevels(plus.path, topic, offset);
  if (next === -1) return;
  nodes.push(plus);
  offsets.push(next);
}

/** The child whose first level is the topic's at the offset. */
function literalChild<V>(node: LevelNode<V>, topic: string, offset: number): LevelNode<V> | null {
  const { literals } = node;
  if (literals instanceof Map) {
    return literals.get(topic.substring(offset, levelEnd(topic, offset))) ?? null;
  }
  let child = literals;
  while (child !== null && sameLevelLength(child.path, 0, topic, offset) === -1) {
    child = child.next;
  }
  return child;
}

/** Puts the subscribers of all matching filters together. */
function gather<S extends SharedSubscriber>(
  entries: readonly FilterEntry<S>[],
  isMerging: boolean,
): TrieMatch<S> {
  const [first] = entries;
  if (entries.length === 1 && first instanceof FilterSubscribers) {
    // One filter names each session once: there is nothing to merge, and the result can be shared.
    first.snapshot ??= first.list.items.slice();
    return { recipients: first.snapshot, groups: first.groups.slice(), isShared: true };
  }
  const recipients: MatchedRecipient<S>[] = [];
  const groups: SharedGroup<S>[] = [];
  const positions = new Map<S, number>();
  for (const entry of entries) {
    if (entry instanceof MatchedRecipient) {
      addRecipient(recipients, positions, entry, isMerging);
    } else {
      for (const recipient of entry.list.items) {
        addRecipient(recipients, positions, recipient, isMerging);
      }
      for (const group of entry.groups) {
        groups.push(group);
      }
    }
  }
  return { recipients, groups, isShared: false };
}

function addRecipient<S extends SharedSubscriber>(
  recipients: MatchedRecipient<S>[],
  positions: Map<S, number>,
  recipient: MatchedRecipient<S>,
  isMerging: boolean,
): void {
  const position = isMerging ? positions.get(recipient.session) : undefined;
  if (position === undefined) {
    positions.set(recipient.session, recipients.length);
    recipients.push(recipient);
  } else {
    recipients[position] = mergeRecipient(recipients[position] as MatchedRecipient<S>, recipient);
  }
}
