import { randomBytes } from 'node:crypto';
import type { AdminStats } from '../../embed/admin-endpoint.ts';
import { EventFeed, gapAfter } from './event-feed.ts';
import type { EventStream } from './event-stream.ts';
import type { OpenStreams } from './open-streams.ts';

/** Bytes of identifiers of feeds that are made here. */
const ID_BYTES = 9;

/** The identifier of an event: that of its feed, and its number there. */
const EVENT_ID = /^([\w-]{12})-(\d{1,15})$/;

/** What limits them; it may change while they are open. */
export interface FeedLimits {
  readonly maxStreams: number;
  /** How long one is kept for a reader who has gone, in milliseconds; 0: not at all. */
  readonly resumeTimeout: number;
  /** Bytes of events that are kept for a reader who comes back; 0: none. */
  readonly maxResumeBytes: number;
}

/** Who reads events. */
export interface FeedReader {
  /** For the log. */
  readonly caller: string;
  /** The same for the same reader who asks for the same events, and for nobody else. */
  readonly key: string;
  /** The last event that he has had; null when he comes for the first time. */
  readonly lastEventId: string | null;
}

interface Followed {
  readonly feed: EventFeed;
  readonly end: () => void;
  /** Runs while nobody reads. */
  timer: NodeJS.Timeout | null;
}

/**
 * Streams of events whose readers may come back. While one is away, what happens is kept for him, as long and as far as there is room;
 * nothing is kept, or even made, of what nobody has asked for.
 *
 * Invariant: of those whose readers are away there are `maxStreams` at most.
 */
export class EventFeeds {
  readonly #limits: FeedLimits;
  readonly #streams: OpenStreams;
  readonly #stats: AdminStats;
  /** Those that have a reader. */
  readonly #read: Map<string, Followed>;
  /** Those whose reader is away, the one that is away longest first. */
  readonly #kept: Map<string, Followed>;
  #isClosed: boolean;

  constructor(limits: FeedLimits, streams: OpenStreams, stats: AdminStats) {
    this.#limits = limits;
    this.#streams = streams;
    this.#stats = stats;
    this.#read = new Map();
    this.#kept = new Map();
    this.#isClosed = false;
  }

  /** Those whose readers are away. */
  get keptCount(): number {
    return this.#kept.size;
  }

  /**
   * Opens a stream, or continues the one of which the reader has had an event: then he gets those that came after it. Where some of
   * them are not there any more, or none is known, he gets `gap` first.
   *
   * @param follow - has events sent from now on; returns what ends that
   * @throws {ApiError} 429 where there are as many as may be
   */
  open(reader: FeedReader, follow: (send: EventFeed['send']) => () => void): EventStream {
    const { caller, key, lastEventId } = reader;
    const [, id = '', number] = EVENT_ID.exec(lastEventId ?? '') ?? [];
    const found = this.#kept.get(id) ?? this.#read.get(id);
    return this.#streams.open(caller, 'events', (stream) => {
      let followed: Followed;
      if (found?.feed.key === key) {
        followed = found;
        this.#noteMissing(found.feed.attach(stream, Number(number)));
      } else {
        followed = this.#begin(key, follow);
        if (lastEventId !== null) {
          stream.send('gap', gapAfter(lastEventId, null));
          this.#noteMissing(1);
        }
        followed.feed.attach(stream, 0);
      }
      this.#setRead(followed);
      return () => {
        if (followed.feed.detach(stream)) this.#keep(followed);
      };
    });
  }

  /** The broker stops: nobody will come back. */
  close(): void {
    this.#isClosed = true;
    for (const followed of this.#kept.values()) this.#end(followed);
  }

  #begin(key: string, follow: (send: EventFeed['send']) => () => void): Followed {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const feed = new EventFeed(id, key, this.#limits.maxResumeBytes);
    const end = follow((name, data) => {
      feed.send(name, data);
      // Nothing more is made for a reader who would miss some all the same.
      if (!feed.isComplete) this.#end(followed);
    });
    const followed: Followed = { feed, end, timer: null };
    return followed;
  }

  #noteMissing(count: number): void {
    if (count > 0) this.#stats.gaps++;
  }

  #setRead(followed: Followed): void {
    if (followed.timer !== null) clearTimeout(followed.timer);
    followed.timer = null;
    this.#kept.delete(followed.feed.id);
    this.#read.set(followed.feed.id, followed);
  }

  /** Its reader has gone. */
  #keep(followed: Followed): void {
    const { feed } = followed;
    const { maxStreams, resumeTimeout } = this.#limits;
    this.#read.delete(feed.id);
    if (this.#isClosed || !feed.isKnown || resumeTimeout === 0) {
      followed.end();
      return;
    }
    followed.timer = setTimeout(() => this.#end(followed), resumeTimeout);
    followed.timer.unref();
    this.#kept.set(feed.id, followed);
    for (const oldest of this.#kept.values()) {
      if (this.#kept.size <= maxStreams) break;
      this.#end(oldest);
    }
  }

  #end(followed: Followed): void {
    if (followed.timer !== null) clearTimeout(followed.timer);
    this.#kept.delete(followed.feed.id);
    followed.end();
  }
}
