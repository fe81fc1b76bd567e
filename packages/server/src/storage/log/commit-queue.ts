import type { Connection } from '../../connection/connection.ts';
import type { Faults } from '../../runtime/faults.ts';

/** Something that may happen when a record is safe. */
export interface Pending {
  /** Of the record. */
  readonly position: number;
  /** Whose answer it is, if it is one. */
  readonly connection?: Connection;
  onCommitted(): void;
  /** The record will never be: the disk is full, or the log has failed. */
  onRefused(): void;
}

/**
 * What waits for the log: answers, in the order of the records they depend on.
 *
 * Invariant: positions never fall from one to the next.
 */
export class CommitQueue {
  readonly #faults: Faults;
  #pending: Pending[] = [];
  #head = 0;
  /** Those whose acknowledgements wait. */
  readonly #connections: Set<Connection> = new Set();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  add(pending: Pending): void {
    this.#pending.push(pending);
  }

  /** The connection has acknowledgements to send when their records are safe. */
  addConnection(connection: Connection): void {
    this.#connections.add(connection);
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
    for (const connection of this.#connections) this.#sendAcks(connection, position);
  }

  #sendAcks(connection: Connection, position: number): void {
    let isDone = true;
    try {
      isDone = connection.receiver.sendCommittedAcks(position);
    } catch (error) {
      this.#faults.caught(connection, 'committing', error);
    }
    if (isDone) this.#connections.delete(connection);
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
    for (const connection of this.#connections) {
      this.#faults.contain(connection, 'committing', () =>
        connection.receiver.refuseAcks(position),
      );
      // A refusal depends on no record: on a full disk there may be no commit for long.
      this.#sendAcks(connection, committed);
    }
  }
}
