import { invariant } from '@promptmq/topics';
import type { RecordLog } from '../log/record-log.ts';
import { writeDocument } from '../records/document-record.ts';
import type { StoredDocuments } from './stored-documents.ts';

/**
 * Writes documents. What the disk refuses holds for this process all the same, and is written when there is room.
 *
 * Invariant: each document is in a record, or noted as unwritten.
 */
export class DocumentWriter {
  readonly #documents: StoredDocuments;
  readonly #records: RecordLog;
  /** By key: positions of records that may still be refused; -1 where there is none. */
  readonly #pending: Map<string, number>;

  constructor(documents: StoredDocuments, records: RecordLog) {
    this.#documents = documents;
    this.#records = records;
    this.#pending = new Map();
  }

  /** @returns the record's position; -1 when there is no room */
  write(key: string, document: Uint8Array | null): number {
    this.#documents.set(key, document);
    return this.#append(key);
  }

  #append(key: string): number {
    let position = -1;
    if (this.#records.isOpen) {
      writeDocument(this.#records.writer, { key, document: this.#documents.get(key) });
      position = this.#records.append();
    }
    this.#pending.set(key, position);
    return position;
  }

  /** Records before a position are committed. */
  commit(position: number): void {
    for (const [key, its] of this.#pending) {
      if (its !== -1 && its < position) this.#pending.delete(key);
    }
  }

  /** There are no records from a position on, as they were refused. */
  takeBack(from: number): void {
    for (const [key, its] of this.#pending) if (its >= from) this.#pending.set(key, -1);
  }

  onHasRoom(): void {
    for (const [key, position] of this.#pending) if (position === -1) this.#append(key);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const [key, position] of this.#pending) {
      invariant(position !== -1 || !this.#records.isOpen, `${key} is unwritten, and there is room`);
    }
  }
}
