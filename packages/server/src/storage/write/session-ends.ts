import { invariant, TextMap } from '@promptmq/topics';
import type { CommitQueue } from '../log/commit-queue.ts';
import type { RecordLog } from '../log/record-log.ts';
import { writeEnd, writeEnding } from '../records/session-record.ts';

/** The end of a session that is in no record. */
interface UnwrittenEnd {
  readonly number: number;
  /** As in an Ending record; null when nothing is left of the session. */
  readonly keptSequence: number | null;
}

/** Writes that sessions have ended: on a full disk as soon as there is room, as they would be back after a crash. */
export class SessionEnds {
  /** Of the last record: once it is committed, no session comes back that has ended; -1 when there has been none. */
  lastPosition: number;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  /** Sessions that ended without room to write so, by client identifier. */
  readonly #unwritten: Map<string, UnwrittenEnd>;

  constructor(records: RecordLog, queue: CommitQueue) {
    this.lastPosition = -1;
    this.#records = records;
    this.#queue = queue;
    this.#unwritten = new TextMap();
  }

  /** Sessions that have ended and would be back after a crash: the disk is full. */
  get unwrittenCount(): number {
    return this.#unwritten.size;
  }

  /** Whether a session of the client has ended and would be back after a crash: the disk is full. */
  hasUnwritten(clientId: string): boolean {
    return this.#unwritten.has(clientId);
  }

  /**
   * A session has ended for its client.
   *
   * @param keptSequence - null when nothing is left of it; else it lives on without a client, until `finish`
   */
  write(clientId: string, number: number, keptSequence: number | null = null): void {
    if (!this.#records.isOpen) {
      this.#unwritten.set(clientId, { number, keptSequence });
      return;
    }
    const position = this.#append(number, keptSequence);
    this.lastPosition = position;
    this.#queue.add({
      position,
      onCommitted: () => {},
      onRefused: () => {
        this.#unwritten.set(clientId, { number, keptSequence });
        // There are no records from the first that was refused on: nobody is to wait for any.
        this.lastPosition = Math.min(this.lastPosition, this.#records.lastPosition);
      },
    });
  }

  /** Nothing is left of a session whose end for its client was written. Nobody waits for that. */
  finish(number: number): void {
    const records = this.#records;
    if (!records.isOpen) {
      records.whenRoom(() => this.finish(number));
      return;
    }
    this.#queue.add({
      position: this.#append(number, null),
      onCommitted: () => {},
      onRefused: () => records.whenRoom(() => this.finish(number)),
    });
  }

  #append(number: number, keptSequence: number | null): number {
    const { writer } = this.#records;
    if (keptSequence === null) writeEnd(writer, number);
    else writeEnding(writer, number, keptSequence);
    return this.#records.append(writer);
  }

  /** The disk has room. */
  onHasRoom(): void {
    const ends = [...this.#unwritten];
    this.#unwritten.clear();
    for (const [clientId, { number, keptSequence }] of ends) {
      this.write(clientId, number, keptSequence);
    }
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const { isOpen, lastPosition } = this.#records;
    const unwritten = this.#unwritten.size;
    invariant(unwritten === 0 || !isOpen, `${unwritten} ends are not written, and there is room`);
    invariant(this.lastPosition <= lastPosition, `the last end lies at ${this.lastPosition}`);
  }
}
