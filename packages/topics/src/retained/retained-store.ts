import { invariant } from '../invariant.ts';
import { LevelTree } from '../levels/level-tree.ts';
import { type MemoryBudget, newUnlimitedBudget } from '../memory-budget.ts';
import { TextMap } from '../text-map.ts';
import { RetainedHistory } from './retained-history.ts';
import type { RetainedMessage } from './retained-message.ts';
import { RetainedWalk } from './retained-walk.ts';

/** What a retained message occupies beside its bytes: an estimate, for the byte limit. */
const MESSAGE_OVERHEAD_BYTES = 200;

export interface RetainedLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

export interface RetainedStoreOptions<M extends RetainedMessage> extends RetainedLimits {
  /** Bytes of a message, always the same for one; those of topic and payload by default. */
  readonly sizeOf?: (message: M) => number;
  /** Gets each message that is removed because it has expired. */
  readonly onExpired?: (message: M) => void;
  /** Whether a message doesn't count against the limits: those of the broker itself. */
  readonly isExempt?: (message: M) => boolean;
  /** Where messages are counted that are remembered for walks, as they have been replaced; without a limit by default. */
  readonly historyMemory?: MemoryBudget;
}

/** A level of topics that have retained messages. */
export interface RetainedLevel<M> {
  readonly level: string;
  /** Of the topic that ends here; null when it has none. It may have expired. */
  readonly message: M | null;
  /** The only one of the topics that end here or go on; null where there are several. It may have expired. */
  readonly only: M | null;
  /** Topics that end here or go on. */
  readonly count: number;
  /** Whether all of them were counted. */
  readonly isWhole: boolean;
  /** Nodes of the tree that were visited to count them. */
  readonly visited: number;
}

/**
 * The retained message of each topic (§3.3.1.3), in a tree of levels: a filter visits only the branches
 * that it can match. It knows no time of its own; `now` is milliseconds of the messages' clock.
 *
 * Invariants: without those that are exempt, no message came while there were `messagesMax`, or to more than `bytesMax`;
 * those that expire are looked for in turn; `count` and `bytes` are what there is.
 */
export class RetainedStore<M extends RetainedMessage> {
  readonly #limits: RetainedLimits;
  readonly #messageSize: (message: M) => number;
  readonly #onExpired: (message: M) => void;
  readonly #isExempt: (message: M) => boolean;
  readonly #tree: LevelTree<M>;
  /** Walks that have begun and not ended. */
  readonly #walks: Set<RetainedWalk<M>>;
  readonly #history: RetainedHistory<M>;
  /** Those that expire, by topic, so that looking for them doesn't visit the others. */
  readonly #expiring: Map<string, M>;
  #sweep: IterableIterator<M>;
  #bytes: number;
  #exemptCount: number;
  #exemptBytes: number;

  constructor(options: RetainedStoreOptions<M>) {
    this.#limits = options;
    this.#messageSize = options.sizeOf ?? (({ topic, payload }) => topic.length + payload.length);
    this.#onExpired = options.onExpired ?? (() => {});
    this.#isExempt = options.isExempt ?? (() => false);
    this.#tree = new LevelTree();
    this.#walks = new Set();
    this.#history = new RetainedHistory(
      options.historyMemory ?? newUnlimitedBudget(),
      this.#messageSize,
    );
    this.#expiring = new TextMap();
    this.#sweep = this.#expiring.values();
    this.#bytes = 0;
    this.#exemptCount = 0;
    this.#exemptBytes = 0;
  }

  get count(): number {
    return this.#tree.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is remembered of messages that have been replaced, for walks that began before. */
  get historyBytes(): number {
    return this.#history.bytes;
  }

  /**
   * Keeps a message in the place of its topic's former one [MQTT-3.3.1-5]; one without payload only
   * removes that [MQTT-3.3.1-6] [MQTT-3.3.1-7].
   *
   * @returns `refused` when it would exceed a limit; the former message stays
   */
  set(message: M): 'stored' | 'removed' | 'refused' {
    const former = this.#tree.get(message.topic);
    if (message.payload.length === 0) {
      if (former !== null) this.#remove(former);
      return 'removed';
    }
    const added = this.#sizeOf(message) - (former === null ? 0 : this.#sizeOf(former));
    if (this.#isExempt(message)) {
      this.#exemptBytes += added;
      if (former === null) this.#exemptCount++;
    } else {
      const count = this.count - this.#exemptCount;
      const isOneTooMany = former === null && count >= this.#limits.messagesMax;
      const bytes = this.#bytes - this.#exemptBytes + added;
      if (isOneTooMany || bytes > this.#limits.bytesMax) return 'refused';
    }
    this.#tree.set(message.topic, message);
    this.#history.noteReplaced(message.topic, former);
    this.#bytes += added;
    this.#expiring.delete(message.topic);
    if (message.expiresAt !== Number.POSITIVE_INFINITY) this.#expiring.set(message.topic, message);
    return 'stored';
  }

  /** Takes a topic's message away without another in its place; false when there is none. */
  delete(topic: string): boolean {
    const former = this.#tree.get(topic);
    if (former !== null) this.#remove(former);
    return former !== null;
  }

  /** Puts back what was the message of a topic, as if nothing had happened since. */
  restore(topic: string, former: M | undefined): void {
    if (former === undefined) {
      this.delete(topic);
      return;
    }
    this.set(former);
    for (const walk of this.#walks) walk.onTakenBack(former);
  }

  get(topic: string): M | undefined {
    return this.#tree.get(topic) ?? undefined;
  }

  /**
   * The levels that come next in the topics that begin with others, with the message of the topic that ends there.
   *
   * @param prefix - whole levels; null for the first levels of all topics
   * @param countMax - of levels
   * @param nodesMax - how many nodes of the tree are visited to count
   */
  below(prefix: string | null, countMax: number, nodesMax: number): RetainedLevel<M>[] {
    const levels: RetainedLevel<M>[] = [];
    let nodesLeft = nodesMax;
    for (const { level, node, value } of this.#tree.levelsBelow(prefix)) {
      if (levels.length === countMax) break;
      const { values, visited, last } = this.#tree.countBelow(node, nodesLeft);
      const isWhole = visited < nodesLeft;
      const only = isWhole && values === 1 ? last : null;
      levels.push({ level, message: value, only, count: values, isWhole, visited });
      nodesLeft -= visited;
    }
    return levels;
  }

  /**
   * The messages whose topics match a filter (§4.7). Expired ones that it comes across are removed.
   *
   * @param topicFilter - valid, and not shared
   */
  match(topicFilter: string, now: number): M[] {
    const found: M[] = [];
    const walk = this.walk(topicFilter);
    walk.step(found, Number.POSITIVE_INFINITY);
    this.end(walk);
    return this.#withoutExpired(found, now);
  }

  /**
   * Begins to look for the messages whose topics match a filter, as they are now; see `RetainedWalk`. Whoever does not
   * continue until it is done has to `end` it. Until its first step it costs hardly anything.
   *
   * @param topicFilter - valid, and not shared
   */
  walk(topicFilter: string): RetainedWalk<M> {
    const walk = new RetainedWalk(this.#tree, this.#history, topicFilter);
    this.#history.begin(walk);
    this.#walks.add(walk);
    return walk;
  }

  /**
   * Lets a walk continue.
   *
   * @param nodesMax - how many nodes of the tree to visit
   * @param found - gets what is found; expired messages that it comes across are removed
   * @returns how many nodes were visited
   */
  step(walk: RetainedWalk<M>, nodesMax: number, found: M[], now: number): number {
    const messages: M[] = [];
    if (!walk.hasStarted) this.#tree.observers.add(walk);
    const visited = walk.step(messages, nodesMax);
    if (walk.isDone) this.end(walk);
    for (const message of this.#withoutExpired(messages, now)) found.push(message);
    return visited;
  }

  /** Ends a walk. */
  end(walk: RetainedWalk<M>): void {
    this.#history.end(walk);
    this.#walks.delete(walk);
    this.#tree.observers.delete(walk);
  }

  /**
   * Looks at expiring messages in turn and removes those that are due; each call continues where the
   * last one ended.
   *
   * @param limit - how many to look at, at most
   * @returns how many were removed
   */
  removeExpired(now: number, limit: number): number {
    let removed = 0;
    for (let looked = 0; looked < limit; looked++) {
      const { value, done } = this.#sweep.next();
      if (done === true) {
        this.#sweep = this.#expiring.values();
        break;
      }
      if (value.expiresAt > now) continue;
      this.#remove(value);
      this.#onExpired(value);
      removed++;
    }
    return removed;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#tree.checkInvariants();
    this.#history.checkInvariants();
    for (const walk of this.#walks) walk.checkInvariants();
    let bytes = 0;
    let exemptBytes = 0;
    let exemptCount = 0;
    let expiringCount = 0;
    for (const [topic, message] of this.#tree.entries()) {
      invariant(message.topic === topic, `${topic} has the message of ${message.topic}`);
      invariant(message.payload.length > 0, `${topic} has a message without payload`);
      const size = this.#sizeOf(message);
      bytes += size;
      if (this.#isExempt(message)) {
        exemptBytes += size;
        exemptCount++;
      }
      if (message.expiresAt === Number.POSITIVE_INFINITY) continue;
      expiringCount++;
      invariant(this.#expiring.get(topic) === message, `nobody looks when ${topic} expires`);
    }
    const expected = [bytes, exemptBytes, exemptCount, expiringCount].join(', ');
    const counted = [this.#bytes, this.#exemptBytes, this.#exemptCount, this.#expiring.size];
    invariant(counted.join(', ') === expected, `${counted.join(', ')} counted of ${expected}`);
  }

  #withoutExpired(messages: M[], now: number): M[] {
    if (this.#expiring.size === 0) return messages;
    return messages.filter((message) => {
      if (message.expiresAt > now) return true;
      // A walk finds what was there when it began: another may have taken its place.
      if (this.#tree.get(message.topic) !== message) return false;
      this.#remove(message);
      this.#onExpired(message);
      return false;
    });
  }

  #remove(message: M): void {
    this.#tree.delete(message.topic);
    this.#history.noteRemoved(message);
    this.#expiring.delete(message.topic);
    this.#bytes -= this.#sizeOf(message);
    if (!this.#isExempt(message)) return;
    this.#exemptCount--;
    this.#exemptBytes -= this.#sizeOf(message);
  }

  #sizeOf(message: M): number {
    return this.#messageSize(message) + MESSAGE_OVERHEAD_BYTES;
  }
}
