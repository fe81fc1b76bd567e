import { invariant } from '../invariant.ts';
import { type MemoryBudget, newUnlimitedBudget } from '../memory-budget.ts';
import type { Route } from './route.ts';
import type { SharedSubscriber } from './shared-group.ts';
import type { SubscriptionTrie } from './subscription-trie.ts';

/** Routes whose hashes share a bucket; the one that came in first gives way when it is full. */
const WAYS = 4;
const BUCKETS_MIN = 256;

/** What a route occupies, by estimate: in itself, for each byte of its topic, and for each who receives it. */
const ROUTE_BYTES = 250;
const BYTES_PER_TOPIC_BYTE = 3;
const RECIPIENT_BYTES = 8;

export interface TopicCacheOptions {
  /** Routes that are kept; 65,536 by default. */
  readonly routesMax?: number;
  /** Any number; a random one keeps clients from choosing topics that share a bucket. */
  readonly hashSeed?: number;
  /** Where its bytes are counted, which it keeps below the limit; by default there is none. */
  readonly memory?: MemoryBudget;
}

/**
 * Routes by the encoded topic, so that a known topic costs a hash and a comparison and no string. It is
 * bounded: a new topic takes the place of another of its bucket once the table is as large as it may be, and of any
 * others while there are too many bytes.
 *
 * Invariants: a route lies in the bucket of its topic's hash, and in one slot at most; `cachedBytes` of all that lie in
 * one are counted; a route that isn't outdated is what the trie says.
 */
export class TopicCache<S extends SharedSubscriber> {
  readonly #trie: SubscriptionTrie<S>;
  readonly #decodeTopic: (buffer: Uint8Array, start: number, end: number) => string;
  readonly #hashSeed: number;
  readonly #bucketsMax: number;
  readonly #memory: MemoryBudget;
  #slots: (Route<S> | null)[];
  #hashes: Int32Array;
  #bucketMask: number;
  #count: number;
  /** Which way of its bucket the next route takes when all are taken. */
  #victim: number;
  /** Where routes were taken out last to make room. */
  #evictedSlot: number;
  /** The last hit: publishers tend to stay with a topic. */
  #last: Route<S> | null;

  /**
   * @param decodeTopic - checks a topic that the cache doesn't know; what it throws goes to the caller
   */
  constructor(
    trie: SubscriptionTrie<S>,
    decodeTopic: (buffer: Uint8Array, start: number, end: number) => string,
    options: TopicCacheOptions = {},
  ) {
    this.#trie = trie;
    this.#decodeTopic = decodeTopic;
    this.#hashSeed = options.hashSeed ?? 0;
    this.#bucketsMax = powerOfTwo((options.routesMax ?? 65_536) / WAYS);
    const buckets = Math.min(BUCKETS_MIN, this.#bucketsMax);
    this.#slots = new Array<Route<S> | null>(buckets * WAYS).fill(null);
    this.#hashes = new Int32Array(buckets * WAYS);
    this.#bucketMask = buckets - 1;
    this.#count = 0;
    this.#victim = 0;
    this.#memory = options.memory ?? newUnlimitedBudget();
    this.#evictedSlot = 0;
    this.#last = null;
  }

  /** Routes in the cache. */
  get count(): number {
    return this.#count;
  }

  /** The topics that are in the cache: those of late, or some of them. It must not change meanwhile. */
  *topics(): Generator<string> {
    for (const route of this.#slots) if (route !== null) yield route.topic;
  }

  /** The route of the topic in `buffer[start, end)`; up to date until the trie changes. */
  lookup(buffer: Uint8Array, start: number, end: number): Route<S> {
    const last = this.#last;
    if (last !== null && isSame(last.topicBytes, buffer, start, end)) return this.#refresh(last);
    const hash = this.#hash(buffer, start, end);
    const first = (hash & this.#bucketMask) * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      const route = this.#slots[slot] as Route<S> | null;
      if (
        route !== null &&
        this.#hashes[slot] === hash &&
        isSame(route.topicBytes, buffer, start, end)
      ) {
        this.#last = route;
        return this.#refresh(route);
      }
    }
    return this.#add(hash, buffer, start, end);
  }

  /** The same by name, for messages that don't come as packets. */
  lookupTopic(topic: string): Route<S> {
    const bytes = new TextEncoder().encode(topic);
    return this.lookup(bytes, 0, bytes.length);
  }

  #refresh(route: Route<S>): Route<S> {
    const trie = this.#trie;
    if (route.generation === trie.generation) return route;
    if (trie.isOutdated(route.topic, route.generation, route.recipients.length)) {
      const { recipients, groups } = trie.match(route.topic);
      route.recipients = recipients;
      route.groups = groups;
      if (route.cachedBytes > 0) {
        this.#setBytes(route, sizeOf(route));
        if (this.#memory.bytes > this.#memory.max) this.#makeRoom();
      }
    }
    route.generation = trie.generation;
    return route;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const topics = new Set<string>();
    let bytes = 0;
    for (const [slot, route] of this.#slots.entries()) {
      if (route === null) continue;
      const { topic, topicBytes } = route;
      const hash = this.#hash(topicBytes, 0, topicBytes.length);
      invariant(this.#hashes[slot] === hash, `${topic} has another's hash`);
      const bucket = Math.floor(slot / WAYS);
      invariant(bucket === (hash & this.#bucketMask), `${topic} is in bucket ${bucket}`);
      invariant(!topics.has(topic), `${topic} is there twice`);
      topics.add(topic);
      bytes += route.cachedBytes;
      if (!this.#trie.isOutdated(topic, route.generation, route.recipients.length)) {
        this.#checkRoute(route);
      }
    }
    invariant(topics.size === this.#count, `${this.#count} routes counted of ${topics.size}`);
    invariant(bytes <= this.#memory.bytes, `${bytes} bytes of ${this.#memory.bytes}`);
  }

  /** Whether a route that counts as up to date is what the trie says. */
  #checkRoute({ topic, recipients, groups }: Route<S>): void {
    // Nobody is to pay for this.
    const { visitedNodes } = this.#trie;
    const match = this.#trie.match(topic);
    this.#trie.visitedNodes = visitedNodes;
    const isSame =
      match.recipients.length === recipients.length &&
      match.groups.length === groups.length &&
      match.groups.every((group) => groups.includes(group)) &&
      match.recipients.every(({ session, qos }) =>
        recipients.some((one) => one.session === session && one.qos === qos),
      );
    invariant(isSame, `the route of ${topic} is not what the trie says`);
  }

  #add(hash: number, buffer: Uint8Array, start: number, end: number): Route<S> {
    const topic = this.#decodeTopic(buffer, start, end);
    const { recipients, groups } = this.#trie.match(topic);
    const route: Route<S> = {
      topic,
      topicBytes: Uint8Array.from(buffer.subarray(start, end)),
      generation: this.#trie.generation,
      recipients,
      groups,
      cachedBytes: 0,
    };
    if (this.#count * 2 > this.#slots.length && this.#bucketMask + 1 < this.#bucketsMax) {
      this.#grow();
    }
    this.#place(hash, route);
    this.#last = route;
    if (this.#memory.bytes > this.#memory.max) this.#makeRoom();
    return route;
  }

  /** Takes routes out in turn until they take no more than they may. */
  #makeRoom(): void {
    const slots = this.#slots;
    for (let looked = 0; looked < slots.length; looked++) {
      if (this.#memory.bytes <= this.#memory.max) return;
      this.#evictedSlot = (this.#evictedSlot + 1) % slots.length;
      const route = slots[this.#evictedSlot] as Route<S> | null;
      if (route === null) continue;
      this.#setBytes(route, 0);
      slots[this.#evictedSlot] = null;
      this.#count--;
    }
  }

  #setBytes(route: Route<S>, bytes: number): void {
    this.#memory.bytes += bytes - route.cachedBytes;
    route.cachedBytes = bytes;
  }

  #place(hash: number, route: Route<S>): void {
    const first = (hash & this.#bucketMask) * WAYS;
    let slot = first;
    while (slot < first + WAYS && this.#slots[slot] !== null) slot++;
    if (slot === first + WAYS) {
      slot = first + this.#victim;
      this.#victim = (this.#victim + 1) % WAYS;
      this.#setBytes(this.#slots[slot] as Route<S>, 0);
    } else {
      this.#count++;
    }
    this.#slots[slot] = route;
    this.#setBytes(route, sizeOf(route));
    this.#hashes[slot] = hash;
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Array<Route<S> | null>(slots.length * 2).fill(null);
    this.#hashes = new Int32Array(slots.length * 2);
    this.#bucketMask = this.#bucketMask * 2 + 1;
    this.#count = 0;
    for (let slot = 0; slot < slots.length; slot++) {
      const route = slots[slot] as Route<S> | null;
      if (route !== null) this.#place(hashes[slot] as number, route);
    }
  }

  /** FNV-1a with a seed, and its high bits folded into those that choose the bucket. */
  #hash(buffer: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5 ^ this.#hashSeed;
    for (let offset = start; offset < end; offset++) {
      hash = Math.imul(hash ^ (buffer[offset] as number), 0x01000193);
    }
    return hash ^ (hash >>> 15);
  }
}

function sizeOf<S extends SharedSubscriber>(route: Route<S>): number {
  const { topicBytes, recipients, groups } = route;
  const receivers = recipients.length + groups.length;
  return ROUTE_BYTES + topicBytes.length * BYTES_PER_TOPIC_BYTE + receivers * RECIPIENT_BYTES;
}

function isSame(topic: Uint8Array, buffer: Uint8Array, start: number, end: number): boolean {
  const { length } = topic;
  if (length !== end - start) return false;
  // From the end: topics of one kind tend to differ there.
  for (let index = length - 1; index >= 0; index--) {
    if (topic[index] !== buffer[start + index]) return false;
  }
  return true;
}

function powerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
