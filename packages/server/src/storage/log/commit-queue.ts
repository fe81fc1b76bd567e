import type { Faults } from '../../runtime/faults.ts';
import type { AwaitedAcks, Pending } from '../journal.ts';

/**
 * What waits for the log: answers, in the order of the records they depend on.
 *
 * Invariant: positions never fall from one to the next.
 */
export class CommitQueue {
  readonly #faults: Faults;
  #pending: Pending[] = [];
  #head = 0;
  readonly #acks: Set<AwaitedAcks> = new Set();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  add(pending: Pending): void {
    this.#pending.push(pending);
  }

  /** A connection has acknowledgements to send when their records are safe. */
  addAcks(acks: AwaitedAcks): void {
    this.#acks.add(acks);
  }

  /** Everything before a position is safe. */
  commit(position: number): void {
    while (this.#head < this.#pending.length) {
      const first = this.#pending[this.#head] as Pending;
      if (first.position >= position) break;
      this.#head++;
      try {
        first.onCommitted();
      } catch (error) {
        this.#faults.caught(first.connection ?? null, 'committing', error);
      }
    }
    if (this.#head === this.#pending.length) {
      this.#pending = [];
      this.#head = 0;
    }
    for (const acks of this.#acks) this.#sendAcks(acks, position);
  }

  #sendAcks(acks: AwaitedAcks, position: number): void {
    let isDone = true;
    try {
      isDone = acks.sendCommittedAcks(position);
    } catch (error) {
      this.#faults.caught(acks.connection, 'committing', error);
    }
    if (isDone) this.#acks.delete(acks);
  }

  /**
   * Everything at or behind a position is void.
   *
   * @param committed - everything before this one is safe
   */
  refuse(position: number, committed: number): void {
    const all = this.#pending.slice(this.#head);
    this.#pending = all.filter((one) => one.position < position);
    this.#head = 0;
    for (const one of all) {
      if (one.position < position) continue;
      this.#faults.contain(one.connection ?? null, 'committing', () => one.onRefused());
    }
    for (const acks of this.#acks) {
      this.#faults.contain(acks.connection, 'committing', () => acks.refuseAcks(position));
      // A refusal depends on no record: on a full disk there may be no commit for long.
      this.#sendAcks(acks, committed);
    }
  }
}
