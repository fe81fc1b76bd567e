import type { MemoryAccount } from '@promptmq/session';
import { invariant, type Subscription, type SubscriptionTrie, TextMap } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { BrokerSession } from './broker-session.ts';

/** What a subscription occupies beside its filter; with a shared group of its own. */
const SUBSCRIPTION_BYTES = 600;
const SHARED_BYTES = 1100;

/** Who says to other cells what the clients of this one have subscribed to, so that messages come from there, too. */
export interface Announcements {
  /**
   * A session has subscribed.
   *
   * @param former - what it had with the same filter; undefined when there was none
   */
  add(subscription: Subscription, former: Subscription | undefined): void;
  /** A session doesn't subscribe to it any more. */
  remove(subscription: Subscription): void;
  /** A member of a shared group has connected, or isn't connected any more; given by its whole filter. */
  onPresence(wholeFilter: string): void;
  /** Whether messages that match a filter come from all other cells. */
  isRouted(topicFilter: string): boolean;
  /**
   * Calls back when messages come from all other cells by what has been announced by now.
   *
   * @param onDone - with false when another cell has not said so in time; may be called before this returns
   */
  whenRouted(onDone: (isRouted: boolean) => void): void;
}

/** What the subscriptions of a session need of the house. */
export interface SubscriptionsHost {
  readonly config: Config;
  readonly stats: Pick<BrokerStats, 'subscriptionsCurrent'>;
  readonly memory: { readonly subscriptions: MemoryAccount };
  readonly router: { readonly trie: SubscriptionTrie<BrokerSession> };
  /** Looks for the retained messages that new subscriptions are owed. */
  readonly retainedReplays: {
    cancel(session: BrokerSession, topicFilter: string): void;
  };
  /** Null where there are no other cells. */
  readonly announcements: Announcements | null;
}

/**
 * The subscriptions of one session, by whole topic filter (§4.1).
 *
 * Invariant: each is in the broker's trie, too, and is counted in its memory.
 */
export class Subscriptions {
  readonly #host: SubscriptionsHost;
  readonly #session: BrokerSession;
  readonly #byFilter: Map<string, Subscription>;
  /** What they count in the broker's memory. */
  #bytes: number;

  constructor(host: SubscriptionsHost, session: BrokerSession) {
    this.#host = host;
    this.#session = session;
    this.#byFilter = new TextMap();
    this.#bytes = 0;
  }

  /** What they count in the broker's memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#byFilter.size;
  }

  has(topicFilter: string): boolean {
    return this.#byFilter.has(topicFilter);
  }

  get(topicFilter: string): Subscription | undefined {
    return this.#byFilter.get(topicFilter);
  }

  /** In the order in which the filters were first subscribed to. */
  filters(): Iterable<string> {
    return this.#byFilter.keys();
  }

  /** In the same order. */
  values(): Iterable<Subscription> {
    return this.#byFilter.values();
  }

  /** Whether there is room for one with this filter; that there is none is counted. */
  hasRoomFor(topicFilter: string): boolean {
    if (this.#byFilter.has(topicFilter)) return true;
    const { config, memory } = this.#host;
    const hasRoom =
      this.#byFilter.size < config.mqtt.maxSubscriptions &&
      memory.subscriptions.hasRoomFor(this.#bytes, subscriptionSize(topicFilter));
    if (!hasRoom) memory.subscriptions.refusals++;
    return hasRoom;
  }

  /** Adds one, or replaces that of the same filter [MQTT-3.8.4-3]. */
  add(subscription: Subscription): void {
    const { topicFilter } = subscription;
    const former = this.#byFilter.get(topicFilter);
    if (former === undefined) this.#count(subscriptionSize(topicFilter));
    this.#byFilter.set(topicFilter, subscription);
    this.#host.router.trie.subscribe(this.#session, subscription);
    this.#host.announcements?.add(subscription, former);
    this.#report();
  }

  /** @returns whether there was one */
  remove(topicFilter: string): boolean {
    const subscription = this.#byFilter.get(topicFilter);
    if (subscription === undefined) return false; // [MQTT-3.10.4-1]
    const { router, retainedReplays, announcements } = this.#host;
    this.#byFilter.delete(topicFilter);
    this.#count(-subscriptionSize(topicFilter));
    router.trie.unsubscribe(this.#session, topicFilter);
    announcements?.remove(subscription);
    retainedReplays.cancel(this.#session, topicFilter);
    this.#report();
    return true;
  }

  /** The session's connection has come or gone: other cells choose members of shared groups by that. */
  onPresence(): void {
    const { announcements } = this.#host;
    if (announcements === null) return;
    for (const topicFilter of this.#byFilter.keys()) {
      if (topicFilter.startsWith('$share/')) announcements.onPresence(topicFilter);
    }
  }

  /** The session is over. */
  clear(): void {
    const { router, announcements } = this.#host;
    for (const [topicFilter, subscription] of this.#byFilter) {
      router.trie.unsubscribe(this.#session, topicFilter);
      announcements?.remove(subscription);
    }
    this.#byFilter.clear();
    this.#count(-this.#bytes);
    this.#report();
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { trie } = this.#host.router;
    let bytes = 0;
    for (const [topicFilter, subscription] of this.#byFilter) {
      bytes += subscriptionSize(topicFilter);
      const found = trie.subscriptionOf(this.#session, topicFilter);
      invariant(found === subscription, `${topicFilter} of ${this.#session.clientId}`);
    }
    invariant(bytes === this.#bytes, `${this.#bytes} bytes counted of ${bytes}`);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#host.memory.subscriptions.bytes += bytes;
  }

  #report(): void {
    this.#host.stats.subscriptionsCurrent = this.#host.router.trie.subscriptionCount;
  }
}

/** What a subscription occupies: an estimate that holds for deep filters, too. */
export function subscriptionSize(topicFilter: string): number {
  const overhead = topicFilter.startsWith('$share/') ? SHARED_BYTES : SUBSCRIPTION_BYTES;
  return overhead + 2 * topicFilter.length;
}
