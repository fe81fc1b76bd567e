import { type LogRecord, recordBytes } from '@promptmq/wal';

/** Bytes of a log record that every one of its users gives up when it no longer needs it. */
export function shareOf(
  { data, stream }: Pick<LogRecord, 'data' | 'stream'>,
  users: number,
): number {
  return users === 0 ? 0 : Math.floor(recordBytes(data.length, stream.length) / users);
}
