import type { LinkAddress, Witness } from '@promptmq/cluster';
import type { CellLoss } from '../cell/lost-log.ts';
import { cellName } from '../worker-messages.ts';
import type { WorkerEnd, WorkerPool } from '../worker-pool.ts';

/** How long a process may take to end once another node owns its cell, in milliseconds. */
const ABANDON_MS = 5000;

/** What the processes of cells need of the node. */
export interface CellProcessesHost {
  readonly node: string;
  /** How many cells the cluster has. */
  readonly count: number;
  readonly pool: WorkerPool;
  /** Where the process of a cell takes links. */
  addressOf(cell: number): LinkAddress;
  /** One of them serves, or doesn't any more. */
  onChanged(): void;
  /** How far the log of a cell was in the engine, as far as this node knows. */
  witnessOf(cell: number): Witness | null;
  /** The engine has more of the log of a cell that is served here. */
  onWitness(witness: Witness): void;
  /** A cell can't be opened, as something is lost of it; or it could. */
  onLoss(cell: number, epoch: number, loss: CellLoss | null): void;
  /** One that served has ended by itself. */
  onEnded(cell: number, epoch: number, why: string): void;
}

/** A process that prepares a cell, opens it, or serves it. */
interface CellProcess {
  /** Null while another node has the cell. */
  epoch: number | null;
  isServing: boolean;
  /** It is told to end: that it does is no news. */
  isReleased: boolean;
  /** It has nothing more to do with its cell: its process has ended, or will. */
  readonly left: Promise<void>;
  readonly ended: Promise<void>;
  /** Who waits for what it does now. */
  waiting: {
    readonly resolve: (outcome: 'prepared' | 'serving' | 'taken') => void;
    readonly reject: (error: Error) => void;
  };
}

/** The processes of this node that serve cells, one for each. */
export class CellProcesses {
  readonly #host: CellProcessesHost;
  readonly #processes = new Map<number, CellProcess>();

  constructor(host: CellProcessesHost) {
    this.#host = host;
  }

  /** As `MembershipHost.prepareCell`. */
  async prepare(cell: number): Promise<void> {
    await this.#processes.get(cell)?.ended;
    await this.#start(cell, null);
  }

  /** As `MembershipHost.openCell`. */
  async open(cell: number, epoch: number): Promise<'serving' | 'taken'> {
    const found = this.#processes.get(cell);
    const worker = this.#host.pool.of(cell);
    if (found === undefined || worker === null || found.isReleased || found.epoch !== null) {
      await found?.ended;
      return this.#start(cell, epoch) as Promise<'serving' | 'taken'>;
    }
    found.epoch = epoch;
    return new Promise((resolve, reject) => {
      found.waiting = { resolve: resolve as (outcome: string) => void, reject };
      worker.claim({ kind: 'claim', epoch, witness: this.#host.witnessOf(cell) });
    });
  }

  #start(cell: number, epoch: number | null): Promise<'prepared' | 'serving' | 'taken'> {
    const { node, count, pool } = this.#host;
    const address = this.#host.addressOf(cell);
    const [left, onLeft] = promise();
    const [ended, onEnded] = promise();
    return new Promise((resolve, reject) => {
      const started: CellProcess = {
        ...{ epoch, isServing: false, isReleased: false, left, ended },
        waiting: { resolve, reject },
      };
      this.#processes.set(cell, started);
      const task = {
        ...{ label: cell, cell, count, epoch: epoch ?? 0, isAhead: epoch === null },
        ...{ name: cellName(cell), node, address, witness: this.#host.witnessOf(cell) },
      };
      pool.start(task, {
        // Who has claimed it meanwhile waits for more.
        onPrepared: () => {
          if (started.epoch === null) started.waiting.resolve('prepared');
        },
        onReady: () => {
          started.isServing = true;
          this.#host.onLoss(cell, started.epoch as number, null);
          this.#host.onChanged();
          started.waiting.resolve('serving');
        },
        onLeft,
        onWitness: (witness) => this.#host.onWitness(witness),
        onEnd: (end) => {
          if (end.loss !== null) this.#host.onLoss(cell, started.epoch ?? 0, end.loss);
          this.#processes.delete(cell);
          onLeft();
          onEnded();
          this.#host.onChanged();
          if (started.isServing) {
            const isNews = !started.isReleased;
            if (isNews) this.#host.onEnded(cell, started.epoch as number, whyOf(end));
          } else if (end.taken !== null) started.waiting.resolve('taken');
          else started.waiting.reject(new Error(whyOf(end)));
        },
      });
    });
  }

  /**
   * A cell has an owner with a later epoch than it has here, if it is here: its process ends at once, and acknowledges nothing any more, as when
   * its next append is refused.
   */
  depose(cell: number, epoch: number, why: string): void {
    const found = this.#processes.get(cell);
    const worker = this.#host.pool.of(cell);
    if (found === undefined || worker === null || (found.epoch ?? epoch) >= epoch) return;
    if (worker.isReady) worker.send({ kind: 'abandon', why });
    else worker.kill();
  }

  /** As `MembershipHost.releaseCell`. */
  async release(cell: number, how: 'move' | 'abandon'): Promise<void> {
    const opened = this.#processes.get(cell);
    const worker = this.#host.pool.of(cell);
    if (opened === undefined || worker === null) return;
    opened.isReleased = true;
    if (!worker.isReady) worker.kill();
    else if (how === 'move') worker.send({ kind: 'stop', signal: 'move' });
    else {
      worker.send({ kind: 'abandon', why: 'another node has the cell' });
      const timer = setTimeout(() => worker.kill(), ABANDON_MS);
      await opened.ended;
      clearTimeout(timer);
    }
    await opened.left;
  }
}

function promise(): [settled: Promise<void>, settle: () => void] {
  let settle = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return [settled, settle];
}

function whyOf({ why, refusal, taken }: WorkerEnd): string {
  return refusal?.message ?? taken ?? `its process ended with ${why}`;
}
