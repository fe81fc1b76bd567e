import type { Clock, Files } from '@promptmq/wal';
import { LogError } from '@promptmq/wal';
import { LogCopy, type LogCopyReport } from '@promptmq/wal/tools';
import type { EngineLog } from '../engine/engine.ts';
import type { Owner } from './entry.ts';
import { FencedError } from './fenced-error.ts';
import { type Claim, claimCell, type FencedLog, FencedReader } from './fenced-log.ts';

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
 * @throws {FencedError} as `claimCell`, but for `trimmed`
 */
export async function takeCell(takeover: Takeover): Promise<TakenCell | TakenByOther> {
  for (;;) {
    try {
      return await tryToTake(takeover);
    } catch (error) {
      // A former owner has trimmed what was being read: what is there now begins later.
      if (!(error instanceof FencedError) || error.code !== 'trimmed') throw error;
    }
  }
}

async function tryToTake(takeover: Takeover): Promise<TakenCell | TakenByOther> {
  const { log, directory, files, clock, epoch, owner, window, onFailed, isWanted } = takeover;
  const copy = await LogCopy.open(directory, files);
  let firstIdentity: string | null = null;
  try {
    const reader = new FencedReader(log, async (read) => {
      if (read.kind === 'owner') firstIdentity ??= read.owner.identity;
      else await copy.take(read.entry.position, read.entry.segment, read.entry.body);
    });
    const options = { clock, onFailed, ...(window === undefined ? {} : { window }) };
    const claim = await claimCell(log, reader, epoch, owner, options, isWanted);
    if (claim.kind === 'taken') {
      await copy.close();
      return claim;
    }
    const { head } = claim.log.state;
    const identity = copy.logId ?? firstIdentity ?? owner.identity;
    // What no owner ever brought to the engine may go; but not what is no log of this cell.
    if (head === 0 && copy.logId !== null && copy.logId !== firstIdentity) {
      claim.log.close();
      const text = `${directory} has log ${copy.logId}, and the engine has nothing of it`;
      throw new LogError('foreign', `${text}; move what is in the folder to another one`);
    }
    return { kind: 'claimed', log: claim.log, identity, report: await copy.finish(head) };
  } catch (error) {
    await copy.close();
    throw error;
  }
}
