import type { Message } from '@promptmq/session';
import type { Broker } from '../../broker.ts';
import { INSIDE_PUBLISHER } from '../../sessions/inside-identifiers.ts';
import { Arguments } from '../calls/arguments.ts';

export interface TopicLevelsOptions {
  /** Whole levels, such as `plant/line-1`; left out for the first levels of all topics. */
  readonly prefix?: string | undefined;
  /** How many levels at most, 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
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
  /** Topics that end here or go on, of those to which something was published of late. */
  readonly recentTopics: number;
  /** Of the topic that ends here; null when it has none. */
  readonly retained: {
    readonly size: number;
    readonly qos: 0 | 1 | 2;
    /** The client that published it; null where it was the program or the broker. */
    readonly publisherId: string | null;
  } | null;
}

export interface TopicLevels {
  readonly levels: TopicLevel[];
  /** Whether there are others, which don't fit in. */
  readonly isPart: boolean;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/** Nodes that are visited to count: about a millisecond. */
const NODES_MAX = 10_000;

/** @throws {EmbedError} `invalid-argument` */
export function topicLevels({ router, runtime }: Broker, options: TopicLevelsOptions): TopicLevels {
  const args = new Arguments('topics.levels');
  args.options(options, ['prefix', 'limit']);
  const limit = args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
  const prefix = options.prefix === undefined ? null : args.text('prefix', options.prefix);
  if (prefix !== null && /[+#]/.test(prefix)) args.refuse('prefix has no wildcards');
  const start = prefix === null ? '' : `${prefix}/`;
  const now = runtime.now();
  const levels = new Map<string, TopicLevel>();
  for (const one of router.retained.below(prefix, limit + 1, NODES_MAX)) {
    const { level, message, count, isWhole } = one;
    levels.set(level, {
      level,
      topic: start + level,
      retainedTopics: count,
      isCounted: isWhole,
      recentTopics: 0,
      retained: message === null || message.expiresAt <= now ? null : lastOf(message),
    });
  }
  for (const topic of router.recentTopics()) {
    if (!topic.startsWith(start)) continue;
    const end = topic.indexOf('/', start.length);
    const level = topic.slice(start.length, end === -1 ? topic.length : end);
    const known = levels.get(level);
    if (known === undefined && levels.size > limit) continue;
    levels.set(level, {
      ...(known ?? {
        level,
        topic: start + level,
        retainedTopics: 0,
        isCounted: true,
        retained: null,
      }),
      recentTopics: (known?.recentTopics ?? 0) + 1,
    });
  }
  return { levels: [...levels.values()].slice(0, limit), isPart: levels.size > limit };
}

function lastOf({ payload, qos, publisherId }: Message): TopicLevel['retained'] {
  const isClient = publisherId !== '' && publisherId !== INSIDE_PUBLISHER;
  return { size: payload.length, qos, publisherId: isClient ? publisherId : null };
}
