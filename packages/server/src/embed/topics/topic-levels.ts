import type { Message } from '@promptmq/session';
import type { RetainedLevel } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { INSIDE_PUBLISHER } from '../../sessions/inside-identifiers.ts';
import { Arguments } from '../calls/arguments.ts';

export interface TopicLevelsOptions {
  /** Whole levels, such as `plant/line-1`; left out for the first levels of all topics. */
  readonly prefix?: string | undefined;
  /** How many levels down, 1 to 10; 1 by default. */
  readonly depth?: number | undefined;
  /** How many levels at most, 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
  /** How much of each payload is copied, up to 1,024 bytes; 0 by default. */
  readonly payloadBytes?: number | undefined;
}

/** A level below others. */
export interface TopicLevel {
  readonly level: string;
  /** With the levels before it. */
  readonly topic: string;
  /** Topics with retained messages that end here or go on. */
  readonly retainedTopics: number;
  /** Whether all of them were counted: a call visits 10,000 nodes of the tree. */
  readonly isCounted: boolean;
  /** Topics that end here or go on, of those to which something was published of late; 5,000 are looked at. */
  readonly recentTopics: number;
  /** Whether something was published of late to the topic that ends here. */
  readonly isRecent: boolean;
  /** Whether all levels below it are returned, too, or there are none. */
  readonly isWhole: boolean;
  /** Of the topic that ends here; null when it has none. */
  readonly retained: {
    readonly size: number;
    /** Its first bytes. */
    readonly payload: Buffer;
    readonly qos: 0 | 1 | 2;
    /** The client that published it; null where it was the program or the broker. */
    readonly publisherId: string | null;
  } | null;
}

export interface TopicLevels {
  /**
   * Each after the one that it is below, and those that are less deep first. Where more than one level down is asked for, a level
   * with a single topic below it is followed by that topic, however deep it is.
   */
  readonly levels: TopicLevel[];
  /** Whether there are other levels right below the prefix, which don't fit in. */
  readonly isPart: boolean;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const DEPTH_MAX = 10;
const PAYLOAD_BYTES_MAX = 1024;

/** Nodes that are visited to count: about a millisecond. */
const NODES_MAX = 10_000;

/** Topics of late that are looked at, and of those that begin as they should, that are counted: a millisecond or two. */
const RECENT_MAX = 20_000;
const RECENT_BELOW_MAX = 5000;

/** @throws {EmbedError} `invalid-argument` */
export function topicLevels(broker: Broker, options: TopicLevelsOptions): TopicLevels {
  const args = new Arguments('topics.levels');
  args.options(options, ['prefix', 'depth', 'limit', 'payloadBytes']);
  const limit = args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
  const depth = args.wholeNumber('depth', options.depth ?? 1, 1, DEPTH_MAX);
  const { payloadBytes: given = 0 } = options;
  const payloadBytes = args.wholeNumber('payloadBytes', given, 0, PAYLOAD_BYTES_MAX);
  const prefix = options.prefix === undefined ? null : args.text('prefix', options.prefix);
  if (prefix !== null && /[+#]/.test(prefix)) args.refuse('prefix has no wildcards');
  const levels = new Levels(broker, payloadBytes, prefix, depth);
  const first = levels.below(prefix, limit);
  const isPart = first.length > limit;
  if (isPart) return { levels: cut(first, limit), isPart };
  const all = [...first];
  // A level after the other, as far as each fits in whole.
  let parents = first;
  for (let down = 1; down < depth && parents.length > 0; down++) {
    const next: Level[] = [];
    for (const parent of parents) {
      if (parent.isWhole) continue;
      const room = limit - all.length;
      const below = levels.below(parent.topic, room);
      if (below.length > room) return { levels: all, isPart };
      parent.isWhole = true;
      for (const level of below) {
        all.push(level);
        next.push(level);
      }
    }
    parents = next;
  }
  return { levels: all, isPart };
}

/** So many of them; the last one may have lost what follows it. */
function cut(levels: readonly Level[], limit: number): Level[] {
  const some = levels.slice(0, limit);
  const [last, next] = [some.at(-1), levels[limit]];
  if (last !== undefined && next?.topic.startsWith(`${last.topic}/`)) last.isWhole = false;
  return some;
}

type Level = { -readonly [name in keyof TopicLevel]: TopicLevel[name] };

/** The levels of a broker's topics. */
class Levels {
  readonly #broker: Broker;
  readonly #payloadBytes: number;
  readonly #now: number;
  readonly #recent: Map<string | null, Recent>;
  /** Whether a single topic below a level follows it. */
  readonly #showsOnly: boolean;
  #nodesLeft: number;

  constructor(broker: Broker, payloadBytes: number, prefix: string | null, depth: number) {
    this.#broker = broker;
    this.#payloadBytes = payloadBytes;
    this.#now = broker.runtime.now();
    this.#recent = recentBelow(broker.router.recentTopics(), prefix, depth);
    this.#showsOnly = depth > 1;
    this.#nodesLeft = NODES_MAX;
  }

  /** Right below others; more than the limit where there are more. */
  below(prefix: string | null, limit: number): Level[] {
    const start = prefix === null ? '' : `${prefix}/`;
    const found: Level[] = [];
    const retained = new Set<string>();
    const { retained: store } = this.#broker.router;
    for (const one of store.below(prefix, limit + 1, Math.max(1, this.#nodesLeft))) {
      this.#nodesLeft -= one.visited;
      retained.add(one.level);
      this.#add(found, one.level, start + one.level, one);
    }
    for (const level of this.#recent.get(prefix)?.levels ?? []) {
      if (found.length > limit) break;
      if (!retained.has(level)) this.#add(found, level, start + level, NOTHING);
    }
    return found;
  }

  /** Adds a level, and the topic below it, where that is the only one. */
  #add(
    found: Level[],
    level: string,
    topic: string,
    { message, only, count, isWhole: isCounted }: Below,
  ): void {
    const recent = this.#recent.get(topic);
    const { count: recentTopics = 0, isTopic: isRecent = false } = recent ?? {};
    const hasMore = !isCounted || count > (message === null ? 0 : 1);
    const added = {
      ...{ level, topic, retainedTopics: count, isCounted, recentTopics, isRecent },
      isWhole: !hasMore && recentTopics === (isRecent ? 1 : 0),
      retained: this.#lastOf(message),
    };
    found.push(added);
    if (added.isWhole || !this.#showsOnly || !isCounted || count > 1 || recentTopics > 1) return;
    // One of both, or both the same.
    const topics = [only?.topic, recent?.only].filter((one) => one !== undefined);
    const [last] = topics;
    if (last === undefined || topics.some((one) => one !== last) || last === topic) return;
    added.isWhole = true;
    found.push({
      level: last.slice(last.lastIndexOf('/') + 1),
      topic: last,
      retainedTopics: count,
      isCounted,
      recentTopics,
      isRecent: recentTopics === 1,
      isWhole: true,
      retained: this.#lastOf(only),
    });
  }

  #lastOf(message: Message | null): TopicLevel['retained'] {
    if (message === null || message.expiresAt <= this.#now) return null;
    const { payload, qos, publisherId } = message;
    const isClient = publisherId !== '' && publisherId !== INSIDE_PUBLISHER;
    return {
      size: payload.length,
      payload: Buffer.from(payload.subarray(0, this.#payloadBytes)),
      qos,
      publisherId: isClient ? publisherId : null,
    };
  }
}

type Below = Omit<RetainedLevel<Message>, 'level' | 'visited'>;

/** Of a level without retained messages. */
const NOTHING: Below = { message: null, only: null, count: 0, isWhole: true };

/** What is known of topics of late that begin with some levels. */
interface Recent {
  count: number;
  isTopic: boolean;
  /** The last that was counted. */
  only: string | undefined;
  readonly levels: Set<string>;
}

/** By the levels that they begin with, as far down as they are asked for. */
function recentBelow(
  topics: Iterable<string>,
  prefix: string | null,
  depth: number,
): Map<string | null, Recent> {
  const found = new Map<string | null, Recent>();
  const at = (key: string | null): Recent => {
    const known = found.get(key) ?? {
      count: 0,
      isTopic: false,
      only: undefined,
      levels: new Set(),
    };
    found.set(key, known);
    return known;
  };
  const start = prefix === null ? '' : `${prefix}/`;
  let seen = 0;
  let taken = 0;
  for (const topic of topics) {
    if (++seen > RECENT_MAX || taken === RECENT_BELOW_MAX) break;
    if (!topic.startsWith(start)) continue;
    taken++;
    let parent = at(prefix);
    let offset = start.length;
    for (let down = 0; down < depth; down++) {
      const end = topic.indexOf('/', offset);
      parent.levels.add(end === -1 ? topic.slice(offset) : topic.slice(offset, end));
      const own = at(end === -1 ? topic : topic.slice(0, end));
      own.count++;
      own.only = topic;
      if (end === -1) {
        own.isTopic = true;
        break;
      }
      parent = own;
      offset = end + 1;
    }
  }
  return found;
}
