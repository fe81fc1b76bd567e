import { invariant } from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import type { BrokerStats } from '../../runtime/stats.ts';
import type { Publisher } from '../journal.ts';
import type { RecordLog } from './record-log.ts';

/** Publishers that are not read from because too much waits to be written. */
export class HeldPublishers {
  readonly #config: Config;
  readonly #records: RecordLog;
  readonly #stats: Pick<BrokerStats, 'publishersHeldBack'>;
  readonly #held: Set<Publisher>;

  constructor(config: Config, records: RecordLog, stats: Pick<BrokerStats, 'publishersHeldBack'>) {
    this.#config = config;
    this.#records = records;
    this.#stats = stats;
    this.#held = new Set();
  }

  /** Stops reading from a publisher if too much waits. */
  holdBack(publisher: Publisher): void {
    const { maxPendingBytes } = this.#config.storage.wal;
    if (this.#records.log.pendingBytes < maxPendingBytes || this.#held.has(publisher)) return;
    this.#held.add(publisher);
    this.#stats.publishersHeldBack++;
    publisher.pauseReading();
  }

  /** Reads from all again if half of that is gone, or nothing can be written. */
  letGo(): void {
    if (this.#held.size === 0) return;
    const { isOpen, log } = this.#records;
    const { maxPendingBytes } = this.#config.storage.wal;
    if (isOpen && log.pendingBytes > maxPendingBytes / 2) return;
    for (const publisher of this.#held) publisher.resumeReading();
    this.#held.clear();
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const { isOpen, log } = this.#records;
    const isMuchPending = isOpen && log.pendingBytes > this.#config.storage.wal.maxPendingBytes / 2;
    const held = this.#held.size;
    invariant(held === 0 || isMuchPending, `${held} publishers are held back for nothing`);
  }
}
