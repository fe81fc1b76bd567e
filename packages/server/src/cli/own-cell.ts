import {
  type CellLoss,
  type ConnectedEngine,
  engineOf,
  LogLost,
  OwnLog,
  type WorkerStart,
} from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { OpenedBroker } from '../embed/create-broker.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import type { Logger } from '../log/index.ts';
import { type HostedCellOptions, lossOf } from './hosted-cell.ts';

/** The broker of a cell of which no other node has the log. It needs the engine only to find out which log that is. */
export class OwnCell {
  readonly running: EmbeddedBroker;
  readonly #opened: OpenedBroker;
  readonly #onEnded: (why: string) => void;
  #hasEnded = false;
  #stopping: Promise<void> | null = null;

  private constructor(opened: OpenedBroker, onEnded: (why: string) => void) {
    this.running = opened.running;
    this.#opened = opened;
    this.#onEnded = onEnded;
  }

  /**
   * Serves a cell that this node has claimed.
   *
   * @param config - of the worker: with the folders of the cell
   * @param ahead - the engine, where it is connected already; closed when this returns
   * @throws {LogLost} when its log isn't there, and is to be waited for
   * @throws {EngineError} `unavailable`, `unsuitable`, `not-installed`
   * @throws {LogNotedOtherwise}, {LogError} as `OwnLog.find`
   */
  static async open(
    { cell, epoch, node }: WorkerStart,
    config: Config,
    ahead: ConnectedEngine | null,
    log: Logger,
    { openBroker, onEnded }: Pick<HostedCellOptions, 'openBroker' | 'onEnded'>,
  ): Promise<OwnCell> {
    const { walDir, dataDir } = config.storage;
    const engine = ahead?.engine ?? engineOf(config);
    try {
      if (ahead === null) await engine.connect();
      const own = await OwnLog.find({
        ...{ map: engine.map, cell: cell as number, epoch, node: node as string },
        ...{ walDir, dataDir, onLoss: config.cluster.onNodeLoss, log },
      });
      let self: OwnCell | null = null;
      const opened = await openBroker(
        { logId: own.identity, onOpened: (one) => own.keep(one) },
        (why) => self?.end(why),
      );
      self = new OwnCell(opened, onEnded);
      return self;
    } finally {
      await engine.close();
    }
  }

  /** Another process has the cell, or its log can't continue: nothing is acknowledged any more, and the broker stops. */
  end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#opened.broker.storage?.log.fence(why);
    this.#onEnded(why);
    void this.stop();
  }

  /** Stops the broker in order. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    try {
      await this.running.stop();
    } catch (error) {
      // A log that is fenced can't be closed in order.
      if (!this.#hasEnded) throw error;
    }
  }
}

/** What is lost of a cell, so that it could not be opened; null where it is something else. */
export function cellLossOf(error: unknown): CellLoss | null {
  return error instanceof LogLost ? error.loss : lossOf(error);
}
