import { untilAnswered } from '@promptmq/cluster';
import { nodeClock } from '@promptmq/wal';
import {
  CellEnd,
  type CellLoss,
  type ConnectedEngine,
  engineOf,
  LogLost,
  OwnLog,
  type WorkerStart,
} from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import type { Logger } from '../log/index.ts';
import { Hosted, type HostedCellOptions, lossOf } from './hosted-cell.ts';

/** The broker of a cell of which no other node has the log. It needs the engine only to find out which log that is. */
export class OwnCell {
  readonly running: EmbeddedBroker;
  readonly #end: CellEnd;

  private constructor(running: EmbeddedBroker, end: CellEnd) {
    this.running = running;
    this.#end = end;
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
    {
      openBroker,
      onEnded,
      onWaiting,
    }: Pick<HostedCellOptions, 'openBroker' | 'onEnded' | 'onWaiting'>,
  ): Promise<OwnCell> {
    const { walDir, dataDir } = config.storage;
    const engine = ahead?.engine ?? engineOf(config);
    try {
      if (ahead === null) await untilAnswered(nodeClock, () => engine.connect(), { onWaiting });
      const own = await OwnLog.find({
        ...{ map: engine.map, cell: cell as number, epoch, node: node as string },
        ...{ walDir, dataDir, onLoss: config.cluster.onNodeLoss, log },
      });
      let end = null as CellEnd | null;
      const opened = await openBroker(
        { logId: own.identity, onOpened: (one) => own.keep(one) },
        (why) => end?.end(why),
      );
      end = new CellEnd(new Hosted(opened), onEnded);
      return new OwnCell(opened.running, end);
    } finally {
      await engine.close();
    }
  }

  /** Another process has the cell, or its log can't continue: nothing is acknowledged any more, and the broker stops. */
  end(why: string): void {
    this.#end.end(why);
  }

  /** Stops the broker in order. */
  stop(): Promise<void> {
    return this.#end.stop();
  }
}

/** What is lost of a cell, so that it could not be opened; null where it is something else. */
export function cellLossOf(error: unknown): CellLoss | null {
  return error instanceof LogLost ? error.loss : lossOf(error);
}
