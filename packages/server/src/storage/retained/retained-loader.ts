import type { Broker } from '../../broker.ts';
import { ByteReader } from '../records/byte-writer.ts';
import { readMessageOnly } from '../records/records.ts';
import type { Storage } from '../storage.ts';
import type { RetainedPlace } from './retained-places.ts';

/**
 * Reads the retained messages back at the start, in the order in which they lie. Those that have expired or can't be
 * read are dropped.
 *
 * @param retained - where they lie, by topic; compaction may move them meanwhile
 */
export async function loadRetained(
  broker: Broker,
  storage: Storage,
  retained: ReadonlyMap<string, RetainedPlace>,
): Promise<void> {
  const { log } = storage;
  const now = broker.runtime.now();
  const reader = new ByteReader(new Uint8Array(0));
  const places = [...retained].sort(([, a], [, b]) => a.position - b.position);
  for (const [topic] of places) {
    // Compaction may have moved it, and moves it while it is read.
    const position = storage.retained.positionOf(topic);
    try {
      const record = log.readNow(position) ?? (await log.read(position));
      const message = readMessageOnly(reader.reset(record.data), record.stream);
      if (message.expiresAt <= now) {
        storage.retained.drop(topic);
        continue;
      }
      // Copies: what they are read from is much larger. Small ones share a page of Node's, which costs less
      // than a buffer for each.
      broker.router.retained.set({
        ...message,
        properties: Buffer.from(message.properties),
        payload: Buffer.from(message.payload),
      });
    } catch (error) {
      if (storage.retained.positionOf(topic) !== position) {
        places.push([topic, retained.get(topic) as RetainedPlace]);
        continue;
      }
      storage.stats.lostMessages++;
      storage.retained.drop(topic);
      broker.log.error('retained-message-lost', { topic, position, why: String(error) });
    }
  }
}
