/** The last message of a topic, as the console knows it. */
export interface LastMessage {
  readonly payload: Uint8Array;
  /** Of the whole payload: what is held may be its beginning. */
  readonly size: number;
  readonly qos: number;
  readonly isRetained: boolean;
  /** The client identifier; null where it isn't known. */
  readonly publisher: string | null;
  /** Milliseconds since 1970; null where it isn't known. */
  readonly at: number | null;
}

/** A level of a topic, and what lies below it. */
export interface TopicNode {
  /** Of this level. */
  readonly name: string;
  /** Whole. */
  readonly topic: string;
  readonly children: Map<string, TopicNode>;
  last: LastMessage | null;
  hasRetained: boolean;
  /** Whether something has been published to the topic itself, as far as that is known. */
  isTopic: boolean;
  /** What the broker said of what lies below it, where not all of that is here; else null. */
  more: MoreBelow | null;
  /** Messages that came of this topic and below it since the page began to look. */
  count: number;
  /** Messages of the last full interval, a second; of this topic and below. */
  rate: number;
  /** Messages in this interval. */
  current: number;
  /** Topics below it, itself included where it is one. */
  topics: number;
}

/** What there is, but isn't here. */
export interface MoreBelow {
  /** Topics. */
  readonly count: number;
  /** Whether there may be more. */
  readonly isPart: boolean;
}

/** A level of topics as the broker knows it. */
export interface KnownLevel {
  readonly topic: string;
  readonly isTopic: boolean;
  readonly retained: LastMessage | null;
  readonly more: MoreBelow | null;
}

/** Bytes of a payload that are kept for a list. */
const KEPT_MAX = 2048;

/**
 * Topics by their levels, a limited number of them.
 *
 * Invariant: a node's `count`, `current` and `topics` are those of its own and the sums of its children's.
 */
export class TopicTree {
  readonly root: TopicNode = nodeOf('', '');
  readonly #topicsMax: number;
  /** Topics that had no room. */
  leftOut = 0;

  constructor(topicsMax = 5000) {
    this.#topicsMax = topicsMax;
  }

  /** A message that has just been published. @param times - how many it stands for */
  note(topic: string, last: LastMessage, times = 1): void {
    const path = this.#pathTo(topic);
    if (path === null) return;
    for (const node of path) {
      node.count += times;
      node.current += times;
    }
    const leaf = path.at(-1) as TopicNode;
    leaf.last = kept(last);
    if (last.isRetained) leaf.hasRetained = last.size > 0;
  }

  /** A message that is retained, which isn't news. */
  noteRetained(topic: string, last: LastMessage): void {
    const leaf = this.#pathTo(topic)?.at(-1);
    if (leaf === undefined) return;
    leaf.hasRetained = true;
    leaf.last ??= kept(last);
  }

  /** A level that the broker has named, and whether there is more below it than it has. */
  noteLevel({ topic, isTopic, retained, more }: KnownLevel): void {
    if (retained !== null) this.noteRetained(topic, retained);
    const node = this.#pathTo(topic, isTopic || retained !== null)?.at(-1);
    if (node !== undefined) node.more = more;
  }

  /** The interval is over: what came in it is the rate now. @param seconds - how long it was */
  tick(seconds: number): void {
    visit(this.root, (node) => {
      node.rate = node.current / seconds;
      node.current = 0;
    });
  }

  find(topic: string): TopicNode | null {
    let node = this.root;
    for (const level of topic.split('/')) {
      const child = node.children.get(level);
      if (child === undefined) return null;
      node = child;
    }
    return node;
  }

  /**
   * Nodes from the root to the topic, which are made where they aren't there; null where there is no room.
   *
   * @param isTopic - whether something has been published to the topic itself
   */
  #pathTo(topic: string, isTopic = true): TopicNode[] | null {
    const levels = topic.split('/');
    const existing = this.find(topic);
    const isNew = isTopic && existing?.isTopic !== true;
    if ((isNew || existing === null) && this.root.topics >= this.#topicsMax) {
      this.leftOut++;
      return null;
    }
    const path = [this.root];
    let node = this.root;
    for (const [index, level] of levels.entries()) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = nodeOf(level, levels.slice(0, index + 1).join('/'));
        node.children.set(level, child);
      }
      node = child;
      path.push(node);
    }
    if (isNew) for (const each of path) each.topics++;
    node.isTopic ||= isTopic;
    return path;
  }
}

function kept(last: LastMessage): LastMessage {
  return last.payload.length <= KEPT_MAX
    ? last
    : { ...last, payload: last.payload.slice(0, KEPT_MAX) };
}

function nodeOf(name: string, topic: string): TopicNode {
  return {
    name,
    topic,
    children: new Map(),
    last: null,
    hasRetained: false,
    isTopic: false,
    more: null,
    count: 0,
    rate: 0,
    current: 0,
    topics: 0,
  };
}

function visit(node: TopicNode, look: (node: TopicNode) => void): void {
  look(node);
  for (const child of node.children.values()) visit(child, look);
}
