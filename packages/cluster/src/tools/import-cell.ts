import { randomBytes } from 'node:crypto';
import type { Clock } from '@promptmq/wal';
import type { EngineLog } from '../engine/engine.ts';
import { claimCell, type FencedLog, FencedReader } from '../log/fenced-log.ts';

/** The epoch of who brings a cell what it has at first: nodes have higher ones. */
export const IMPORT_EPOCH = 1;

/** Formats that are written. */
const LEVEL = 1;

/** What a cell that was never served is given its first log with. */
export interface CellImport {
  readonly log: EngineLog;
  readonly clock: Clock;
  /** Of the log that it is to have, 32 hexadecimal digits. */
  readonly identity: string;
  /** Called when the engine can't have it after all. */
  readonly onFailed: (error: Error) => void;
}

/**
 * Makes this process the owner of a cell that nobody has owned, so that it can bring the engine a log.
 *
 * @returns what a `Shipper` takes; who has brought all closes it
 * @throws {EngineError} `unavailable`; Error when the engine has something of the cell
 */
export async function claimUnusedCell({
  log,
  clock,
  identity,
  onFailed,
}: CellImport): Promise<FencedLog> {
  const { last } = await log.bounds();
  if (last > 0) throw new Error('the engine has a log of the cell already');
  const owner = {
    node: 'import',
    incarnation: randomBytes(8).toString('hex'),
    identity,
    level: LEVEL,
    timeMs: clock.wallNow(),
  };
  const reader = new FencedReader(log, () => {});
  const claim = await claimCell(log, reader, IMPORT_EPOCH, owner, { clock, onFailed });
  if (claim.kind === 'claimed') return claim.log;
  throw new Error('a node has taken the cell meanwhile');
}
