import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import { WorkerProcesses } from './admin-processes.ts';
import { RestartDelays } from './restart-delays.ts';
import {
  type CellPlace,
  cellName,
  linkSocket,
  type WorkerLabel,
  type WorkerListener,
} from './worker-messages.ts';
import {
  type PooledWorker,
  type WorkerEnd,
  WorkerPool,
  type WorkerPoolOptions,
  WorkerRefusal,
} from './worker-pool.ts';

export interface SupervisorOptions
  extends Pick<WorkerPoolOptions, 'log' | 'isColoured' | 'writeLine' | 'stopMs' | 'changeUsers'> {
  /** The name of this machine as a node. */
  readonly node: string;
  /** How many workers. */
  readonly count: number;
  /** Workers end again and again: nothing is served any more. */
  readonly onGivenUp: (why: string) => void;
}

/** A cell, as the supervisor of its worker has it. */
class Place {
  readonly number: number;
  worker: PooledWorker | null = null;
  /** How often its worker was started. */
  epoch = 0;
  readonly delays = new RestartDelays();
  timer: NodeJS.Timeout | null = null;

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * Has a number of workers run, each with a cell: starts them, starts one again that has ended, and ends all in order. It serves no client itself, so that
 * hardly anything can end it.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #pool: WorkerPool;
  readonly #places: Place[];
  /** The workers, as the API over all of them knows them. */
  readonly processes: WorkerProcesses;
  #isStopping = false;
  #begun: {
    readonly resolve: (listeners: readonly WorkerListener[]) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #listeners: readonly WorkerListener[] = [];
  /** How often a worker was started again. */
  restarts = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#log = options.log;
    const secret = randomBytes(32).toString('base64');
    this.#pool = new WorkerPool({ ...options, cluster: 'workers', secret });
    this.#places = Array.from({ length: options.count }, (_, number) => new Place(number));
    this.processes = new WorkerProcesses(this.#pool, options.count, (cell) => `worker ${cell}`);
  }

  /** The folder of the sockets between workers. */
  get directory(): string {
    return this.#pool.directory;
  }

  /** What is a worker's is served by nobody else. */
  get awaited(): readonly WorkerLabel[] {
    return this.#places.map(({ number }) => number);
  }

  readonly isTakingClients = true;
  readonly problems: readonly string[] = [];
  readonly warnings: readonly string[] = [];
  readonly remedies: readonly string[] = [];

  /** Whether each worker serves. */
  get #isWhole(): boolean {
    return this.#places.every(({ worker }) => worker?.isReady);
  }

  /** By number: the process of a worker, and whether it serves. */
  get workers(): readonly {
    readonly label: number;
    readonly pid: number | null;
    readonly isReady: boolean;
  }[] {
    return this.#places.map(({ number, worker }) => ({
      label: number,
      pid: worker?.pid ?? null,
      isReady: worker?.isReady ?? false,
    }));
  }

  /**
   * Starts all workers; resolves when all of them serve, with where they listen.
   *
   * @throws {WorkerRefusal} by rejection, when one can't begin; then none runs
   */
  start(): Promise<readonly WorkerListener[]> {
    const begun = new Promise<readonly WorkerListener[]>((resolve, reject) => {
      this.#begun = { resolve, reject };
    });
    for (const place of this.#places) this.#fork(place);
    this.#tell();
    return begun;
  }

  /** Has all workers read the configuration again. */
  reload(cause: string): void {
    this.#pool.reload(cause);
  }

  /** Ends all workers in order; resolves when there are none any more. */
  async stop(signal: string): Promise<void> {
    this.#startNoMore();
    await this.#pool.stop(signal);
  }

  /** Ends all workers at once. */
  kill(): void {
    this.#pool.kill();
  }

  /** It waits for nothing at its start but its workers. */
  abort(): void {}

  // --------------------------------------------------------------------- workers

  #fork(place: Place): void {
    const { number } = place;
    place.epoch++;
    const address = join(this.directory, linkSocket(number));
    place.worker = this.#pool.start(
      {
        ...{ label: number, cell: number, count: this.#places.length, epoch: place.epoch },
        ...{ name: cellName(number), node: null, address, witness: null },
      },
      {
        onReady: (listeners) => this.#onReady(place, listeners),
        onEnd: (end) => this.#onEnd(place, end),
      },
    );
  }

  /** Where the cells are. */
  #tell(): void {
    this.#pool.tell(
      this.#places.map(({ number, epoch, worker }): CellPlace => {
        const address = join(this.directory, linkSocket(number));
        const state = worker === null ? 'away' : worker.isReady ? 'serving' : 'opening';
        const { node } = this.#options;
        const known = { isAwaited: true, isHere: true, clients: [] };
        return { cell: number, epoch, state, address, node, ...known };
      }),
    );
  }

  #onReady(place: Place, listeners: readonly WorkerListener[]): void {
    if (place.number === 0) this.#listeners = listeners;
    this.#tell();
    if (this.#begun === null) {
      this.#log.info('worker-serves', { worker: place.number, pid: place.worker?.pid });
    } else if (this.#isWhole) {
      this.#begun.resolve(this.#listeners);
      this.#begun = null;
    }
  }

  #startNoMore(): void {
    this.#isStopping = true;
    for (const place of this.#places) {
      if (place.timer !== null) clearTimeout(place.timer);
      place.timer = null;
    }
  }

  #giveUp(error: Error): void {
    const begun = this.#begun;
    this.#begun = null;
    if (begun === null) {
      this.#options.onGivenUp(error.message);
      return;
    }
    this.#startNoMore();
    void this.#pool.abandon().then(() => begun.reject(error));
  }

  #onEnd(place: Place, { why, refusal, ranMs }: WorkerEnd): void {
    const { number } = place;
    place.worker = null;
    this.#tell();
    // One that was killed is started again, as later on.
    if (this.#begun !== null && refusal !== null) this.#giveUp(refusal);
    if (this.#isStopping) return;
    const said = refusal === null ? {} : { refusal: refusal.message };
    const waitMs = place.delays.next(ranMs);
    if (waitMs === null) {
      this.#log.fatal('worker-given-up', { worker: number, why, ...said });
      const { failures } = place.delays;
      this.#giveUp(
        new Error(`worker ${number} ended ${failures} times in a row, last with ${why}`),
      );
      return;
    }
    this.#log.error('worker-ended', { worker: number, why, ...said, restartMs: waitMs });
    this.restarts++;
    place.timer = setTimeout(() => {
      this.#fork(place);
      this.#tell();
    }, waitMs);
  }
}

export { WorkerRefusal };
