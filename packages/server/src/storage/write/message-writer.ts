import { type Delivery, type Message, storedOf } from '@promptmq/session';
import { recordBytes } from '@promptmq/wal';
import type { JournalSession, MovedDelivery } from '../journal.ts';
import type { CommitQueue } from '../log/commit-queue.ts';
import type { RecordLog } from '../log/record-log.ts';
import { type Origin, writeDelivery, writeMessageHead } from '../records/message-record.ts';
import { shareOf, shareOut } from '../records/record-share.ts';
import { writeHandOver, writeReferences } from '../records/reference-record.ts';
import type { RetainedRecords } from '../retained/retained-records.ts';
import { Change, type StoredState } from '../stored-state.ts';

/** Writes messages, and numbers the deliveries that are made of them. */
export class MessageWriter {
  readonly #state: StoredState;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  readonly #retained: RetainedRecords;
  /** While a full disk's refusal is undone: the first sequence of a session that it never got. */
  readonly #refusedFrom: Map<JournalSession, number>;

  constructor(
    state: StoredState,
    records: RecordLog,
    queue: CommitQueue,
    retained: RetainedRecords,
  ) {
    this.#state = state;
    this.#records = records;
    this.#queue = queue;
    this.#retained = retained;
    this.#refusedFrom = new Map();
  }

  /**
   * Writes a message, once for all who are to get it. Its deliveries are numbered and know their record
   * afterwards.
   *
   * @param sessions - whose the deliveries are
   * @param isRetained - it has taken the place of its topic's retained message
   * @param former - what that was
   * @returns the record's position
   */
  write(
    message: Message,
    sessions: readonly JournalSession[],
    deliveries: readonly Delivery[],
    origin: Origin | null,
    isRetained: boolean,
    former: Message | undefined,
  ): number {
    const { writer, log, release } = this.#records;
    writeMessageHead(writer, message, origin, isRetained, deliveries.length);
    for (let index = 0; index < deliveries.length; index++) {
      const session = sessions[index] as JournalSession;
      const delivery = deliveries[index] as Delivery;
      const stored = storedOf(session);
      delivery.sequence = ++stored.lastSequence;
      writeDelivery(writer, stored.number, delivery.sequence, delivery);
    }
    const isStored = isRetained && message.payload.length > 0;
    const users = deliveries.length + (isStored ? 1 : 0);
    const parts = users === 0 ? [writer.bytes] : [writer.bytes, message.payload];
    const position = log.append(parts, null, message.topicBytes);
    this.#records.lastPosition = position;
    const dataLength = writer.length + (users === 0 ? 0 : message.payload.length);
    const size = recordBytes(dataLength, message.topicBytes.length);
    shareOut(position, size, users, release);
    for (let index = 0; index < deliveries.length; index++) {
      const delivery = deliveries[index] as Delivery;
      delivery.position = position;
      delivery.share = shareOf(size, users, index);
      this.#state.markNumber(storedOf(sessions[index] as JournalSession).number, Change.Progress);
    }
    if (isRetained) {
      const share = isStored ? shareOf(size, users, users - 1) : 0;
      this.#retained.replace(message.topic, position, share, isStored, former);
    }
    if (origin?.kind === 'received') this.#state.markNumber(origin.session, Change.Progress);
    if (origin?.kind === 'will') this.#state.markNumber(origin.session, Change.Session);
    if (origin?.kind === 'cell') this.#state.applied.advance(origin, position);
    return position;
  }

  /**
   * Writes that a session is to get retained messages, or messages that had been another's: they are
   * in the log already, or are written with it.
   *
   * @param deliveries - of QoS 1 and 2; numbered afterwards
   */
  writeReferences(session: JournalSession, deliveries: readonly Delivery[]): void {
    const stored = storedOf(session);
    const referring: Delivery[] = [];
    for (const delivery of deliveries) {
      if (delivery.position > 0) {
        delivery.sequence = ++stored.lastSequence;
        delivery.isReference = true;
        referring.push(delivery);
      } else {
        this.write(delivery.message, [session], [delivery], null, false, undefined);
      }
    }
    if (referring.length === 0) return;
    writeReferences(this.#records.writer, stored.number, referring);
    for (const { position: target, sequence } of referring) {
      this.#state.references.add(target, stored.number, sequence);
    }
    this.#state.markNumber(stored.number, Change.Progress);
    const at = this.#records.append();
    stored.referencePosition = at;
    this.#queue.add({
      position: at,
      onCommitted: () => {},
      onRefused: () => {
        stored.remove(referring.map(({ sequence }) => sequence));
        for (const delivery of referring) this.#refuseReference(session, delivery);
      },
    });
  }

  /**
   * Writes that deliveries of one session have become others'.
   *
   * @param moved - stored; the new ones know where the message lies, and are numbered afterwards
   * @returns the record's position
   */
  writeHandOver(session: JournalSession, moved: readonly MovedDelivery[]): number {
    for (const { session: to, delivery } of moved) {
      const stored = storedOf(to);
      delivery.sequence = ++stored.lastSequence;
      delivery.isReference = true;
      this.#state.references.add(delivery.position, stored.number, delivery.sequence);
      this.#state.markNumber(stored.number, Change.Progress);
    }
    const { number } = storedOf(session);
    this.#state.markNumber(number, Change.Progress);
    const handedOver = moved.map(({ former, session: to, delivery }) => {
      return { former, to: storedOf(to).number, delivery };
    });
    writeHandOver(this.#records.writer, number, handedOver);
    const at = this.#records.append();
    for (const { session: to } of moved) storedOf(to).referencePosition = at;
    this.#queue.add({
      position: at,
      onCommitted: () => {},
      onRefused: () => {
        for (const { session: to, delivery } of moved) {
          storedOf(to).remove([delivery.sequence]);
          this.#refuseReference(to, delivery);
        }
      },
    });
    return at;
  }

  #refuseReference(session: JournalSession, { position, sequence }: Delivery): void {
    this.#state.references.remove(position, storedOf(session).number, sequence);
    const from = this.#refusedFrom.get(session) ?? sequence;
    this.#refusedFrom.set(session, Math.min(from, sequence));
  }

  /** Whether it was never a session's: the record that gave it to this one is refused just now. */
  isRefused(session: JournalSession, sequence: number): boolean {
    return sequence >= (this.#refusedFrom.get(session) ?? Number.POSITIVE_INFINITY);
  }

  /** All that a full disk refused has been taken back. */
  endRefusal(): void {
    this.#refusedFrom.clear();
  }
}
