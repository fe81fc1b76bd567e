import { join } from 'node:path';
import { adminSocket, type WorkerLabel } from './worker-messages.ts';

/** A worker of the pool: the same object for as long as its process runs. */
export interface AskedWorker {
  readonly label: WorkerLabel;
  readonly isReady: boolean;
  readonly task: { readonly cell: number | null };
}

/** What is asked of the pool. */
export interface AskedPool {
  /** The folder of the workers' sockets. */
  readonly directory: string;
  readonly workers: readonly AskedWorker[];
  onChange(listener: () => void): () => void;
}

/** A worker that serves, as another process asks it; the same object for as long as it does. */
export interface AskedProcess {
  /** For people. */
  readonly name: string;
  readonly cell: number;
  readonly at: { readonly socketPath: string };
}

/** The workers of a pool that have a cell, as the API over all of them knows them: one that was started again is another process. */
export class WorkerProcesses {
  readonly cellCount: number;
  readonly haveAllListeners = true;
  readonly #pool: AskedPool;
  readonly #nameOf: (cell: number) => string;
  readonly #known = new WeakMap<AskedWorker, AskedProcess>();

  /** @param nameOf - what a cell is called, whether a worker serves it or not */
  constructor(pool: AskedPool, cellCount: number, nameOf: (cell: number) => string) {
    this.#pool = pool;
    this.cellCount = cellCount;
    this.#nameOf = nameOf;
  }

  get serving(): readonly AskedProcess[] {
    return this.#pool.workers
      .flatMap((worker) => {
        const { cell } = worker.task;
        return worker.isReady && cell !== null ? [this.#processOf(worker, cell)] : [];
      })
      .sort((one, other) => one.cell - other.cell);
  }

  nameOf(cell: number): string {
    return this.#nameOf(cell);
  }

  onChange(listener: () => void): () => void {
    return this.#pool.onChange(listener);
  }

  #processOf(worker: AskedWorker, cell: number): AskedProcess {
    const known = this.#known.get(worker);
    if (known !== undefined) return known;
    const at = { socketPath: join(this.#pool.directory, adminSocket(worker.label)) };
    const process = { name: this.nameOf(cell), cell, at };
    this.#known.set(worker, process);
    return process;
  }
}
