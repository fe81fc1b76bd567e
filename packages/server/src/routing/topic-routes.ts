import { decodeTopicName, PacketError, type PublishView, ReasonCode } from '@promptmq/codec';
import { type Route, type SubscriptionTrie, TopicCache, type TrieMatch } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import { type Turns, UnitsFor } from '../runtime/turns.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';

/** How long and how deep topic names and filters may be. */
type TopicLimits = Pick<Config['mqtt'], 'maxTopicLen' | 'maxTopicLevels'>;

/**
 * Finds who gets the messages of a topic, by its name or by the alias that stands for it. What the search takes counts in the
 * budget of the turn.
 */
export class TopicRoutes {
  readonly #trie: SubscriptionTrie<BrokerSession>;
  readonly #cache: TopicCache<BrokerSession>;
  readonly #turns: Turns;

  /** @param config - read whenever a topic comes that isn't known yet */
  constructor(
    trie: SubscriptionTrie<BrokerSession>,
    config: Config,
    memory: MemoryLedger,
    turns: Turns,
  ) {
    this.#trie = trie;
    this.#turns = turns;
    this.#cache = new TopicCache(
      trie,
      (buffer, start, end) => decodeTopic(buffer, start, end, config.mqtt),
      { memory: memory.topics },
    );
  }

  /**
   * The route of a packet's topic. An alias that comes with a name is set from then on, whatever becomes of the message
   * (§3.3.2.3.4).
   *
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  ofPacket(view: PublishView, publisher: Peer): Route<BrokerSession> {
    const route =
      view.topicAlias === 0 && publisher.mountPoint === null
        ? this.#cache.lookup(view.buffer, view.topicStart, view.topicEnd)
        : this.#byOtherName(view, publisher);
    if (this.#trie.visitedNodes > 0) this.#countVisited();
    return route;
  }

  /** Topics to which something was published of late, as far as they are known. Nothing may change meanwhile. */
  recentTopics(): Generator<string> {
    return this.#cache.topics();
  }

  /**
   * The route of a topic name in `buffer[start, end)`, whole and without an alias.
   *
   * @throws {PacketError} when it isn't valid
   */
  ofBytes(buffer: Uint8Array, start: number, end: number): Route<BrokerSession> {
    const route = this.#cache.lookup(buffer, start, end);
    this.#countVisited();
    return route;
  }

  /** The route of a topic name that is valid. */
  ofTopic(topic: string): Route<BrokerSession> {
    const route = this.#cache.lookupTopic(topic);
    this.#countVisited();
    return route;
  }

  /** Who gets a message of a topic that is seldom published to: it doesn't take the place of others that are remembered. */
  matchOf(topic: string): TrieMatch<BrokerSession> {
    const match = this.#trie.match(topic);
    this.#countVisited();
    return match;
  }

  #countVisited(): void {
    this.#turns.used += this.#trie.visitedNodes >> UnitsFor.nodesShift;
    this.#trie.visitedNodes = 0;
  }

  /** Apart, so that V8 makes one function of all that an ordinary packet needs. */
  #byOtherName(view: PublishView, publisher: Peer): Route<BrokerSession> {
    return view.topicAlias === 0 ? this.#byName(view, publisher) : this.#byAlias(view, publisher);
  }

  #byName(
    { buffer, topicStart, topicEnd }: PublishView,
    { mountPoint }: Peer,
  ): Route<BrokerSession> {
    if (mountPoint === null || topicStart === topicEnd) {
      return this.#cache.lookup(buffer, topicStart, topicEnd);
    }
    const whole = mountPoint.wholeBytes(buffer, topicStart, topicEnd);
    return this.#cache.lookup(whole, 0, whole.length);
  }

  #byAlias(view: PublishView, publisher: Peer): Route<BrokerSession> {
    const { topicAlias } = view;
    const aliases = publisher.inboundAliases;
    if (!aliases.isValid(topicAlias)) {
      throw new PacketError(
        ReasonCode.TopicAliasInvalid,
        'MQTT-3.3.2-9',
        0,
        'topic alias too large',
      );
    }
    if (view.topicEnd > view.topicStart) {
      const route = this.#byName(view, publisher);
      aliases.set(topicAlias, route.topicBytes);
      return route;
    }
    const topic = aliases.get(topicAlias);
    if (topic === undefined) {
      throw new PacketError(ReasonCode.ProtocolError, '§3.3.2.3.4', 0, 'unknown topic alias');
    }
    return this.#cache.lookup(topic, 0, topic.length);
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#cache.checkInvariants();
  }
}

/** Checks a topic name that the cache doesn't know yet. */
function decodeTopic(buffer: Uint8Array, start: number, end: number, limits: TopicLimits): string {
  const topic = decodeTopicName(buffer, start, end);
  if (!isTooDeep(topic, limits)) return topic;
  throw new PacketError(
    ReasonCode.TopicNameInvalid,
    'MQTT-4.7.3-3',
    0,
    'topic name longer or deeper than this broker takes',
  );
}

/** Whether a topic name or filter has more bytes or levels than the configuration allows. */
export function isTooDeep(topic: string, { maxTopicLen, maxTopicLevels }: TopicLimits): boolean {
  if (topic.length * 3 > maxTopicLen && Buffer.byteLength(topic) > maxTopicLen) return true;
  return levelCount(topic) > maxTopicLevels;
}

function levelCount(topic: string): number {
  let count = 1;
  for (let index = topic.indexOf('/'); index !== -1; index = topic.indexOf('/', index + 1)) count++;
  return count;
}
