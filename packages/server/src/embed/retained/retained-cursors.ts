import type { Message } from '@promptmq/session';
import type { RetainedWalk } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { Deadline } from '../../runtime/deadline-queue.ts';
import { Arguments } from '../calls/arguments.ts';
import { EmbedError } from '../calls/embed-error.ts';

/** Where a search for retained messages has stopped. */
export interface RetainedPlace {
  readonly walk: RetainedWalk<Message>;
  /** What has been found and wasn't on a page yet. */
  readonly found: Message[];
}

/** Of each, changes are remembered that retained messages have undergone since it began. */
const PLACES_MAX = 16;

const KEPT_MS = 60_000;

/**
 * Where searches for retained messages that come in pages continue.
 *
 * Invariant: the walks of those that it has have not ended; they are in the order in which they were kept.
 */
export class RetainedCursors {
  readonly #broker: Broker;
  /** By cursor. */
  readonly #places: Map<string, { readonly place: RetainedPlace; readonly keptAt: number }>;
  #cursorCount: number;
  readonly #idle: Deadline;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#places = new Map();
    this.#cursorCount = 0;
    this.#idle = new Deadline((now) => {
      for (const [cursor, { keptAt }] of this.#places) {
        if (keptAt + KEPT_MS <= now) this.#end(cursor);
      }
      this.#endLater();
    });
  }

  /** @returns the cursor */
  keep(place: RetainedPlace): string {
    const [oldest] = this.#places.keys();
    if (oldest !== undefined && this.#places.size >= PLACES_MAX) this.#end(oldest);
    const cursor = (++this.#cursorCount).toString(36);
    this.#places.set(cursor, { place, keptAt: this.#broker.runtime.now() });
    this.#endLater();
    return cursor;
  }

  /**
   * Takes a place back: its cursor is used up.
   *
   * @throws {EmbedError} `cursor-expired`; `invalid-argument` when it is another filter's
   */
  take(topicFilter: string, cursor: string): RetainedPlace {
    const kept = this.#places.get(cursor);
    if (kept === undefined) {
      throw new EmbedError(
        'cursor-expired',
        'broker.retained.match: cursor is good for one call, within a minute, and for the last 16 searches; begin again',
      );
    }
    if (kept.place.walk.topicFilter !== topicFilter) {
      new Arguments('retained.match').refuse("cursor is another filter's");
    }
    this.#places.delete(cursor);
    return kept.place;
  }

  #end(cursor: string): void {
    const kept = this.#places.get(cursor);
    this.#places.delete(cursor);
    if (kept !== undefined) this.#broker.router.retained.end(kept.place.walk);
  }

  #endLater(): void {
    const { deadlines } = this.#broker;
    const [oldest] = this.#places.values();
    if (oldest === undefined) deadlines.cancel(this.#idle);
    else if (this.#idle.index === -1) deadlines.schedule(this.#idle, oldest.keptAt + KEPT_MS);
  }
}
