import { invariant } from '@promptmq/topics';
import type { CheckpointEntry } from '@promptmq/wal';
import { ByteReader } from '../records/byte-reader.ts';
import type { ByteWriter } from '../records/byte-writer.ts';
import { KeyLetter, stateKey } from '../records/checkpoint/keys.ts';
import type { CellOrigin } from '../records/message-record.ts';

/*
 * Up to where the messages of another cell are applied, in a checkpoint:
 *
 *   f64       generation
 *   f64       sequence
 */

/** Up to where what another cell has forwarded is applied. */
export interface AppliedMark {
  /** Whose sequences they are: a log that begins again numbers anew. */
  readonly generation: number;
  readonly sequence: number;
}

/** A mark that was set by a record which is not committed yet. */
interface Advance {
  readonly position: number;
  readonly cell: number;
  /** What the mark was before; null when there was none. */
  readonly former: AppliedMark | null;
}

/**
 * What this cell has applied of the messages that other cells forwarded: by cell, the highest sequence that a record names.
 *
 * Invariant: `#advances` are in the order of their positions.
 */
export class AppliedMarks {
  readonly #marks: Map<number, AppliedMark>;
  #advances: Advance[];
  readonly #changed: Set<number>;

  constructor() {
    this.#marks = new Map();
    this.#advances = [];
    this.#changed = new Set();
  }

  /** @returns null when nothing of the cell was ever applied */
  of(cell: number): AppliedMark | null {
    return this.#marks.get(cell) ?? null;
  }

  /** A record was appended at a position that applies a message of another cell. */
  advance(origin: CellOrigin, position: number): void {
    this.#advances.push({ position, cell: origin.cell, former: this.of(origin.cell) });
    this.replay(origin);
  }

  /** A record of a process that has ended applies a message of another cell. */
  replay({ cell, generation, sequence }: CellOrigin): void {
    this.#marks.set(cell, { generation, sequence });
    this.#changed.add(cell);
  }

  /** Records before a position are committed. */
  commit(position: number): void {
    const all = this.#advances;
    let count = 0;
    while (count < all.length && (all[count] as Advance).position < position) count++;
    if (count > 0) this.#advances = all.slice(count);
  }

  /** There are no records from a position on, as they were refused: nothing that they name is applied. */
  takeBack(position: number): void {
    const all = this.#advances;
    this.#advances = all.filter((one) => one.position < position);
    for (let index = all.length - 1; index >= this.#advances.length; index--) {
      const { cell, former } = all[index] as Advance;
      if (former === null) this.#marks.delete(cell);
      else this.#marks.set(cell, former);
      this.#changed.add(cell);
    }
  }

  /** As the last checkpoint has it. */
  restore(cell: number, value: Uint8Array): void {
    const reader = new ByteReader(value);
    const generation = reader.f64();
    this.#marks.set(cell, { generation, sequence: reader.f64() });
  }

  /** What has changed since the last call. */
  *changes(writer: ByteWriter): Generator<CheckpointEntry> {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const cell of changed) yield [keyOf(cell), this.#write(cell, writer)];
  }

  /** All there is, without effect on `changes`. */
  *snapshot(writer: ByteWriter): Generator<readonly [key: string, value: Uint8Array]> {
    for (const cell of this.#marks.keys()) {
      yield [keyOf(cell), this.#write(cell, writer) as Uint8Array];
    }
  }

  /** The next checkpoint holds everything. */
  forgetChanges(): void {
    this.#changed.clear();
  }

  /** @returns null when there is no mark any more */
  #write(cell: number, writer: ByteWriter): Uint8Array | null {
    const mark = this.of(cell);
    return mark === null ? null : writer.reset().f64(mark.generation).f64(mark.sequence).take();
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let former = 0;
    for (const { position } of this.#advances) {
      invariant(position > former, `the advance at ${position} follows that at ${former}`);
      former = position;
    }
  }
}

function keyOf(cell: number): string {
  return stateKey(KeyLetter.Applied, cell);
}
