import { type Message, STORED_MESSAGE } from '@promptmq/session';
import { invariant, type RetainedStore } from '@promptmq/topics';
import type { CommitQueue } from '../log/commit-queue.ts';
import type { RecordLog } from '../log/record-log.ts';
import { writeMessageHead } from '../records/message-record.ts';
import type { StoredState } from '../stored-state.ts';
import type { RetainedPlace } from './retained-places.ts';

/** A retained message that took another's place and is not committed yet. */
interface Replacement {
  readonly position: number;
  readonly topic: string;
  readonly formerMessage: Message | undefined;
  readonly formerPlace: RetainedPlace | null;
}

/**
 * What the log says of retained messages: which record has that of a topic, that one is gone, and what is
 * taken back when the record of another in its place is refused.
 */
export class RetainedRecords {
  readonly #store: RetainedStore<Message>;
  readonly #state: StoredState;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  /** By position. */
  #replacements: Replacement[];

  constructor(
    store: RetainedStore<Message>,
    state: StoredState,
    records: RecordLog,
    queue: CommitQueue,
  ) {
    this.#store = store;
    this.#state = state;
    this.#records = records;
    this.#queue = queue;
    this.#replacements = [];
  }

  /** By topic, where its retained message lies. */
  get places(): ReadonlyMap<string, RetainedPlace> {
    return this.#state.retained;
  }

  /** Where the retained message of a topic lies; 0 when it isn't stored. */
  positionOf(topic: string): number {
    return this.#state.retained.get(topic)?.position ?? 0;
  }

  /**
   * A record that was appended just now has the retained message of its topic, or says that there is none any more.
   *
   * @param share - bytes of the record that are given up with the message
   * @param isStored - false when there is none any more
   * @param formerMessage - what the topic's message was
   */
  replace(
    topic: string,
    position: number,
    share: number,
    isStored: boolean,
    formerMessage: Message | undefined,
  ): void {
    const formerPlace = isStored
      ? this.#state.setRetained(topic, position, share)
      : this.#state.removeRetained(topic);
    if (formerPlace !== null) this.#records.release(formerPlace.position, formerPlace.share);
    this.#replacements.push({ position, topic, formerMessage, formerPlace });
  }

  /**
   * A retained message has expired, or can't be read. The log says so before the message's segment may go, as soon as
   * there is room for that: the last checkpoint still has it.
   */
  drop(topic: string): void {
    const place = this.#state.removeRetained(topic);
    if (place !== null) this.#writeRemoval(topic, place);
  }

  #writeRemoval(topic: string, place: RetainedPlace): void {
    const records = this.#records;
    // It was never stored, and the one before it is in its place again.
    if (this.#state.retained.has(topic)) return;
    if (!records.isOpen) {
      records.whenRoom(() => this.#writeRemoval(topic, place));
      return;
    }
    records.release(place.position, place.share);
    const removal: Message = {
      ...STORED_MESSAGE,
      topic,
      topicBytes: Buffer.from(topic),
      retain: true,
    };
    writeMessageHead(records.writer, removal, null, true, 0);
    this.#queue.add({
      position: records.append(records.writer, removal.topicBytes),
      onCommitted: () => {},
      onRefused: () => {
        records.release(place.position, -place.share);
        this.#writeRemoval(topic, place);
      },
    });
  }

  /** Records before a position are committed. */
  commit(position: number): void {
    const all = this.#replacements;
    let count = 0;
    while (count < all.length && (all[count] as Replacement).position < position) count++;
    if (count > 0) this.#replacements = all.slice(count);
  }

  /** There are no records from a position on, as they were refused: what was replaced is in its place again. */
  takeBack(position: number): void {
    const all = this.#replacements;
    this.#replacements = all.filter((one) => one.position < position);
    for (let index = all.length - 1; index >= this.#replacements.length; index--) {
      this.#restore(all[index] as Replacement);
    }
  }

  #restore({ topic, formerMessage, formerPlace }: Replacement): void {
    this.#store.restore(topic, formerMessage);
    if (formerPlace === null) {
      this.#state.removeRetained(topic);
    } else {
      this.#state.setRetained(topic, formerPlace.position, formerPlace.share);
      this.#records.release(formerPlace.position, -formerPlace.share);
    }
  }

  /** Whether the message of a record may have to become its topic's retained message again. */
  isAwaited(position: number): boolean {
    return this.#replacements.some(({ formerPlace }) => formerPlace?.position === position);
  }

  /** A record lies elsewhere now. */
  move(from: number, to: number): void {
    this.#replacements = this.#replacements.map((one) =>
      one.formerPlace?.position === from
        ? { ...one, formerPlace: { ...one.formerPlace, position: to } }
        : one,
    );
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let former = 0;
    for (const { position, topic } of this.#replacements) {
      invariant(position > former, `the replacement at ${position} follows that at ${former}`);
      former = position;
      const last = this.#replacements.findLast((one) => one.topic === topic);
      const isLast = last?.position === position;
      const place = this.positionOf(topic);
      // Compaction may have moved it, and what is gone has no place.
      invariant(!isLast || place === 0 || place >= position, `${topic} lies at ${place}`);
    }
    for (const topic of this.places.keys()) {
      invariant(this.#store.get(topic) !== undefined, `${topic} has a place, and no message`);
    }
  }
}
