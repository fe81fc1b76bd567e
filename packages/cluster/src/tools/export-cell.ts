import { type Files, nodeFiles } from '@promptmq/wal';
import { LogCopy } from '@promptmq/wal/tools';
import type { EngineLog } from '../engine/engine.ts';
import { FencedError } from '../log/fenced-error.ts';
import { type CellReadOptions, readCell } from './read-cell.ts';

export interface ExportReport {
  readonly directory: string;
  /** Bytes that were written. */
  readonly bytes: number;
  /** Where the log ends. */
  readonly head: number;
  /** Of the owner that has written the end of it; 0 when the engine has nothing of the cell. */
  readonly epoch: number;
}

export interface ExportOptions extends CellReadOptions {
  readonly files?: Files;
}

/**
 * Makes a log, of the same identity, of what the engine has of a cell. Claims nothing: whoever serves the cell isn't disturbed, and what is
 * written meanwhile may be missing.
 *
 * @param directory - a folder that is empty, or made
 * @throws {EngineError} `unavailable`
 * @throws {FencedError} `corrupt`, `diverged`
 * @throws {LogError} `locked`, `corrupt`; Error when the folder isn't empty
 */
export async function exportCell(
  log: EngineLog,
  directory: string,
  options: ExportOptions = {},
): Promise<ExportReport> {
  const { files = nodeFiles } = options;
  await files.makeDirectory(directory);
  if ((await files.list(directory)).length > 0) {
    throw new Error(`${directory} is not empty: an export needs a folder of its own`);
  }
  for (;;) {
    const { first } = await log.bounds();
    const copy = await LogCopy.open(directory, files);
    try {
      const { head, epoch } = await readCell(log, options, async (_sequence, read) => {
        if (read.kind !== 'bytes') return;
        const { position, segment, body } = read.entry;
        await copy.take(position, segment, body);
      });
      const { writtenBytes } = await copy.finish(head);
      return { directory, bytes: writtenBytes, head, epoch };
    } catch (error) {
      await copy.close();
      // Its owner has trimmed what was to be read next: what is there now begins later.
      const isTrimmed = error instanceof FencedError && error.code === 'trimmed';
      if (!isTrimmed || (await log.bounds()).first === first) throw error;
    }
  }
}
