import type { CommitQueue } from './commit-queue.ts';
import type { RecordLog } from './record-log.ts';
import { RecordKind } from './records.ts';

/** Writes that sessions have ended: on a full disk as soon as there is room, as they would be back after a crash. */
export class SessionEnds {
  /** Of the last record: once it is safe, no session comes back that has ended; -1 when there has been none. */
  lastPosition: number;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  /** Numbers of sessions that ended without room to write so, by client identifier. */
  readonly #unwritten: Map<string, number>;

  constructor(records: RecordLog, queue: CommitQueue) {
    this.lastPosition = -1;
    this.#records = records;
    this.#queue = queue;
    this.#unwritten = new Map();
  }

  /** Whether a session of the client has ended and would be back after a crash: the disk is full. */
  hasUnwritten(clientId: string): boolean {
    return this.#unwritten.has(clientId);
  }

  write(clientId: string, number: number): void {
    const records = this.#records;
    if (!records.isOpen) {
      this.#unwritten.set(clientId, number);
      return;
    }
    const position = records.append(records.writer.reset().u8(RecordKind.End).f64(number));
    this.lastPosition = position;
    this.#queue.add({
      position,
      onCommitted: () => {},
      onRefused: () => {
        this.#unwritten.set(clientId, number);
        this.lastPosition = Math.min(this.lastPosition, position - 1);
      },
    });
  }

  /** The disk has room. */
  onHasRoom(): void {
    const ends = [...this.#unwritten];
    this.#unwritten.clear();
    for (const [clientId, number] of ends) this.write(clientId, number);
  }
}
