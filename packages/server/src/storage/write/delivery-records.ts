import { type Delivery, DeliveryState, storedOf } from '@promptmq/session';
import type { StorageHost } from '../host.ts';
import type { Commits, JournalSession, MovedDelivery } from '../journal.ts';
import type { CommitQueue } from '../log/commit-queue.ts';
import type { RecordLog } from '../log/record-log.ts';
import { writeRelease } from '../records/progress-record.ts';
import { Change, type StoredState } from '../stored-state.ts';
import type { MessageWriter } from './message-writer.ts';
import type { ProgressWriter } from './progress-writer.ts';

/** What of the storage deliveries are written with. */
interface Writers {
  readonly state: StoredState;
  readonly records: RecordLog;
  readonly queue: CommitQueue;
  readonly messages: MessageWriter;
  readonly progress: ProgressWriter;
}

/**
 * Writes what becomes of deliveries after their message was written: sent, PUBREC has come, settled, handed over.
 *
 * Invariant: PUBREL leaves after the record of PUBREC is committed [MQTT-4.3.3-4].
 */
export class DeliveryRecords {
  readonly #host: StorageHost;
  readonly #commits: Pick<Commits, 'committedPosition'>;
  readonly #state: StoredState;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  readonly #messages: MessageWriter;
  readonly #progress: ProgressWriter;

  constructor(
    host: StorageHost,
    commits: Pick<Commits, 'committedPosition'>,
    { state, records, queue, messages, progress }: Writers,
  ) {
    this.#host = host;
    this.#commits = commits;
    this.#state = state;
    this.#records = records;
    this.#queue = queue;
    this.#messages = messages;
    this.#progress = progress;
  }

  onSettled(session: JournalSession, delivery: Delivery): void {
    const { number } = storedOf(session);
    const entry = this.#state.entries.get(number);
    if (entry === undefined) return;
    this.#state.mark(entry, Change.Progress);
    this.#progress.addSettled(number, delivery.sequence);
    if (delivery.state !== DeliveryState.Released) this.#giveUp(session, delivery);
  }

  onSettledUpTo(session: JournalSession, sequence: number, deliveries: readonly Delivery[]): void {
    const { number } = storedOf(session);
    const entry = this.#state.entries.get(number);
    if (entry === undefined) return;
    this.#state.mark(entry, Change.Progress);
    this.#progress.addSettledUpTo(number, sequence);
    for (const delivery of deliveries) this.#giveUp(session, delivery);
  }

  handOver(session: JournalSession, moved: readonly MovedDelivery[]): number {
    const position = this.#messages.writeHandOver(session, moved);
    const former = moved.map((one) => one.former);
    for (const delivery of former) this.#giveUp(session, delivery);
    this.#queue.add({
      position,
      onCommitted: () => {},
      onRefused: () => this.#takeBack(session, former),
    });
    return position;
  }

  #takeBack(session: JournalSession, deliveries: readonly Delivery[]): void {
    if (this.#state.entries.get(storedOf(session).number)?.session !== session) return;
    const kept = deliveries.filter(
      ({ position, sequence }) =>
        position < this.#commits.committedPosition && !this.#messages.isRefused(session, sequence),
    );
    for (const { position, share, sequence, isReference } of kept) {
      this.#records.release(position, -share);
      if (isReference) this.#state.references.add(position, storedOf(session).number, sequence);
    }
    storedOf(session).queue.putBack(kept);
    this.#markProgress(session);
    session.pump(this.#host.runtime.now());
  }

  #giveUp(session: JournalSession, { position, share, sequence, isReference }: Delivery): void {
    this.#records.release(position, share);
    if (isReference) this.#state.references.remove(position, storedOf(session).number, sequence);
  }

  onSent(session: JournalSession): void {
    this.#markProgress(session);
    this.#progress.addSent(session);
  }

  onReleased(session: JournalSession, delivery: Delivery): void {
    this.#giveUp(session, delivery);
    this.#writeReleased(session, delivery);
  }

  #writeReleased(session: JournalSession, delivery: Delivery): void {
    const { sequence, packetId } = delivery;
    this.#markProgress(session);
    // Not committed until it is written, however long the disk is full.
    delivery.position = Number.POSITIVE_INFINITY;
    if (!this.#records.isOpen) {
      this.#records.whenRoom(() => {
        if (storedOf(session).isUnderWay(delivery)) this.#writeReleased(session, delivery);
      });
      return;
    }
    writeRelease(this.#records.writer, storedOf(session).number, sequence, packetId);
    const position = this.#records.append();
    delivery.position = position;
    this.#queue.add({
      position,
      onCommitted: () => {
        if (storedOf(session).isUnderWay(delivery)) session.link?.sendPubrel(packetId); // [MQTT-4.3.3-4]
      },
      onRefused: () => this.#writeReleased(session, delivery),
    });
  }

  #markProgress(session: JournalSession): void {
    this.#state.markNumber(storedOf(session).number, Change.Progress);
  }
}
