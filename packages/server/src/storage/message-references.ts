import { DeliveryState } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import type { JournalEntry } from './journal.ts';

/** A delivery that a References or HandOver record names: the message's own record doesn't know of it. */
interface NamedElsewhere {
  readonly session: number;
  readonly sequence: number;
}

/** Who refers to which message, so that compaction keeps and moves it for them, too. */
export class MessageReferences {
  /** By the position of the message's record. */
  readonly #references: Map<number, NamedElsewhere[]>;

  constructor() {
    this.#references = new Map();
  }

  add(position: number, session: number, sequence: number): void {
    const list = this.#references.get(position);
    if (list === undefined) this.#references.set(position, [{ session, sequence }]);
    else list.push({ session, sequence });
  }

  remove(position: number, session: number, sequence: number): void {
    const list = this.#references.get(position);
    if (list === undefined) return;
    const others = list.filter((one) => one.session !== session || one.sequence !== sequence);
    if (others.length === 0) this.#references.delete(position);
    else this.#references.set(position, others);
  }

  /** The record of a message lies elsewhere now. */
  move(from: number, to: number): void {
    const list = this.#references.get(from);
    if (list === undefined) return;
    this.#references.delete(from);
    this.#references.set(to, list);
  }

  /** Who refers to the message of a record. */
  to(position: number): readonly NamedElsewhere[] {
    return this.#references.get(position) ?? [];
  }

  /**
   * Each names a delivery that isn't settled, and each delivery that has a record of its own is named.
   *
   * @param entries - all sessions, by their number
   * @throws {Error} when it isn't so; for tests
   */
  checkInvariants(entries: ReadonlyMap<number, JournalEntry>): void {
    let count = 0;
    for (const [position, list] of this.#references) {
      for (const { session, sequence } of list) {
        count++;
        const delivery = entries.get(session)?.session.stored?.find(sequence) ?? null;
        const name = `${sequence} of session ${session}`;
        invariant(delivery?.isReference === true, `${name} is no reference`);
        invariant(delivery.position === position, `${name} refers to ${delivery.position}`);
      }
    }
    let referring = 0;
    for (const { session } of entries.values()) {
      const { stored } = session;
      if (stored === null) continue;
      for (const { isReference, state } of stored.underWay()) {
        if (isReference && state !== DeliveryState.Released) referring++;
      }
      for (const _ of stored.queue.references()) referring++;
    }
    invariant(count === referring, `${referring} deliveries refer to messages, ${count} are known`);
  }
}
