import { invariant } from '../invariant.ts';
import type { MatchedRecipient } from './recipient.ts';

/** Up to this many recipients are searched; beyond it their positions are kept in a map. */
const SEARCHED_MAX = 8;

/**
 * The recipients that subscribed to one filter, one a session, in no particular order: the last
 * takes the place of one that leaves, so that leaving costs the same whatever the number.
 *
 * Invariant: a session is there once at most, at its position.
 */
export class RecipientList<S> {
  readonly items: MatchedRecipient<S>[];
  #positions: Map<S, number> | null;

  constructor() {
    this.items = [];
    this.#positions = null;
  }

  /** The position of a session's recipient, -1 when it has none. */
  positionOf(session: S): number {
    if (this.#positions !== null) {
      return this.#positions.get(session) ?? -1;
    }
    for (let position = 0; position < this.items.length; position++) {
      if (this.items[position]?.session === session) {
        return position;
      }
    }
    return -1;
  }

  /** Adds a session's recipient or replaces it. */
  put(recipient: MatchedRecipient<S>): void {
    const position = this.positionOf(recipient.session);
    if (position !== -1) {
      this.items[position] = recipient;
      return;
    }
    this.items.push(recipient);
    if (this.#positions !== null) {
      this.#positions.set(recipient.session, this.items.length - 1);
    } else if (this.items.length > SEARCHED_MAX) {
      this.#positions = new Map();
      for (let index = 0; index < this.items.length; index++) {
        this.#positions.set((this.items[index] as MatchedRecipient<S>).session, index);
      }
    }
  }

  /** Removes a session's recipient; false when it has none. */
  remove(session: S): boolean {
    const position = this.positionOf(session);
    if (position === -1) {
      return false;
    }
    const last = this.items.pop() as MatchedRecipient<S>;
    this.#positions?.delete(session);
    if (position < this.items.length) {
      this.items[position] = last;
      this.#positions?.set(last.session, position);
    }
    return true;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const [index, { session }] of this.items.entries()) {
      invariant(this.positionOf(session) === index, 'a session is in a list twice, or elsewhere');
    }
    const size = this.#positions?.size ?? this.items.length;
    invariant(size === this.items.length, `${size} positions of ${this.items.length} recipients`);
  }
}
