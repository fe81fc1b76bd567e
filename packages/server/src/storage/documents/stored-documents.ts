import { invariant } from '@promptmq/topics';
import type { CheckpointEntry } from '@promptmq/wal';
import { ByteReader } from '../records/byte-reader.ts';
import type { ByteWriter } from '../records/byte-writer.ts';
import { KeyLetter, stateKey } from '../records/checkpoint/keys.ts';
import { readDocument, writeDocument } from '../records/document-record.ts';

interface StoredDocument {
  /** What the checkpoint knows the key by; numbers are not used again. */
  readonly number: number;
  readonly document: Uint8Array;
}

/** What the broker keeps by keys, and what of that the next checkpoint has to hold. */
export class StoredDocuments {
  readonly #documents: Map<string, StoredDocument>;
  readonly #changed: Set<string>;
  #removedNumbers: number[];
  #nextNumber: number;

  constructor() {
    this.#documents = new Map();
    this.#changed = new Set();
    this.#removedNumbers = [];
    this.#nextNumber = 1;
  }

  /** In the order in which their keys came first. */
  *entries(): Generator<readonly [key: string, document: Uint8Array]> {
    for (const [key, { document }] of this.#documents) yield [key, document];
  }

  /** @returns null when there is none of this key */
  get(key: string): Uint8Array | null {
    return this.#documents.get(key)?.document ?? null;
  }

  /** @param document - null when there is to be none; kept */
  set(key: string, document: Uint8Array | null): void {
    const former = this.#documents.get(key);
    if (document !== null) {
      this.#documents.set(key, { number: former?.number ?? this.#nextNumber++, document });
      this.#changed.add(key);
    } else if (former !== undefined) {
      this.#documents.delete(key);
      this.#changed.delete(key);
      this.#removedNumbers.push(former.number);
    }
  }

  /** As the last checkpoint has it. */
  restore(number: number, value: Uint8Array): void {
    const { key, document } = readDocument(new ByteReader(value));
    if (document !== null) this.#documents.set(key, { number, document });
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** What has changed since the last call. */
  *changes(writer: ByteWriter): Generator<CheckpointEntry> {
    for (const number of this.#removedNumbers.splice(0)) yield [keyOf(number), null];
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const key of changed) yield this.#entry(key, writer);
  }

  /** All there is, without effect on `changes`. */
  *snapshot(writer: ByteWriter): Generator<readonly [key: string, value: Uint8Array]> {
    for (const key of this.#documents.keys()) yield this.#entry(key, writer);
  }

  /** The next checkpoint holds everything. */
  forgetChanges(): void {
    this.#removedNumbers = [];
    this.#changed.clear();
  }

  #entry(key: string, writer: ByteWriter): readonly [key: string, value: Uint8Array] {
    const { number, document } = this.#documents.get(key) as StoredDocument;
    writeDocument(writer, { key, document });
    return [keyOf(number), writer.take()];
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const numbers = new Set<number>();
    for (const [key, { number }] of this.#documents) {
      invariant(!numbers.has(number), `${key} has the number of another document`);
      invariant(number < this.#nextNumber, `number ${number} may be given again`);
      numbers.add(number);
    }
    for (const key of this.#changed) {
      invariant(this.#documents.has(key), `${key} has changed, and is not there`);
    }
  }
}

function keyOf(number: number): string {
  return stateKey(KeyLetter.Document, number);
}
