import { type LogRecord, recordBytes } from '@promptmq/wal';

/** Says that bytes of a record are no longer needed. */
export type Release = (position: number, bytes: number) => void;

/** Bytes that a record takes in the log. */
export function sizeOf({ data, stream }: Pick<LogRecord, 'data' | 'stream'>): number {
  return recordBytes(data.length, stream.length);
}

/** Bytes of a record of this size that every one of its users gives up when it no longer needs it. */
export function shareOf(size: number, users: number): number {
  return users === 0 ? 0 : Math.floor(size / users);
}

/**
 * Shares out a record that was appended. One that nobody needs is given up at once: compaction never has to keep it.
 *
 * @param size - of the record, in bytes
 * @returns as `shareOf` does
 */
export function shareOut(position: number, size: number, users: number, release: Release): number {
  if (users === 0) release(position, size);
  return shareOf(size, users);
}
