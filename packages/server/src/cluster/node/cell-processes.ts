import type { LinkAddress } from '@promptmq/cluster';
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
  /** One that served has ended by itself. */
  onEnded(cell: number, epoch: number, why: string): void;
}

/** A process that opens a cell, or serves it. */
interface CellProcess {
  readonly epoch: number;
  /** It is told to end: that it does is no news. */
  isReleased: boolean;
  readonly ended: Promise<void>;
}

/** The processes of this node that serve cells, one for each. */
export class CellProcesses {
  readonly #host: CellProcessesHost;
  readonly #processes = new Map<number, CellProcess>();

  constructor(host: CellProcessesHost) {
    this.#host = host;
  }

  /** As `MembershipHost.openCell`. */
  open(cell: number, epoch: number): Promise<'serving' | 'taken'> {
    const { node, count, pool } = this.#host;
    const address = this.#host.addressOf(cell);
    return new Promise((resolve, reject) => {
      let isServing = false;
      let onEnded = () => {};
      const ended = new Promise<void>((done) => {
        onEnded = done;
      });
      const opened: CellProcess = { epoch, isReleased: false, ended };
      this.#processes.set(cell, opened);
      const task = { label: cell, cell, count, epoch, name: cellName(cell), node, address };
      pool.start(task, {
        onReady: () => {
          isServing = true;
          this.#host.onChanged();
          resolve('serving');
        },
        onEnd: (end) => {
          this.#processes.delete(cell);
          onEnded();
          this.#host.onChanged();
          if (isServing) {
            if (!opened.isReleased) this.#host.onEnded(cell, epoch, whyOf(end));
          } else if (end.taken !== null) resolve('taken');
          else reject(new Error(whyOf(end)));
        },
      });
    });
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
    await opened.ended;
  }
}

function whyOf({ why, refusal, taken }: WorkerEnd): string {
  return refusal?.message ?? taken ?? `its process ended with ${why}`;
}
