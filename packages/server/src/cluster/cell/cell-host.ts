import { randomBytes } from 'node:crypto';
import {
  CellRestore,
  type ClusterEngine,
  type FencedLog,
  FollowedLog,
  type ReaderState,
  Shipper,
  untilAnswered,
  type Witness,
} from '@promptmq/cluster';
import { type Clock, type Files, nodeClock } from '@promptmq/wal';
import type { ReplicationStats } from '../../runtime/stats.ts';
import type { StorageResources } from '../../storage/storage.ts';
import { CellEnd, type HostedBroker } from './cell-end.ts';

const LEVEL = 1;

/** With what a cell was claimed. */
export interface CellClaim {
  /** Higher than that of any owner before; nobody else claims with it. */
  readonly epoch: number;
  /** How far others know that the cell's log was; null where nobody does. */
  readonly witness: Witness | null;
}

export interface CellHostOptions<B extends HostedBroker> {
  /** Connected. */
  readonly engine: ClusterEngine;
  /** From 0. */
  readonly cell: number;
  /** With what this node has claimed it; where another node still owns it, its log is read behind that owner until there is a claim. */
  readonly claim: CellClaim | Promise<CellClaim>;
  /** Called once when all that the owner before had written was read: little is left to do once the cell is claimed. */
  readonly onPrepared?: (position: number) => void;
  /** Called when the engine doesn't answer at first: it is asked until it does. */
  readonly onWaiting?: (why: string) => void;
  /** Name of this node. */
  readonly node: string;
  /** Of this node's process: no two have the same. */
  readonly incarnation: string;
  /** Of the cell's log on this machine. */
  readonly directory: string;
  readonly files?: Files;
  readonly clock?: Clock;
  /** Bytes of the log after which the cell's state is written to it: about what another node has to replay. */
  readonly snapshotSize: number;
  /** Bytes of the log that are appended to the engine's at a time, at most. */
  readonly appendBytes: number;
  /** How many of these are under way at once. */
  readonly appendWindow: number;
  /**
   * Opens the cell's broker, whose log is in `directory`.
   *
   * @param resources - for its storage
   * @param onStorageFailed - to be called when its log has failed
   */
  readonly openBroker: (
    resources: StorageResources,
    onStorageFailed: (why: string) => void,
  ) => Promise<B>;
  /** Called once when the cell has another owner, or its log can't continue; the host stops by itself. */
  readonly onEnded?: (why: string) => void;
}

/** Another node has claimed the cell. */
class Taken extends Error {}

/**
 * A cell that this node owns: its log is made of what the engine has, then its broker serves, and acknowledges nothing
 * that the engine doesn't have.
 *
 * Invariant: once another node owns the cell, nothing that this one's broker stores is acknowledged.
 */
export class CellHost<B extends HostedBroker> {
  readonly broker: B;
  readonly #fenced: FencedLog;
  readonly #replica: Shipper;
  readonly #end: CellEnd;

  private constructor(broker: B, fenced: FencedLog, replica: Shipper, end: CellEnd) {
    this.broker = broker;
    this.#fenced = fenced;
    this.#replica = replica;
    this.#end = end;
  }

  /**
   * Claims a cell and serves it.
   *
   * @returns null when another node has claimed it with this epoch or a higher one
   * @throws {EngineError} `unsuitable`; `unavailable` where another node still owns the cell: else it is asked until it answers
   * @throws {EngineLostData} the engine has less than was witnessed: what is in the folder stays as it is
   * @throws {FencedError} what the engine has is not what a log can be made of, or another node has claimed the cell meanwhile
   * @throws {LogError} as `Log.open`; `foreign` when the folder has another log
   */
  static async open<B extends HostedBroker>(
    options: CellHostOptions<B>,
  ): Promise<CellHost<B> | null> {
    const { engine, cell, node, incarnation, directory, files, claim } = options;
    const { clock = nodeClock, snapshotSize, appendBytes, appendWindow: window } = options;
    const { onPrepared = () => {}, onWaiting } = options;
    const engineLog = await untilAnswered(clock, () => engine.openLog(cell), { onWaiting });
    let host: CellHost<B> | null = null;
    let fenced = null as FencedLog | null;
    let replica = null as Shipper | null;
    let restore: CellRestore | null = null;
    try {
      const opened = await CellRestore.open(engineLog, directory, files);
      restore = opened;
      const take = async ({ epoch, witness }: CellClaim) => {
        const taken = await opened.take({
          ...{ clock, epoch, window, witness },
          owner: {
            ...{ node, incarnation, identity: randomBytes(16).toString('hex'), level: LEVEL },
            timeMs: clock.wallNow(),
          },
          onFailed: (error) => host?.end(error.message),
        });
        if (taken.kind === 'taken') throw new Taken();
        fenced = taken.log;
        replica = new Shipper(fenced, { entryBytesMax: appendBytes, window });
        return { replica, id: taken.identity };
      };
      let resources: StorageResources;
      if (claim instanceof Promise) {
        await opened.readOn();
        const terms = { restore: opened, clock, claimed: claim, onPrepared, take };
        resources = { source: new FollowedLog(terms), snapshotSize };
      } else {
        const { replica: taken, id } = await take(claim);
        resources = { replica: taken, logId: id, snapshotSize };
      }
      const broker = await options.openBroker(resources, (why) => host?.end(why));
      if (fenced === null || replica === null) throw new Error('the broker has not opened its log');
      const log = fenced;
      const end = new CellEnd(broker, options.onEnded ?? (() => {}), async () => {
        log.close();
        await engineLog.close();
      });
      host = new CellHost(broker, log, replica, end);
      // While it was opened.
      if (log.failure !== null) host.end(log.failure.message);
      return host;
    } catch (error) {
      fenced?.close();
      await restore?.close();
      await engineLog.close();
      if (error instanceof Taken) return null;
      throw error;
    }
  }

  /** Has what the log takes in the engine be seen. */
  observe(replication: ReplicationStats): void {
    replication.log = this.#fenced.stats;
    replication.replica = this.#replica;
    this.#fenced.onAnswer = (durationMs) => replication.appendDurations.observe(durationMs / 1000);
  }

  /** The cell goes on elsewhere, or not at all: nothing is acknowledged any more, and the broker stops. */
  end(why: string): void {
    this.#end.end(why);
  }

  /** Stops the broker in order; what it has written is in the engine then. Waits for that as long as it takes, unless `end` is called. */
  stop(): Promise<void> {
    return this.#end.stop();
  }

  /** Up to where the engine has acknowledged the cell's log to this owner. */
  get reached(): ReaderState {
    return this.#fenced.state;
  }

  /** Why nothing that is stored is acknowledged any more; null while this node owns the cell. */
  get failure(): string | null {
    return this.#fenced.failure?.message ?? null;
  }
}
