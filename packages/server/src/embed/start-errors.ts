import { LogError } from '@promptmq/wal';
import type { Config } from '../config/index.ts';

/**
 * Does something that an option says, and has its error name that option.
 *
 * @param hint - what else may help, in parentheses after the message
 * @throws the error, with its code
 */
export async function naming<T>(
  key: string,
  hint: string | null,
  action: () => T | Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error) {
      error.message = `${key}: ${error.message}${hint === null ? '' : ` (${hint})`}`;
    }
    throw error;
  }
}

/** Has a system error of a file name the folder's option that it lies in, and a log and an index that don't fit name both. */
export function nameFolder(error: unknown, { dataDir, walDir }: Config['storage']): void {
  if (error instanceof LogError && error.code === 'missing') {
    error.message = `storage.wal-dir: ${error.message} (the index is in storage.data-dir, ${dataDir})`;
    return;
  }
  const { path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof path !== 'string') return;
  if (path.startsWith(walDir)) error.message = `storage.wal-dir: ${error.message}`;
  else if (path.startsWith(dataDir)) error.message = `storage.data-dir: ${error.message}`;
}
