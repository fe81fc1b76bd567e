import { closeSync, mkdirSync, openSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createStream } from 'rotating-file-stream';

export interface Rotation {
  /** Bytes; Infinity for no limit. */
  readonly size: number;
  /** Such as `1h` or `7d`; `none` for no limit. */
  readonly age: string;
  /** Files that are kept beside the current one. */
  readonly count: number;
  readonly gzip: boolean;
}

/**
 * Opens a log file for appending. When it is full or old, it becomes `FILE.1`, that `FILE.2` and so on, with
 * `.gz` where they are compressed; the last one is removed.
 *
 * @param onError - told when lines can't be written any more, such as on a full disk
 * @throws the system's error when the file can't be opened now
 */
export function openLogFile(
  path: string,
  { size, age, count, gzip }: Rotation,
  onError: (error: Error) => void,
): NodeJS.WritableStream {
  const folder = dirname(resolve(path));
  const name = basename(path);
  mkdirSync(folder, { recursive: true });
  // The stream opens the file later, and would tell of a failure when there is nobody to hear it.
  closeSync(openSync(path, 'a'));
  const generator = (index: number | Date | null) =>
    index === null ? name : `${name}.${index}${gzip ? '.gz' : ''}`;
  const stream = createStream(generator as (index: number | Date) => string, {
    path: folder,
    rotate: count,
    ...(size === Number.POSITIVE_INFINITY ? {} : { size: `${size}B` }),
    ...(age === 'none' ? {} : { interval: age }),
    ...(gzip ? { compress: 'gzip' } : {}),
  });
  stream.on('error', onError);
  stream.on('warning', onError);
  return stream;
}
