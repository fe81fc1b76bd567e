import {
  type Directory,
  type EngineLoss,
  remedyOfLoss,
  textOfLoss,
  type Witness,
  WitnessBook,
} from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';

/**
 * What a node knows of how far the logs of cells were in the engine, its own and what others have told, and what it has found missing by that.
 * It is in memory: a node that starts is told by the others.
 */
export class NodeWitness {
  readonly #log: Logger;
  readonly #onOwner: (witness: Witness) => void;
  readonly #book = new WitnessBook();
  /** By cell: what keeps it from being opened here. */
  readonly #losses = new Map<number, { readonly epoch: number; readonly loss: EngineLoss }>();
  /** How often an engine was found to have lost data. */
  violations = 0;

  /** @param onOwner - told of each cell that has a newer owner than was known */
  constructor(log: Logger, onOwner: (witness: Witness) => void) {
    this.#log = log;
    this.#onOwner = onOwner;
  }

  all(): readonly Witness[] {
    return this.#book.all;
  }

  of(cell: number): Witness | null {
    return this.#book.of(cell);
  }

  /** Notes what an owner has said. */
  note(witness: Witness): void {
    const known = this.#book.of(witness.cell);
    if (!this.#book.note(witness)) return;
    const { cell, epoch, position, sequence, node } = witness;
    this.#log.debug('cell-witnessed', { cell, sequence, position, node });
    if (epoch > (known?.epoch ?? 0)) this.#onOwner(witness);
    if (known === null || epoch === known.epoch || position >= known.position) return;
    // A node has opened it that had been told nothing: what is missing is missing.
    this.#report(epoch, { witness: known, position, sequence });
  }

  /** A cell could not be opened here, as the engine has lost data of it; null when it was opened. */
  onOpened(cell: number, epoch: number, loss: EngineLoss | null): void {
    if (loss === null) this.#losses.delete(cell);
    else {
      this.#losses.set(cell, { epoch, loss });
      this.#report(epoch, loss);
    }
  }

  /** Where the cells are has changed: one that is served elsewhere is no problem of this node. */
  onDirectory({ cells }: Directory): void {
    for (const { cell, epoch, state } of cells) {
      const found = this.#losses.get(cell);
      if (found !== undefined && state === 'serving' && epoch > found.epoch) {
        this.#losses.delete(cell);
      }
    }
  }

  /** Whether a cell can't be opened. */
  get hasLosses(): boolean {
    return this.#losses.size > 0;
  }

  /** What is to be done about that. */
  get remedies(): readonly string[] {
    return [...this.#losses.values()].map(({ loss }) => remedyOfLoss(loss));
  }

  #report(epoch: number, loss: EngineLoss): void {
    const { witness, position } = loss;
    this.violations++;
    this.#log.error('cluster-engine-lost-data', {
      ...{ cell: witness.cell, epoch, position, witnessed: witness.position, node: witness.node },
      ...{ why: textOfLoss(loss), remedy: remedyOfLoss(loss) },
    });
  }
}
