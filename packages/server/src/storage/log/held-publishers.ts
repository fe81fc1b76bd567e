import type { Config } from '../../config/index.ts';
import type { Connection } from '../../connection/connection.ts';
import type { RecordLog } from './record-log.ts';

/** Publishers that are not read from because too much waits to be written. */
export class HeldPublishers {
  readonly #config: Config;
  readonly #records: RecordLog;
  readonly #held: Set<Connection>;

  constructor(config: Config, records: RecordLog) {
    this.#config = config;
    this.#records = records;
    this.#held = new Set();
  }

  /** Stops reading from a publisher if too much waits. */
  holdBack(publisher: Connection): void {
    const { maxPendingBytes } = this.#config.storage.wal;
    if (this.#records.log.pendingBytes < maxPendingBytes || this.#held.has(publisher)) return;
    this.#held.add(publisher);
    publisher.broker.stats.publishersHeldBack++;
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
}
