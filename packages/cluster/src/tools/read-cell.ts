import type { EngineLog } from '../engine/engine.ts';
import { EpochReader, type ReadEntry, type ReaderState } from '../log/epoch-reader.ts';

/** About how much of what is read waits in memory, in bytes. */
const READ_BYTES_MAX = 4 << 20;

export interface CellReadOptions {
  /** Called now and then with how many entries have been read, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Entries between two calls of `onProgress`. */
const PROGRESS_STEP = 256;

/**
 * Reads what the engine has of a cell, from its first entry to the last one that is to be seen now, those that don't count included.
 * Nothing is claimed.
 *
 * @param take - gets each entry; the next one waits for it
 * @returns how far it came
 * @throws {EngineError} `unavailable`
 * @throws {FencedError} `corrupt`, `diverged`, `trimmed`: up to there, all entries were taken
 */
export async function readCell(
  log: EngineLog,
  { onProgress }: CellReadOptions,
  take: (sequence: number, read: ReadEntry) => void | Promise<void>,
): Promise<ReaderState> {
  const { first, last } = await log.bounds();
  const epochs = new EpochReader();
  let count = 0;
  for await (const { sequence, data } of log.read(first, READ_BYTES_MAX)) {
    await take(sequence, epochs.read(sequence, data));
    count++;
    if (count % PROGRESS_STEP === 0) onProgress?.(count, Math.max(count, last - first + 1));
  }
  onProgress?.(count, count);
  return epochs.state;
}
