import { get } from '../../app/api.ts';
import { bytesOf } from '../../model/message-event.ts';
import type { KnownLevel, TopicTree } from '../../model/topic-tree.ts';

/** A level of topics as the API has it. */
interface Level {
  readonly topic: string;
  readonly retained_topics: number;
  /** Whether all of those were counted. */
  readonly counted: boolean;
  readonly recent_topics: number;
  readonly recent: boolean;
  /** Whether all levels below it are answered, too. */
  readonly whole: boolean;
  readonly retained: {
    /** Base64: the beginning. */
    readonly payload?: string;
    readonly payload_size: number;
    readonly qos: number;
    readonly from_clientid: string | null;
  } | null;
}

interface Levels {
  readonly data: readonly Level[];
  /** Whether there are others right below. */
  readonly meta: { readonly hasnext: boolean };
}

/** How far down is looked at once, and how many levels. */
const DEPTH = 10;
const LIMIT = 1000;

export interface FoundLevels {
  /** Whether right below there are others. */
  readonly hasOthers: boolean;
  /** How many messages are retained there, as far as they were counted. */
  readonly retained: number;
  readonly isCounted: boolean;
}

/**
 * Reads the levels of topics below others into a tree, as far as they fit into one answer.
 *
 * @param prefix - whole levels; null for all topics but those that begin with `$`
 */
export async function readLevels(
  prefix: string | null,
  tree: TopicTree,
  payloadBytes: number,
  signal: AbortSignal,
): Promise<FoundLevels> {
  const { data, meta } = await get<Levels>('/topic_tree', {
    query: { prefix, depth: DEPTH, limit: LIMIT, payload_bytes: payloadBytes },
    signal,
  });
  const levels = data.filter(({ topic }) => prefix !== null || !topic.startsWith('$'));
  for (const level of levels) tree.noteLevel(knownOf(level));
  const parent = prefix === null ? tree.root : tree.find(prefix);
  if (parent !== null && !meta.hasnext) parent.more = null;
  const start = prefix === null ? 0 : prefix.length + 1;
  const first = levels.filter(({ topic }) => !topic.includes('/', start));
  return {
    hasOthers: meta.hasnext,
    retained: first.reduce((sum, level) => sum + level.retained_topics, 0),
    isCounted: !meta.hasnext && first.every(({ counted }) => counted),
  };
}

function knownOf(level: Level): KnownLevel {
  const { topic, retained, whole, recent, retained_topics: kept, recent_topics: late } = level;
  return {
    topic,
    isTopic: recent || retained !== null,
    // Those of late are retained ones, too, or not.
    more: whole ? null : { count: Math.max(kept, late), isPart: !level.counted },
    retained:
      retained === null
        ? null
        : {
            payload: bytesOf(retained.payload ?? '', 'base64'),
            size: retained.payload_size,
            qos: retained.qos,
            isRetained: true,
            publisher: retained.from_clientid,
            at: null,
          },
  };
}
