import type { LogEvent } from '@promptmq/wal';
import type { Logger } from '../../log/index.ts';

/** Logs what the storage reports, one line an event. */
export function logStorageEvent(log: Logger, event: LogEvent): void {
  const { type, ...fields } = event;
  switch (type) {
    case 'torn-tail':
      log.info('storage-torn-tail', fields);
      break;
    case 'index-unfinished':
      log.info('storage-index-unfinished', fields);
      break;
    case 'checking':
      log.info('storage-checking', fields);
      break;
    case 'recovering':
      log.info('storage-recovering', fields);
      break;
    case 'compacting':
      log.debug('storage-compacting', fields);
      break;
    case 'compacted':
      log.info('storage-compacted', fields);
      break;
    case 'has-room':
      log.info('storage-has-room', fields);
      break;
    case 'failed':
      log.fatal('storage-failed', fields);
      break;
    default:
      log.warn(`storage-${type}`, fields);
  }
}
