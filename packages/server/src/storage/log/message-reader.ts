import type { Message } from '@promptmq/session';
import { isOutOfDescriptors } from '@promptmq/wal';
import type { StorageHost } from '../host.ts';
import type { JournalSession } from '../journal.ts';
import { ByteReader } from '../records/byte-reader.ts';
import { readMessageOnly } from '../records/message-record.ts';
import type { StorageStats } from '../storage-stats.ts';
import type { RecordLog } from './record-log.ts';

/** After so long, what found no file descriptor is tried again. */
const RETRY_MS = 100;

/** Reads messages back that are no longer in memory. */
export class MessageReader {
  readonly #stats: StorageStats;
  readonly #host: StorageHost;
  readonly #records: RecordLog;
  readonly #reader: ByteReader;
  /** Sessions for which a message is being read. */
  readonly #loading: Set<JournalSession>;
  /** Positions that could not be read, until the session that asked has been answered. */
  readonly #lost: Set<number>;
  /** Settled when all that was to be read back has been. */
  #readingBack: Promise<void>;

  constructor(host: StorageHost, records: RecordLog, stats: StorageStats) {
    this.#stats = stats;
    this.#host = host;
    this.#records = records;
    this.#reader = new ByteReader(new Uint8Array(0));
    this.#loading = new Set();
    this.#lost = new Set();
    this.#readingBack = Promise.resolve();
  }

  /** The message at a position, or as `DeliveryStore.fetch` says. */
  fetch(session: JournalSession, position: number): Message | null | 'lost' {
    const { log } = this.#records;
    const record = log.viewNow(position);
    if (record !== null) {
      const { bytes, streamStart, dataStart, end } = record;
      const reader = this.#reader.reset(bytes, dataStart, end);
      return readMessageOnly(reader, bytes, streamStart, record.streamEnd);
    }
    if (this.#lost.delete(position)) return 'lost';
    if (this.#loading.has(session)) return null;
    this.#loading.add(session);
    const { faults } = this.#host;
    const then = (action: () => void) => faults.contain(session.link, 'replaying', action);
    log.read(position).then(
      () => then(() => this.#onLoaded(session)),
      (error: unknown) => then(() => this.#onUnreadable(session, position, error)),
    );
    return null;
  }

  #onLoaded(session: JournalSession): void {
    this.#loading.delete(session);
    session.pump(this.#host.runtime.now());
  }

  #onUnreadable(session: JournalSession, position: number, error: unknown): void {
    if (isOutOfDescriptors(error)) {
      // There will be one again.
      const { faults, runtime } = this.#host;
      runtime.setTimer(RETRY_MS, () =>
        faults.contain(session.link, 'replaying', () => this.#onLoaded(session)),
      );
      return;
    }
    // It may have been moved while it was read; then it is asked for at another position.
    this.#lost.add(position);
    this.#onLoaded(session);
    if (this.#lost.delete(position)) return;
    this.#stats.lostMessages++;
    this.#host.log.error('message-lost', {
      clientId: session.clientId,
      position,
      why: error instanceof Error ? error.message : String(error),
    });
  }

  /**
   * Reads a message for somebody who keeps it in memory only; one that can't be read is counted. Messages
   * come in the order in which they were asked for.
   *
   * @param positionOf - asked when its turn comes, as compaction may have moved the record; -1 when it isn't
   * wanted any more
   * @param onDone - called last, whatever came of it
   */
  readBack(positionOf: () => number, onRead: (message: Message) => void, onDone: () => void): void {
    const { faults } = this.#host;
    // Whatever becomes of one, the next is read.
    this.#readingBack = this.#readingBack
      .then(() => this.#readNow(positionOf, onRead))
      .catch((error: unknown) => faults.note(null, 'replaying', error))
      .then(() => faults.contain(null, 'replaying', onDone));
  }

  async #readNow(positionOf: () => number, onRead: (message: Message) => void): Promise<void> {
    for (let position = positionOf(); position !== -1; ) {
      try {
        const { data, stream } = await this.#records.log.read(position);
        const message = readMessageOnly(new ByteReader(data), stream);
        this.#host.faults.contain(null, 'replaying', () => onRead(message));
        return;
      } catch (error) {
        if (isOutOfDescriptors(error)) {
          await new Promise<void>((done) => {
            this.#host.runtime.setTimer(RETRY_MS, done);
          });
          position = positionOf();
          continue;
        }
        const next = positionOf();
        if (next === position) {
          this.#stats.lostMessages++;
          this.#host.log.error('message-lost', { position, why: String(error) });
          return;
        }
        position = next;
      }
    }
  }
}
