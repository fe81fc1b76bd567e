import type { Clock, Files } from '@promptmq/wal';
import { LogError } from '@promptmq/wal';
import { LogCopy, type LogCopyReport } from '@promptmq/wal/tools';
import { EngineError, type EngineLog } from '../engine/engine.ts';
import { untilAnswered } from '../engine/until-answered.ts';
import { EngineLostData } from '../witness/engine-lost-data.ts';
import type { Witness } from '../witness/witness.ts';
import { WitnessCheck } from '../witness/witness-check.ts';
import { decodeEntry, type Owner } from './entry.ts';
import { FencedError } from './fenced-error.ts';
import { type Claim, claimCell, type FencedLog, FencedReader } from './fenced-log.ts';

/** About how much is asked for where one entry is wanted, in bytes. */
const FIRST_BYTES_MAX = 1 << 20;

/** What taking a cell over needs to know. */
export interface Takeover {
  /** The cell's log in the engine. */
  readonly log: EngineLog;
  /** The folder of the cell's log on this machine; made when missing. */
  readonly directory: string;
  readonly files?: Files;
  readonly clock: Clock;
  /** Of this owner; nobody else claims with it. */
  readonly epoch: number;
  /** Its `identity` is that of the log if this is the first owner of all. */
  readonly owner: Owner;
  readonly window?: number;
  /** As `FencedOptions` has it: the broker of the cell has to end. */
  readonly onFailed: (error: FencedError) => void;
  /** As `claimCell` asks it. */
  readonly isWanted?: () => boolean;
  /** How far others know that the log was; null or left out when nobody does. */
  readonly witness?: Witness | null;
}

/** A cell whose folder is the log that the engine has, and that this node owns. */
export interface TakenCell {
  readonly kind: 'claimed';
  readonly log: FencedLog;
  /** Identity that the log has, or gets where it is still empty: that which its first owner gave it. */
  readonly identity: string;
  readonly report: LogCopyReport;
}

type TakenByOther = Extract<Claim, { kind: 'taken' }>;

/**
 * Claims a cell, and makes a folder the log that the engine has. What was there of that log stays, up to where the engine has
 * it: what lies beyond was acknowledged to nobody. The log is to be opened with a `Shipper` as its replica, and `identity` as its
 * `id`.
 *
 * @throws {LogError} `locked`, `foreign` when the folder has another log than the engine, the system's error
 * @throws {EngineLostData} when the engine has less than was witnessed, or something else: nothing that is in the folder is removed
 * @throws {FencedError} as `claimCell`, but for `trimmed`
 */
export async function takeCell({
  log,
  directory,
  files,
  ...claim
}: Takeover): Promise<TakenCell | TakenByOther> {
  const restore = await CellRestore.open(log, directory, files);
  return restore.take(claim);
}

/**
 * Makes a folder the log of a cell as the engine has it, also behind an owner that goes on writing. What it has read counts for every reader,
 * whoever owns the cell later.
 */
export class CellRestore {
  readonly #log: EngineLog;
  readonly #directory: string;
  readonly #files: Files | undefined;
  #copy: LogCopy;
  #reader: FencedReader;
  #firstIdentity: string | null;

  private constructor(log: EngineLog, directory: string, files: Files | undefined, copy: LogCopy) {
    this.#log = log;
    this.#directory = directory;
    this.#files = files;
    this.#copy = copy;
    this.#reader = this.#begin();
    this.#firstIdentity = null;
  }

  /** @throws {LogError} `locked`, `foreign`, `newer-version`, the system's error */
  static async open(log: EngineLog, directory: string, files?: Files): Promise<CellRestore> {
    return new CellRestore(log, directory, files, await LogCopy.open(directory, files));
  }

  /** Up to where the folder has the log. */
  get position(): number {
    return this.#reader.state.head;
  }

  /**
   * Reads to the last entry that is to be seen now; an owner may go on behind it.
   *
   * @throws {EngineError} `unavailable`: it may be called again, and continues
   * @throws {FencedError} `corrupt`, `diverged`; after that only `close` may be called
   */
  readOn(): Promise<void> {
    return this.#untilNotTrimmed(() => this.#reader.readOn());
  }

  /** Makes durable what was read so far, so that less is left for `take`. */
  sync(): Promise<void> {
    return this.#copy.sync();
  }

  /**
   * Claims the cell, and ends: nothing may be called after it.
   *
   * @throws as `takeCell`
   */
  async take(
    claim: Omit<Takeover, 'log' | 'directory' | 'files'>,
  ): Promise<TakenCell | TakenByOther> {
    try {
      return await this.#untilNotTrimmed(() => this.#take(claim));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#copy.close();
  }

  async #take({
    clock,
    epoch,
    owner,
    window,
    onFailed,
    isWanted,
    witness = null,
  }: Omit<Takeover, 'log' | 'directory' | 'files'>): Promise<TakenCell | TakenByOther> {
    const options = { clock, onFailed, ...(window === undefined ? {} : { window }) };
    const log = this.#log;
    const isUnknown =
      witness !== null && !(await untilAnswered(clock, () => isThere(log, witness), { isWanted }));
    if (isUnknown) {
      const check = new WitnessCheck(witness);
      const reader = new FencedReader(log, (read, sequence) => check.take(sequence, read));
      const seen = await claimCell(log, reader, epoch, owner, options, isWanted).catch((error) => {
        // None of its entries is left.
        if (!(error instanceof FencedError) || error.code !== 'lost') throw error;
        throw error instanceof EngineLostData ? error : new EngineLostData(check.loss);
      });
      if (seen.kind === 'taken') {
        await this.close();
        return seen;
      }
      seen.log.close();
    }
    const claim = await claimCell(this.#log, this.#reader, epoch, owner, options, isWanted);
    const copy = this.#copy;
    if (claim.kind === 'taken') {
      await copy.close();
      return claim;
    }
    const { head } = claim.log.state;
    const identity = copy.logId ?? this.#firstIdentity ?? owner.identity;
    // What no owner ever brought to the engine may go; but not what is no log of this cell.
    if (head === 0 && copy.logId !== null && copy.logId !== this.#firstIdentity) {
      claim.log.close();
      const text = `${this.#directory} has log ${copy.logId}, and the engine has nothing of it`;
      throw new LogError('foreign', `${text}; move what is in the folder to another one`);
    }
    return { kind: 'claimed', log: claim.log, identity, report: await copy.finish(head) };
  }

  #begin(): FencedReader {
    return new FencedReader(this.#log, async (read) => {
      if (read.kind === 'owner') this.#firstIdentity ??= read.owner.identity;
      else await this.#copy.take(read.entry.position, read.entry.segment, read.entry.body);
    });
  }

  /** An owner may trim what is being read: what is there now begins later. */
  async #untilNotTrimmed<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof FencedError) || error.code !== 'trimmed') throw error;
      }
      await this.#copy.close();
      this.#copy = await LogCopy.open(this.#directory, this.#files);
      this.#firstIdentity = null;
      this.#reader = this.#begin();
    }
  }
}

/**
 * Whether the entry that was witnessed is seen at once, as it mostly is. Else all there is has to be read for it, behind an entry of this
 * owner's, before anything in the folder is changed: where the engine has lost some, the folder may be all that has it.
 */
async function isThere(log: EngineLog, { sequence: witnessed, epoch, chain }: Witness) {
  try {
    for await (const { sequence, data } of log.read(witnessed, FIRST_BYTES_MAX)) {
      const entry = decodeEntry(data);
      return sequence === witnessed && entry?.epoch === epoch && entry.sum === chain;
    }
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error;
  }
  return false;
}
