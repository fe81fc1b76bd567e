import { invariant } from '@promptmq/topics';
import type { Faults } from '../../runtime/faults.ts';
import type { AwaitedAcks, Pending } from '../journal.ts';

/**
 * What waits for the log: answers, in the order of the records they depend on, and of their coming where that is the same.
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

  /** Mostly it comes last. An answer to CONNECT may depend on an earlier record than what waits already. */
  add(pending: Pending): void {
    const { position } = pending;
    const all = this.#pending;
    let low = this.#head;
    let high = all.length;
    if (low === high || (all[high - 1] as Pending).position <= position) {
      all.push(pending);
      return;
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((all[middle] as Pending).position <= position) low = middle + 1;
      else high = middle;
    }
    all.splice(low, 0, pending);
  }

  /** A connection has acknowledgements to send when their records are committed. */
  addAcks(acks: AwaitedAcks): void {
    this.#acks.add(acks);
  }

  /** Records before a position are committed. */
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
   * There are no records from a position on, as they were refused.
   *
   * @param committed - records before this position are committed
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
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let former = 0;
    for (const { position } of this.#pending.slice(this.#head)) {
      invariant(position >= former, `what waits for ${position} comes after ${former}`);
      former = position;
    }
  }
}
