import type { Witness } from './witness.ts';

/**
 * How far the logs of cells were, as their owners have said: of each cell what is highest. It is in memory only: what several nodes know
 * doesn't go with one of them.
 *
 * Invariant: of each cell there is that of the highest epoch, and of that epoch the highest sequence.
 */
export class WitnessBook {
  readonly #witnesses = new Map<number, Witness>();

  get all(): readonly Witness[] {
    return [...this.#witnesses.values()];
  }

  of(cell: number): Witness | null {
    return this.#witnesses.get(cell) ?? null;
  }

  /** @returns whether it is news */
  note(witness: Witness): boolean {
    const known = this.#witnesses.get(witness.cell);
    if (known !== undefined && !isHigher(witness, known)) return false;
    this.#witnesses.set(witness.cell, witness);
    return true;
  }
}

function isHigher(one: Witness, other: Witness): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}
