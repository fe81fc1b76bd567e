import type { Clock } from '@promptmq/wal';
import type { EngineMap } from '../engine/engine.ts';
import type { Revised } from './map-view.ts';
import { decodeLog, encodeRecord, type LogRecord, logKey } from './records.ts';
import { settledPut } from './settled-put.ts';

/** The log of a cell was noted otherwise meanwhile: whoever did that has the cell. */
export class LogNotedOtherwise extends Error {
  override readonly name = 'LogNotedOtherwise';
}

/**
 * Reads which log a cell has at its home. It may be behind; what is done about it has to be noted first, which only succeeds where it isn't.
 *
 * @returns null when none is noted
 * @throws {EngineError} `unavailable`
 * @throws {RecordError}
 */
export async function readCellLog(
  map: EngineMap,
  cell: number,
): Promise<Revised<LogRecord> | null> {
  const found = await map.get(logKey(cell));
  if (found === null) return null;
  return { record: decodeLog(logKey(cell), found.value), revision: found.revision };
}

/**
 * Notes which log a cell has at its home, for as long as it takes.
 *
 * @param revision - of what was read; 0 where there was nothing
 * @returns the revision it has now
 * @throws {LogNotedOtherwise}
 */
export async function noteCellLog(
  map: EngineMap,
  clock: Clock,
  cell: number,
  record: LogRecord,
  revision: number,
): Promise<number> {
  const value = encodeRecord(record);
  const outcome = await settledPut(map, clock, logKey(cell), value, revision, () => true);
  if (outcome.kind === 'set') return outcome.revision;
  throw new LogNotedOtherwise(`the log of cell ${cell} was noted otherwise at the same time`);
}
