import { EntryKind } from '../log/entry.ts';
import type { ReadEntry } from '../log/epoch-reader.ts';
import type { EngineLoss } from './engine-loss.ts';
import { EngineLostData } from './engine-lost-data.ts';
import type { Witness } from './witness.ts';

/** An entry that counts. */
type CountedEntry = Exclude<ReadEntry, { kind: 'void' }>;

/**
 * Compares what is read of a cell's log with how far others know that it was. Whoever opens the cell reads until behind an entry of its own,
 * so that nothing is missing at the end merely because a server is behind.
 *
 * Invariant: no entry passes that takes the place of one that was acknowledged.
 */
export class WitnessCheck {
  readonly #witness: Witness;
  #isConfirmed = false;
  #hasBegun = false;
  /** Where the log ends, as read so far, and with which entry. */
  #position = 0;
  #sequence = 0;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /**
   * Takes the next entry that counts, before anything is made of it.
   *
   * @throws {EngineLostData} when it stands where another one was acknowledged, or behind the end of what is left
   */
  take(sequence: number, { entry }: CountedEntry): void {
    if (this.#isConfirmed) return;
    const { epoch, sequence: witnessed, position, chain } = this.#witness;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (isFirst) this.#position = entry.previous;
    // Owners have trimmed it, who knew of it.
    if (isFirst && sequence > witnessed && entry.previous >= position) {
      this.#isConfirmed = true;
      return;
    }
    if (entry.epoch === epoch && entry.sum === chain) {
      this.#isConfirmed = true;
      return;
    }
    if (entry.epoch > epoch || sequence > witnessed) throw new EngineLostData(this.loss);
    this.#position = entry.position + (entry.kind === EntryKind.owner ? 0 : entry.bodySize);
    this.#sequence = sequence;
  }

  /** What is missing, unless more is read. */
  get loss(): EngineLoss {
    return { witness: this.#witness, position: this.#position, sequence: this.#sequence };
  }
}
