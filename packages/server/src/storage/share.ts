import { type LogRecord, recordBytes } from '@promptmq/wal';

/**
 * Bytes of a log record that one of its users gives up when it no longer needs it. The shares of all users together
 * are the record: the first one has what is left over.
 *
 * @param users - how many there are, with its topic's retained message, which is the last; at least 1
 * @param index - of the user
 */
export function shareOf(
  { data, stream }: Pick<LogRecord, 'data' | 'stream'>,
  users: number,
  index: number,
): number {
  return shareOfBytes(recordBytes(data.length, stream.length), users, index);
}

/** @param bytes - of the whole record */
export function shareOfBytes(bytes: number, users: number, index: number): number {
  return Math.floor(bytes / users) + (index === 0 ? bytes % users : 0);
}
