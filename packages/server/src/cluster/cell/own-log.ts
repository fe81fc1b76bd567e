import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { type EngineMap, noteCellLog, readCellLog } from '@promptmq/cluster';
import { type Clock, type Log, nodeClock, nodeFiles } from '@promptmq/wal';
import { identifyLog } from '@promptmq/wal/tools';
import type { Logger } from '../../log/index.ts';
import { LogLost, type LostLog } from './lost-log.ts';

export interface OwnLogOptions {
  /** Of an engine that is connected. */
  readonly map: EngineMap;
  readonly clock?: Clock;
  /** From 0. */
  readonly cell: number;
  /** With which this node has claimed the cell. */
  readonly epoch: number;
  /** This node. */
  readonly node: string;
  /** The folder of the log, and the one of its index. */
  readonly walDir: string;
  readonly dataDir: string;
  /** What is done when the log isn't there that this cell had. */
  readonly onLoss: 'wait' | 'reset';
  readonly log: Logger;
}

/**
 * The log of a cell that no other node has. The map says which one that is, so that neither another log is taken for it, nor a cell begins
 * empty unnoticed when a disk is lost.
 *
 * Invariant: the map has the identity of a log before anything is acknowledged by it, and says that it is kept once it is on the disk.
 */
export class OwnLog {
  /** Of the log that is in the folder, or is to be made there. */
  readonly identity: string;
  readonly #options: OwnLogOptions;
  #revision: number;
  #isKept: boolean;

  private constructor(options: OwnLogOptions, identity: string, revision: number, isKept: boolean) {
    this.identity = identity;
    this.#options = options;
    this.#revision = revision;
    this.#isKept = isKept;
  }

  /**
   * Finds the log of a cell that this node has claimed, or says where one is to be made.
   *
   * @throws {LogLost} when it isn't there, and is to be waited for
   * @throws {EngineError} `unavailable`
   * @throws {LogNotedOtherwise} when another process has the cell
   * @throws {LogError} `locked`, `foreign` when the folder has segments of several logs, `newer-version`
   */
  static async find(options: OwnLogOptions): Promise<OwnLog> {
    const { map, cell, walDir } = options;
    const noted = await readCellLog(map, cell);
    const found = await identifyLog(walDir);
    if (noted === null) return OwnLog.#first(options, found);
    const { record, revision } = noted;
    const { identity, state } = record;
    if (found?.logId === identity) return new OwnLog(options, identity, revision, state === 'kept');
    if (state === 'begun') {
      // It never was on the disk: nothing was acknowledged by it.
      const next = await OwnLog.#begin(options, revision);
      await setAside(options, found, [walDir, options.dataDir]);
      return next;
    }
    const loss: LostLog = { kind: 'log', cell, node: record.node, identity, directory: walDir };
    if (options.onLoss === 'reset') {
      const next = await OwnLog.#begin(options, revision);
      await setAside(options, found, [walDir, options.dataDir]);
      options.log.error('cell-reset', {
        ...{ cell, lost: identity, directory: walDir, identity: next.identity },
        why: 'its log is not there: it begins empty, without the sessions, queued messages and retained messages that it had',
      });
      return next;
    }
    // That this is noted shows that nobody has noted something else: only then is anything moved.
    if (state !== 'lost' || found !== null) {
      await OwnLog.#note(options, { ...record, state: 'lost' }, revision);
    }
    // The index may be that of the log that is waited for.
    if (found !== null) await setAside(options, found, [walDir]);
    throw new LogLost(loss);
  }

  /** The log is on the disk, and ends after what it has: from here on it is kept. */
  async keep(log: Pick<Log, 'id' | 'writeSnapshot' | 'flush'>): Promise<void> {
    if (log.id !== this.identity) {
      throw new Error(`log ${log.id} was opened in the place of ${this.identity}`);
    }
    if (this.#isKept) return;
    await log.writeSnapshot();
    await log.flush();
    const { node } = this.#options;
    const record = { identity: this.identity, node, state: 'kept' } as const;
    this.#revision = await OwnLog.#note(this.#options, record, this.#revision);
    this.#isKept = true;
  }

  /** The map knows of none: the cell is new, or the engine has lost what it had. */
  static async #first(
    options: OwnLogOptions,
    found: { readonly logId: string | null } | null,
  ): Promise<OwnLog> {
    const { node, walDir } = options;
    if (found === null) return OwnLog.#begin(options, 0);
    const { logId: identity } = found;
    if (identity === null) {
      throw new Error(`${walDir} has a log of an older version, without identity: move it away`);
    }
    const revision = await OwnLog.#note(options, { identity, node, state: 'kept' }, 0);
    return new OwnLog(options, identity, revision, true);
  }

  static async #begin(options: OwnLogOptions, former: number): Promise<OwnLog> {
    const identity = randomBytes(16).toString('hex');
    const { node } = options;
    const revision = await OwnLog.#note(options, { identity, node, state: 'begun' }, former);
    return new OwnLog(options, identity, revision, false);
  }

  static #note(
    { map, cell, clock = nodeClock }: OwnLogOptions,
    record: Parameters<typeof noteCellLog>[3],
    revision: number,
  ): Promise<number> {
    return noteCellLog(map, clock, cell, record, revision);
  }
}

/** What is in folders of a cell, and is not its log, stays under another name. */
async function setAside(
  { cell, epoch, walDir, log }: OwnLogOptions,
  found: { readonly logId: string | null } | null,
  folders: readonly string[],
): Promise<void> {
  // Nobody uses it.
  if (found !== null) await (await nodeFiles.lock(walDir))();
  for (const from of new Set(folders)) {
    const to = `${from}.stale-${epoch}`;
    if (!(await isMoved(from, to)) || found === null || from !== walDir) continue;
    log.warn('cell-log-set-aside', {
      ...{ cell, from, to, identity: found.logId },
      why: 'it is another log than the one that the cell has',
    });
  }
}

/** @returns false when there is nothing */
async function isMoved(from: string, to: string): Promise<boolean> {
  try {
    if ((await readdir(from)).length === 0) return false;
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await mkdir(from, { recursive: true, mode: 0o700 });
  return true;
}
