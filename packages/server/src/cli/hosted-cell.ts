import {
  type ClusterEngine,
  ENTRY_HEADER_SIZE,
  type EngineLoss,
  EngineLostData,
  untilAnswered,
  type Witness,
  witnessOf,
} from '@promptmq/cluster';
import { nodeClock } from '@promptmq/wal';
import {
  type CellClaim,
  CellHost,
  type ConnectedEngine,
  engineOf,
  type HostedBroker,
  type WorkerStart,
} from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { BrokerExtras, OpenedBroker } from '../embed/create-broker.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import type { ReplicationStats } from '../runtime/stats.ts';

/** How often others are told how far the cell's log is, while it grows, in milliseconds. */
const WITNESS_MS = 100;

/** The cell has another owner. */
export class CellTaken extends Error {
  override readonly name = 'CellTaken';
}

export interface HostedCellOptions {
  openBroker(
    storage: NonNullable<BrokerExtras['storage']>,
    onStorageFailed: (why: string) => void,
  ): Promise<OpenedBroker>;
  /** Called once when the cell has another owner, or its log can't continue. */
  onEnded(why: string): void;
  /** The engine has more of the cell's log. */
  onWitness(witness: Witness): void;
  /** As `CellHostOptions`. */
  onPrepared(position: number): void;
  /** The engine doesn't answer at first: it is asked until it does. */
  onWaiting(why: string): void;
}

/** The broker of a cell of a cluster, with its connection to the engine. */
export class HostedCell {
  readonly running: EmbeddedBroker;
  readonly #host: CellHost<Hosted>;
  readonly #engine: ClusterEngine;
  readonly #witness: () => Witness;
  readonly #onWitness: (witness: Witness) => void;
  readonly #witnessTimer: NodeJS.Timeout;
  /** Of the last entry that others were told of. */
  #witnessed = 0;

  private constructor(
    host: CellHost<Hosted>,
    engine: ClusterEngine,
    witness: () => Witness,
    onWitness: (witness: Witness) => void,
  ) {
    this.running = host.broker.running;
    this.#host = host;
    this.#engine = engine;
    this.#witness = witness;
    this.#onWitness = onWitness;
    this.#witnessTimer = setInterval(() => this.#tell(), WITNESS_MS);
    this.#tell();
  }

  /**
   * Takes a cell that is claimed, or will be, and serves it.
   *
   * @param config - of the worker: with the folders of the cell
   * @param claim - as `CellHostOptions` has it
   * @param connected - the engine, which is the cell's from then on; null where it is to be connected to
   * @throws {CellTaken} when it has another owner
   * @throws {EngineError} `unavailable`, `unsuitable`, `not-installed`
   * @throws {EngineLostData}, {FencedError}, {LogError} as `CellHost.open`
   */
  static async open(
    { cell, node }: WorkerStart,
    claim: CellClaim | Promise<CellClaim>,
    config: Config,
    incarnation: string,
    connected: ConnectedEngine | null,
    { openBroker, onEnded, onWitness, onPrepared, onWaiting }: HostedCellOptions,
  ): Promise<HostedCell> {
    const { snapshotInterval, appendSize, appendWindow } = config.cluster;
    const engine = connected?.engine ?? engineOf(config);
    try {
      const { appendBytesMax } =
        connected?.facts ?? (await untilAnswered(nodeClock, () => engine.connect(), { onWaiting }));
      const host = await CellHost.open({
        ...{ engine, cell: cell as number, claim, node: node as string, incarnation, onEnded },
        ...{ onPrepared, onWaiting },
        ...{ directory: config.storage.walDir, snapshotSize: snapshotInterval, appendWindow },
        appendBytes: Math.min(appendSize, appendBytesMax - ENTRY_HEADER_SIZE),
        openBroker: async (storage, onStorageFailed) =>
          new Hosted(await openBroker(storage, onStorageFailed)),
      });
      if (host === null) throw new CellTaken(`cell ${cell} has another owner`);
      host.observe(host.broker.replication);
      const reached = () => witnessOf(cell as number, node as string, host.reached);
      return new HostedCell(host, engine, reached, onWitness);
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** Another node has the cell: nothing is acknowledged any more, and the broker stops. */
  end(why: string): void {
    this.#host.end(why);
  }

  /** Stops the broker in order; what it has written is in the engine then. */
  async stop(): Promise<void> {
    await this.#host.stop();
    clearInterval(this.#witnessTimer);
    this.#tell();
    await this.#engine.close();
  }

  #tell(): void {
    const witness = this.#witness();
    if (witness.sequence === this.#witnessed) return;
    this.#witnessed = witness.sequence;
    this.#onWitness(witness);
  }
}

/** A broker, as what serves its cell needs it. */
export class Hosted implements HostedBroker {
  readonly running: EmbeddedBroker;
  readonly #opened: OpenedBroker;

  constructor(opened: OpenedBroker) {
    this.running = opened.running;
    this.#opened = opened;
  }

  get replication(): ReplicationStats {
    return this.#opened.broker.stats.replication;
  }

  fence(why: string): void {
    this.#opened.broker.storage?.log.fence(why);
  }

  stop(): Promise<void> {
    return this.#opened.running.stop();
  }
}

/** What the engine has lost, where a cell could not be opened for that. */
export function lossOf(error: unknown): EngineLoss | null {
  return error instanceof EngineLostData ? error.loss : null;
}
