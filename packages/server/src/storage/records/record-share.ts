import { type LogRecord, type Release, recordBytes } from '@promptmq/wal';

/** Bytes that a record takes in the log. */
export function sizeOf({ data, stream }: Pick<LogRecord, 'data' | 'stream'>): number {
  return recordBytes(data.length, stream.length);
}

/**
 * Bytes of a record of this size that one of its users gives up when it no longer needs it. The shares of all users
 * together are the record: the first one has what is left over.
 *
 * @param users - how many there are, with its topic's retained message, which is the last; at least 1
 * @param index - of the user
 */
export function shareOf(size: number, users: number, index: number): number {
  return Math.floor(size / users) + (index === 0 ? size % users : 0);
}

/**
 * A record was appended, or is read again. One that nobody needs is given up at once: compaction never has to keep it.
 *
 * @param size - of the record, in bytes
 */
export function shareOut(position: number, size: number, users: number, release: Release): void {
  if (users === 0) release(position, size);
}
