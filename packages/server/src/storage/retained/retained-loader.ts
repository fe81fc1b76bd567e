import type { Log } from '@promptmq/wal';
import type { StorageHost } from '../host.ts';
import { ByteReader } from '../records/byte-reader.ts';
import { readMessageOnly } from '../records/message-record.ts';
import type { StorageStats } from '../storage-stats.ts';
import type { RetainedPlace } from './retained-places.ts';
import type { RetainedRecords } from './retained-records.ts';

/**
 * Reads the retained messages back at the start, in the order in which they lie. Those that have expired or can't be
 * read are dropped.
 *
 * @param records - know where they lie; compaction may move them meanwhile
 */
export async function loadRetained(
  host: StorageHost,
  log: Log,
  records: RetainedRecords,
  stats: StorageStats,
): Promise<void> {
  const now = host.runtime.now();
  const reader = new ByteReader(new Uint8Array(0));
  const places = [...records.places].sort(([, a], [, b]) => a.position - b.position);
  for (const [topic] of places) {
    // Compaction may have moved it, and moves it while it is read.
    const position = records.positionOf(topic);
    try {
      const record = log.readNow(position) ?? (await log.read(position));
      const message = readMessageOnly(reader.reset(record.data), record.stream);
      if (message.expiresAt <= now) {
        records.drop(topic);
        continue;
      }
      // Copies: what they are read from is much larger. Small ones share a page of Node's, which costs less
      // than a buffer for each.
      host.router.retained.set({
        ...message,
        properties: Buffer.from(message.properties),
        payload: Buffer.from(message.payload),
      });
    } catch (error) {
      if (records.positionOf(topic) !== position) {
        places.push([topic, records.places.get(topic) as RetainedPlace]);
        continue;
      }
      stats.lostMessages++;
      records.drop(topic);
      host.log.error('retained-message-lost', { topic, position, why: String(error) });
    }
  }
}
