import { invariant } from '../invariant.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { TextMap } from '../text-map.ts';
import type { RetainedMessage } from './retained-message.ts';

/** What a change occupies beside the bytes of its message: an estimate. */
const CHANGE_OVERHEAD_BYTES = 200;

/** A topic got another message. */
interface Replacement<M> {
  readonly topic: string;
  readonly version: number;
  /** What the topic had before; null when it had none. */
  readonly former: M | null;
  /** The one after it, of whatever topic; null for the newest. */
  next: Replacement<M> | null;
}

/** The changes of one topic. */
interface TopicChanges<M> {
  /** Oldest first. */
  readonly replacements: Replacement<M>[];
  /** When a message of the topic was removed last; 0 when none was. */
  removedAt: number;
}

/** Finds the retained messages as they were at a version; see `RetainedHistory`. */
export interface HistoryReader {
  version: number;
}

/**
 * What retained messages were before they changed, for walks (its readers) that began before that. A change is noted once for
 * all of them, and forgotten when the last one has ended that began before it.
 *
 * It takes at most the memory that it is given. Then the oldest changes are forgotten: walks that began before them find what
 * their topics have by then.
 *
 * Invariants: readers are in the order of their versions; nothing is noted while there are none; the replacements of a
 * topic, of which there is one at least, are among all of them, in the same order.
 */
export class RetainedHistory<M extends RetainedMessage> {
  /** What it takes of the memory. */
  bytes: number;
  readonly #memory: MemoryBudget;
  readonly #sizeOf: (message: M) => number;
  readonly #readers: Set<HistoryReader>;
  readonly #topics: Map<string, TopicChanges<M>>;
  /** The first and the last of the replacements of all topics; null when there are none. */
  #oldest: Replacement<M> | null;
  #newest: Replacement<M> | null;
  /** How many changes there have been. */
  #version: number;
  /** Version of the last reader. */
  #lastBegun: number;

  /**
   * @param memory - where its bytes are counted
   * @param sizeOf - bytes of a message
   */
  constructor(memory: MemoryBudget, sizeOf: (message: M) => number) {
    this.bytes = 0;
    this.#memory = memory;
    this.#sizeOf = sizeOf;
    this.#readers = new Set();
    this.#topics = new TextMap();
    this.#oldest = null;
    this.#newest = null;
    this.#version = 0;
    this.#lastBegun = 0;
  }

  /** Whether nothing has changed since any reader began. */
  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  begin(reader: HistoryReader): void {
    reader.version = this.#version;
    this.#lastBegun = this.#version;
    this.#readers.add(reader);
  }

  end(reader: HistoryReader): void {
    if (!this.#readers.delete(reader)) return;
    const [oldest] = this.#readers;
    if (oldest === undefined) this.#clear();
    else this.#forget(({ version }) => version <= oldest.version);
  }

  /**
   * What a topic had when a reader began.
   *
   * @param present - what it has now
   * @returns null when there was nothing, or it was removed meanwhile
   */
  formerOf({ version: begunAt }: HistoryReader, present: M): M | null {
    const changes = this.#topics.get(present.topic);
    if (changes === undefined) return present;
    if (changes.removedAt > begunAt) return null;
    const first = changes.replacements.find(({ version }) => version > begunAt);
    return first === undefined ? present : first.former;
  }

  /** Whether a message of the topic was removed since a reader began. */
  isRemovedSince(reader: HistoryReader, topic: string): boolean {
    const changes = this.#topics.get(topic);
    if (changes === undefined) return false;
    if (changes.removedAt > reader.version) return true;
    const first = changes.replacements.find(({ version }) => version > reader.version);
    return first?.former === null;
  }

  /** A topic gets another message. */
  noteReplaced(topic: string, former: M | null): void {
    if (this.#readers.size === 0) return;
    this.#version++;
    const changes = this.#changesOf(topic);
    // No reader has begun since the last replacement: all of them are to find what the topic had before that.
    const last = changes.replacements.at(-1);
    if (last !== undefined && last.version > this.#lastBegun) return;
    const replacement: Replacement<M> = { topic, version: this.#version, former, next: null };
    changes.replacements.push(replacement);
    if (this.#newest === null) this.#oldest = replacement;
    else this.#newest.next = replacement;
    this.#newest = replacement;
    this.#count(this.#bytesOf(replacement));
    if (this.#memory.bytes <= this.#memory.max) return;
    this.#memory.refusals++;
    this.#forget(() => this.#memory.bytes > this.#memory.max);
  }

  /** A topic's message is removed: a reader that hasn't found it yet never does, even if it comes back. */
  noteRemoved(former: M): void {
    if (this.#readers.size === 0) return;
    this.noteReplaced(former.topic, former);
    const changes = this.#topics.get(former.topic);
    if (changes !== undefined) changes.removedAt = this.#version;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let version = 0;
    for (const reader of this.#readers) {
      invariant(reader.version >= version, `a reader of ${reader.version} after ${version}`);
      version = reader.version;
    }
    invariant(version <= this.#version, `a reader of ${version} at ${this.#version}`);
    const isRead = this.#readers.size > 0;
    invariant(isRead || this.#topics.size === 0, `changes of ${this.#topics.size} topics`);
    const seen = new Map<string, number>();
    let bytes = 0;
    for (let one = this.#oldest; one !== null; one = one.next) {
      const index = seen.get(one.topic) ?? 0;
      seen.set(one.topic, index + 1);
      const { replacements = [] } = this.#topics.get(one.topic) ?? {};
      invariant(replacements[index] === one, `a change of ${one.topic} is not the topic's`);
      invariant(one.next !== null || one === this.#newest, 'the newest change is not the last');
      invariant(one.next === null || one.next.version > one.version, 'changes are not in order');
      bytes += this.#bytesOf(one);
    }
    for (const [topic, { replacements }] of this.#topics) {
      invariant(replacements.length > 0, `changes of ${topic}, and there are none`);
      invariant(replacements.length === seen.get(topic), `changes of ${topic} are forgotten`);
    }
    invariant(bytes === this.bytes, `${this.bytes} bytes counted of ${bytes}`);
    invariant(bytes <= this.#memory.bytes, `${bytes} bytes of ${this.#memory.bytes}`);
  }

  #changesOf(topic: string): TopicChanges<M> {
    let changes = this.#topics.get(topic);
    if (changes === undefined) {
      changes = { replacements: [], removedAt: 0 };
      this.#topics.set(topic, changes);
    }
    return changes;
  }

  /** Forgets the oldest replacements while `isForgotten` says so. */
  #forget(isForgotten: (oldest: Replacement<M>) => boolean): void {
    for (;;) {
      const oldest = this.#oldest;
      if (oldest === null || !isForgotten(oldest)) return;
      this.#oldest = oldest.next;
      if (oldest.next === null) this.#newest = null;
      this.#count(-this.#bytesOf(oldest));
      const changes = this.#topics.get(oldest.topic);
      changes?.replacements.shift();
      if (changes?.replacements.length === 0) this.#topics.delete(oldest.topic);
    }
  }

  #clear(): void {
    this.#forget(() => true);
    this.#topics.clear();
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#memory.bytes += bytes;
  }

  #bytesOf({ topic, former }: Replacement<M>): number {
    return CHANGE_OVERHEAD_BYTES + (former === null ? topic.length : this.#sizeOf(former));
  }
}
