import type { Message } from '@promptmq/session';
import type { RetainedWalk } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { INSIDE_PUBLISHER } from '../../sessions/inside-identifiers.ts';
import { remainingExpiry } from '../../sessions/recipient-terms.ts';
import { type MessageInfo, messageInfoOf } from '../../tracing/message-info.ts';
import { Arguments, shown } from '../calls/arguments.ts';
import { committed } from '../calls/committed.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { checkTopicFilter } from '../calls/topic-filters.ts';
import { RetainedCursors } from './retained-cursors.ts';

export interface RetainedMatchOptions {
  /** The `cursor` of the page before; null or left out for the first page. */
  readonly cursor?: string | null | undefined;
  /** How many messages the page has at most, 1 to 10,000; 100 by default. */
  readonly limit?: number | undefined;
}

/** A retained message. */
export interface RetainedInfo extends MessageInfo {
  /** The client that published it; null where it was the program or the broker. */
  readonly publisherId: string | null;
}

export interface RetainedPage {
  readonly messages: RetainedInfo[];
  /** For the next page; null when there is none. */
  readonly cursor: string | null;
}

/** The retained messages of a broker (§3.3.1.3), those of its own below `$SYS` included. */
export interface Retained {
  /**
   * @param topic - a topic name, without wildcards
   * @returns null when the topic has no retained message
   * @throws {EmbedError} `invalid-argument`
   */
  get(topic: string): RetainedInfo | null;
  /**
   * A page of the messages whose topics match a filter, in no particular order, all as they were when the first page was asked
   * for (for as long as `mqtt.max-replay-bytes-total` has room for what has changed since). A page looks at 20,000 places of
   * the tree of topics at most, and has 4 MB of payloads and one message more at most: so it may have fewer messages than
   * `limit`, or none, and others may follow. All have been found when `cursor` is null.
   *
   * A cursor is good for one call. The broker keeps what 16 of them need, those that were used last, for a minute each.
   *
   * @param topicFilter - of an ordinary subscription: `$share/` is refused
   * @throws {EmbedError} `invalid-argument`; `cursor-expired` when a cursor isn't good any more: begin again
   */
  match(topicFilter: string, options?: RetainedMatchOptions): RetainedPage;
  /**
   * Removes the retained messages whose topics match a filter, as they are now: what is retained while it works stays. The
   * broker's own messages below `$SYS` stay, too. Subscribers are not sent anything. Many are removed a part at a time, so that
   * clients don't wait.
   *
   * @param topicFilter - of an ordinary subscription: `$share/` is refused
   * @returns how many were removed; resolves when that is committed, so that a restart doesn't bring them back
   * @throws {EmbedError} as a rejection: `invalid-argument`, `stopped` and `storage-full` before anything happens; the last two also when
   * it comes to that in between: then a part has been removed
   */
  clear(topicFilter: string): Promise<number>;
}

const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 100;

/** Nodes of the tree that a page visits: some milliseconds. */
const PAGE_NODES_MAX = 20_000;

/** Bytes of payloads, from which on a page is full. */
const PAGE_BYTES_MAX = 4_000_000;

/** Nodes of the tree that are visited in a turn to be cleared: about 2 ms, with a record for each message. */
const CLEARED_NODES_MAX = 500;

/** `Retained` of a broker. */
export class BrokerRetained implements Retained {
  readonly #broker: Broker;
  readonly #cursors: RetainedCursors;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#cursors = new RetainedCursors(broker);
  }

  get(topic: string): RetainedInfo | null {
    const args = new Arguments('retained.get');
    args.text('topic', topic);
    if (/[#+]/.test(topic)) args.refuse(`${shown(topic)} has wildcards; match takes filters`);
    const { router, runtime } = this.#broker;
    const message = router.retained.get(topic);
    const now = runtime.now();
    return message === undefined || message.expiresAt <= now ? null : infoOf(message, now);
  }

  match(topicFilter: string, options: RetainedMatchOptions = {}): RetainedPage {
    const args = new Arguments('retained.match');
    checkTopicFilter(args, 'topicFilter', topicFilter);
    args.options(options, ['cursor', 'limit']);
    const limit = args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
    const { cursor = null } = options;
    const { router, runtime } = this.#broker;
    const place =
      cursor === null
        ? { walk: router.retained.walk(topicFilter), found: [] }
        : this.#cursors.take(topicFilter, args.text('cursor', cursor));
    const { walk, found } = place;
    const now = runtime.now();
    const messages: RetainedInfo[] = [];
    let nodesLeft = PAGE_NODES_MAX;
    let bytes = 0;
    let next = 0;
    while (messages.length < limit && bytes < PAGE_BYTES_MAX) {
      if (next === found.length) {
        found.length = 0;
        next = 0;
        if (walk.isDone || nodesLeft <= 0) break;
        nodesLeft -= router.retained.step(walk, Math.min(limit, nodesLeft), found, now);
        continue;
      }
      const message = found[next++] as Message;
      if (message.expiresAt <= now) continue;
      bytes += message.payload.length;
      messages.push(infoOf(message, now));
    }
    found.splice(0, next);
    const isOver = walk.isDone && found.length === 0;
    return { messages, cursor: isOver ? null : this.#cursors.keep(place) };
  }

  async clear(topicFilter: string): Promise<number> {
    checkTopicFilter(new Arguments('retained.clear'), 'topicFilter', topicFilter);
    this.#checkWritable();
    const { router, runtime, journal } = this.#broker;
    const walk = router.retained.walk(topicFilter);
    let count = 0;
    try {
      while (!walk.isDone) {
        count += this.#clearSome(walk);
        if (walk.isDone) break;
        await new Promise<void>((resolve) => runtime.defer(resolve));
        this.#checkWritable();
      }
    } finally {
      router.retained.end(walk);
    }
    if (count > 0) await committed(journal, `${count} retained messages are gone`);
    return count;
  }

  /** @returns how many were removed */
  #clearSome(walk: RetainedWalk<Message>): number {
    const { router, runtime } = this.#broker;
    const found: Message[] = [];
    router.retained.step(walk, CLEARED_NODES_MAX, found, runtime.now());
    let count = 0;
    for (const message of found) if (router.clearRetained(message)) count++;
    return count;
  }

  #checkWritable(): void {
    const { isServing, journal } = this.#broker;
    if (!isServing) throw new EmbedError('stopped', 'the broker has been stopped');
    if (journal.isOpen) return;
    throw new EmbedError('storage-full', 'no room on the disk to write that messages are gone');
  }
}

function infoOf(message: Message, now: number): RetainedInfo {
  const { publisherId } = message;
  return {
    ...messageInfoOf(message, remainingExpiry(message.expiresAt, now)),
    publisherId: publisherId === '' || publisherId === INSIDE_PUBLISHER ? null : publisherId,
  };
}
