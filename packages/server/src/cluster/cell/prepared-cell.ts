import {
  CellRestore,
  type ClusterEngine,
  EngineError,
  type EngineFacts,
  type EngineLog,
} from '@promptmq/cluster';
import type { Config } from '../../config/index.ts';
import { engineOf } from './cluster-engine.ts';
import type { ConnectedEngine } from './engine-ahead.ts';

/** Between two looks at what the owner has appended, in milliseconds. */
const FOLLOW_MS = 100;

/** The log of a cell that another node still owns, in this machine's folder: it is read on behind the owner until this node claims the cell. */
export class PreparedCell {
  readonly engine: ClusterEngine;
  readonly facts: EngineFacts;
  readonly log: EngineLog;
  readonly restore: CellRestore;
  #isFollowing = true;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> | null = null;

  private constructor(
    engine: ClusterEngine,
    facts: EngineFacts,
    log: EngineLog,
    restore: CellRestore,
  ) {
    this.engine = engine;
    this.facts = facts;
    this.log = log;
    this.restore = restore;
  }

  /**
   * Reads all that there is now.
   *
   * @param config - of the worker: with the folders of the cell
   * @param connected - the engine, which is the cell's from then on; null where it is to be connected to
   * @param onFailed - called once when it can't be read on
   * @throws {EngineError} `unavailable`, `unsuitable`, `not-installed`
   * @throws {FencedError} `corrupt`, `diverged`
   * @throws {LogError} as `CellRestore.open`
   */
  static async open(
    cell: number,
    config: Config,
    connected: ConnectedEngine | null,
    onFailed: (error: Error) => void,
  ): Promise<PreparedCell> {
    const engine = connected?.engine ?? engineOf(config);
    try {
      const facts = connected?.facts ?? (await engine.connect());
      const log = await engine.openLog(cell);
      const restore = await CellRestore.open(log, config.storage.walDir);
      await restore.readOn();
      // What was appended meanwhile is little.
      await restore.readOn();
      const prepared = new PreparedCell(engine, facts, log, restore);
      prepared.#follow(onFailed);
      return prepared;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** Reads no further; resolves when `restore` may be used. */
  async settle(): Promise<void> {
    this.#isFollowing = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#reading;
  }

  #follow(onFailed: (error: Error) => void): void {
    this.#timer = setTimeout(() => {
      this.#reading = this.#readOn(onFailed);
    }, FOLLOW_MS);
  }

  async #readOn(onFailed: (error: Error) => void): Promise<void> {
    try {
      await this.restore.readOn();
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'unavailable') {
        onFailed(error as Error);
        return;
      }
    }
    if (this.#isFollowing) this.#follow(onFailed);
  }
}
