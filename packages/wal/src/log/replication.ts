import { BATCH_HEADER_SIZE, SEGMENT_HEADER_SIZE } from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { invariant } from '../invariant.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { Replica } from '../ports/replica.ts';
import type { Segment } from '../segments/segment.ts';
import { readSegment } from '../segments/segment-list.ts';
import type { SealedBatch } from './appender.ts';
import type { LogState } from './log-state.ts';

/** What replication needs of its log. */
export interface ReplicatedLog {
  readonly state: LogState;
  readonly files: Files;
  readonly segments: readonly Segment[];
  readonly replica: Replica;
  /** The replica has more: `state.replicated` has grown. */
  readonly onReplicated: () => void;
}

/**
 * Gives what is written to the replica, and knows what that owes.
 *
 * Invariant: what is owed lies in the order of the log, between `replicated` and the head.
 */
export class Replication {
  readonly #log: ReplicatedLog;
  readonly #state: LogState;
  /** Where the batches end that the replica has been given and has not confirmed, in their order. */
  #owed: number[];
  /** Who waits for the replica to have what lies before a position. */
  #waiting: { position: number; done: () => void; fail: (error: LogError) => void }[];
  /** Called when less is owed. */
  #onRoom: (() => void) | null;
  /** The last segment of which the replica was given the header alone. */
  #begun: Segment | null;
  /** Why nothing is waited for any more; null while the log serves. */
  #ended: LogError | null;

  constructor(log: ReplicatedLog) {
    this.#log = log;
    this.#state = log.state;
    this.#owed = [];
    this.#waiting = [];
    this.#onRoom = null;
    this.#begun = null;
    this.#ended = null;
  }

  /** A segment was made that may stay without data: what follows it says so, and the replica has to know of it. */
  begin(segment: Segment): void {
    this.#begun = segment;
    this.#give(segment.first, segment.first, [segment.header]);
  }

  /** A batch has been written. */
  ship({ segment, bytes, builder }: SealedBatch): void {
    const { position } = builder;
    const isFirst = position - segment.first === SEGMENT_HEADER_SIZE && segment !== this.#begun;
    if (isFirst) this.#give(segment.first, segment.first, [segment.header, bytes]);
    else this.#give(position, segment.first, [bytes]);
  }

  #give(position: number, segmentFirst: number, parts: readonly Uint8Array[]): void {
    let end = position;
    for (const part of parts) end += part.length;
    this.#owed.push(end);
    this.#log.replica.ship(position, segmentFirst, parts, () => this.#onReplicated());
  }

  #onReplicated(): void {
    if (this.#ended !== null) return;
    this.#state.replicated = this.#owed.shift() as number;
    if (this.#hasRoom) this.#makeRoom();
    if (this.#waiting.length > 0) {
      const met = this.#waiting.filter(({ position }) => this.#has(position));
      this.#waiting = this.#waiting.filter(({ position }) => !this.#has(position));
      // They continue after the listeners have been notified.
      for (const { done } of met) done();
    }
    this.#log.onReplicated();
  }

  /** Whether the replica owes nothing that begins before a position: between two batches there may be a gap. */
  #has(position: number): boolean {
    return this.#owed.length === 0 || position <= this.#state.replicated;
  }

  /** Waits until the replica has what lies before a position, which has been written. */
  async until(position: number): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    if (this.#has(position)) return;
    await new Promise<void>((done, fail) => {
      this.#waiting.push({ position, done, fail });
    });
  }

  /**
   * Whether more may be written. Each batch that is owed keeps a buffer, which would be a lot of memory when the replica stands still and
   * batches are small: what is appended meanwhile gathers in fewer, larger ones.
   */
  get #hasRoom(): boolean {
    return this.#owed.length < this.#log.replica.window;
  }

  /** Waits until the replica owes so little that more may be written. */
  async untilRoom(): Promise<void> {
    if (this.#hasRoom || this.#ended !== null) return;
    await new Promise<void>((done) => {
      this.#onRoom = done;
    });
  }

  #makeRoom(): void {
    this.#onRoom?.();
    this.#onRoom = null;
  }

  /**
   * At open: gives the replica what the log has and it lacks, which the last process had written and nobody had acknowledged.
   *
   * @throws {LogError} `corrupt` when the replica has more than the log
   */
  async catchUp(): Promise<void> {
    const { files, segments, replica } = this.#log;
    const { head, directory } = this.#state;
    const { position } = replica;
    if (position > head) {
      const what = `${directory} ends at ${head}, and its replica at ${position}`;
      throw new LogError('corrupt', `${what}: what is missing has to be fetched first`);
    }
    this.#state.replicated = position;
    for (const segment of segments) {
      if (segment.end === segment.first + SEGMENT_HEADER_SIZE) {
        this.#begun = segment;
        if (position < segment.end) this.begin(segment);
        continue;
      }
      if (segment.end <= position) continue;
      const buffer = await readSegment(files, segment);
      const from = Math.max(0, position - segment.first);
      // What can't be read between two batches goes along as it is: the positions are the same in both places.
      let start = from;
      const firstBatch = Math.max(SEGMENT_HEADER_SIZE, from);
      for (const stretch of scan(buffer, segment.first, firstBatch, segment.size)) {
        if (stretch.kind !== 'batch') continue;
        const end = stretch.offset + stretch.batch.size;
        this.#give(segment.first + start, segment.first, [buffer.subarray(start, end)]);
        start = end;
      }
    }
    await this.until(head);
    this.#state.replicated = head;
  }

  /** The oldest bytes of the log have gone. */
  trim(position: number): void {
    this.#log.replica.trim(position);
  }

  /** Nothing is waited for any more. */
  end(error: LogError): void {
    this.#ended = error;
    this.#owed = [];
    this.#makeRoom();
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { replicated, head } = this.#state;
    let last = replicated;
    for (const end of this.#owed) {
      invariant(end >= last + BATCH_HEADER_SIZE, `${end} is owed after ${last}`);
      last = end;
    }
    invariant(last <= head, `the replica owes ${last}, the head is ${head}`);
    for (const { position } of this.#waiting) {
      invariant(!this.#has(position), `somebody waits for ${position}, and ${replicated} is there`);
    }
  }
}
