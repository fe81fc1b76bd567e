import { invariant } from '@promptmq/topics';
import type { Message } from '../messages/message.ts';

/** What an entry says in its byte of `#flags`. Only in memory: what lies on disk is written down where it is encoded. */
const Flag = {
  /** Bits 0 and 1. */
  QoS: 3,
  Retain: 4,
  Sent: 8,
  Reference: 16,
  Transient: 32,
} as const;

/** What a block keeps of a delivery; a `Delivery` is one. */
export interface QueueEntry {
  /** Its number among the stored deliveries of its session, from 1; 0 when it isn't stored. */
  sequence: number;
  /** Where the record of its message lies. */
  position: number;
  /** Bytes of that record that are given up with it. */
  share: number;
  qos: 0 | 1 | 2;
  retain: boolean;
  /** It may have been sent by a process that has ended. */
  isSent: boolean;
  /** It has a record of its own that refers to its message's. */
  isReference: boolean;
}

/** What most entries don't have; one object for neighbours that have the same. */
export interface EntryDetails {
  readonly expiresAt: number;
  readonly identifiers: readonly number[];
  readonly group: string | null;
}

/** What a block begins with, where not much is expected. */
export const BLOCK_CAPACITY_MIN = 8;

/** A block that has as many entries is full. */
export const BLOCK_CAPACITY = 512;

/**
 * A stretch of a stored queue in columns: 13 bytes an entry, where an object would take over 100, and 8 more
 * unless sequences follow one another. It begins small and grows, so that a short queue costs little.
 *
 * An entry that isn't stored is transient: its message is in memory only, and it has the sequence of the entry before,
 * or 0 where the block begins with it.
 *
 * Invariants: the entries are `[start, end)`; sequences never fall from entry to entry.
 */
export class QueueBlock {
  /** Its place among the blocks of the queue; the first has the lowest. */
  readonly number: number;
  start: number;
  end: number;
  #positions: Float64Array;
  #shares: Uint32Array;
  #flags: Uint8Array;
  /** Of the entry with index 0. */
  #firstSequence: number;
  /** By entry; null while each sequence is the one before plus 1. */
  #sequences: Float64Array | null;
  /** By entry; null when no entry has any. */
  #details: (EntryDetails | null)[] | null;
  /** Messages that are in memory, by entry; null when there are none. */
  #messages: (Message | null)[] | null;
  /** Whether stored entries have come, gone or changed since this was last set to false. */
  isChanged: boolean;

  constructor(number: number, capacity = BLOCK_CAPACITY_MIN) {
    this.number = number;
    this.start = 0;
    this.end = 0;
    const { positions, shares, flags } = allocateColumns(capacity);
    this.#positions = positions;
    this.#shares = shares;
    this.#flags = flags;
    this.#firstSequence = 0;
    this.#sequences = null;
    this.#details = null;
    this.#messages = null;
    this.isChanged = true;
  }

  get length(): number {
    return this.end - this.start;
  }

  get isFull(): boolean {
    return this.end >= BLOCK_CAPACITY;
  }

  // ------------------------------------------------------------------- changes

  /**
   * Appends an entry.
   *
   * @param entry - copied; its sequence is above that of the entry before, or 0 when it isn't stored
   * @param message - null when it isn't to be in memory
   */
  add(entry: QueueEntry, details: EntryDetails | null, message: Message | null): void {
    const { sequence } = entry;
    const isTransient = sequence === 0;
    const order = isTransient && this.end > 0 ? this.lastSequence : sequence;
    this.#append(order, entry.position, entry.share, flagsOf(entry), details, message);
  }

  /** Appends an entry of another block, as it is there. */
  addFrom(block: QueueBlock, index: number): void {
    this.#append(
      block.sequenceAt(index),
      block.positionAt(index),
      block.shareAt(index),
      block.#flags[index] as number,
      block.detailsAt(index),
      block.messageAt(index),
    );
  }

  #append(
    order: number,
    position: number,
    share: number,
    flags: number,
    details: EntryDetails | null,
    message: Message | null,
  ): void {
    const index = this.end++;
    if (index === this.#positions.length) this.#grow();
    if (index === 0) this.#firstSequence = order;
    else if (this.#sequences === null && order !== this.#firstSequence + index) {
      this.#listSequences(index);
    }
    if (this.#sequences !== null) this.#sequences[index] = order;
    this.#positions[index] = position;
    this.#shares[index] = share;
    this.#flags[index] = flags;
    if (details !== null || this.#details !== null) {
      this.#details ??= [];
      fillUpTo(this.#details, index);
      this.#details[index] = details;
    }
    if (message !== null || this.#messages !== null) {
      this.#messages ??= [];
      fillUpTo(this.#messages, index);
      this.#messages[index] = message;
    }
    this.isChanged = true;
  }

  /** The record of an entry lies elsewhere now. */
  relocate(index: number, position: number, share: number): void {
    this.#positions[index] = position;
    this.#shares[index] = share;
    this.isChanged = true;
  }

  /** An entry may have been sent. That is known from the session, too: it isn't a change. */
  markSent(index: number): void {
    this.#flags[index] = (this.#flags[index] as number) | Flag.Sent;
  }

  /** The message of an entry leaves memory. */
  forgetMessage(index: number): void {
    if (this.#messages !== null) this.#messages[index] = null;
  }

  /** Takes an entry out: those after it move up. */
  removeAt(index: number): void {
    this.isChanged = true;
    if (index === this.start) {
      this.start++;
      return;
    }
    const sequences = this.#sequences ?? this.#listSequences(this.end);
    for (const column of [sequences, this.#positions, this.#shares, this.#flags]) {
      column.copyWithin(index, index + 1, this.end);
    }
    this.#details?.splice(index, 1);
    this.#messages?.splice(index, 1);
    this.end--;
  }

  // ------------------------------------------------------------------- entries

  /** The sequence of an entry. */
  sequenceAt(index: number): number {
    return this.#sequences === null
      ? this.#firstSequence + index
      : (this.#sequences[index] as number);
  }

  /** The highest sequence; the block has an entry, or had. */
  get lastSequence(): number {
    return this.sequenceAt(this.end - 1);
  }

  positionAt(index: number): number {
    return this.#positions[index] as number;
  }

  shareAt(index: number): number {
    return this.#shares[index] as number;
  }

  qosAt(index: number): 0 | 1 | 2 {
    return ((this.#flags[index] as number) & Flag.QoS) as 0 | 1 | 2;
  }

  retainAt(index: number): boolean {
    return this.#has(index, Flag.Retain);
  }

  isTransient(index: number): boolean {
    return this.#has(index, Flag.Transient);
  }

  isSentAt(index: number): boolean {
    return this.#has(index, Flag.Sent);
  }

  isReferenceAt(index: number): boolean {
    return this.#has(index, Flag.Reference);
  }

  #has(index: number, flag: number): boolean {
    return ((this.#flags[index] as number) & flag) !== 0;
  }

  detailsAt(index: number): EntryDetails | null {
    return this.#details?.[index] ?? null;
  }

  /** Null when it is not in memory. */
  messageAt(index: number): Message | null {
    return this.#messages?.[index] ?? null;
  }

  /** Copies an entry; the sequence of one that isn't stored is 0. */
  read(index: number, into: QueueEntry): void {
    const isTransient = this.isTransient(index);
    into.sequence = isTransient ? 0 : this.sequenceAt(index);
    into.position = this.positionAt(index);
    into.share = this.shareAt(index);
    into.qos = this.qosAt(index);
    into.retain = this.retainAt(index);
    into.isSent = this.isSentAt(index);
    into.isReference = this.isReferenceAt(index);
  }

  /** Where the stored entry with a sequence lies; -1 when it isn't in here. */
  indexOf(sequence: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sequenceAt(middle) < sequence) low = middle + 1;
      else high = middle;
    }
    // A transient entry has the sequence of the one before.
    while (low < this.end && this.isTransient(low)) low++;
    return low < this.end && this.sequenceAt(low) === sequence ? low : -1;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { start, end } = this;
    const what = `block ${this.number}`;
    invariant(0 <= start && start <= end, `${what} is [${start}, ${end})`);
    invariant(end <= this.#positions.length, `${what} has ${end} entries in too short columns`);
    for (let index = start + 1; index < end; index++) {
      const isInOrder = this.sequenceAt(index) >= this.sequenceAt(index - 1);
      invariant(isInOrder, `${what}: ${this.sequenceAt(index)} is out of order`);
    }
    for (const list of [this.#details, this.#messages]) {
      invariant(list === null || list.length <= end, `${what} has a list of ${list?.length}`);
    }
  }

  #grow(): void {
    const { length } = this.#positions;
    // A restored one may have more entries: all that was under way in a former process.
    const capacity = length < BLOCK_CAPACITY ? Math.min(BLOCK_CAPACITY, length * 4) : length * 2;
    const { positions, shares, flags } = allocateColumns(capacity);
    positions.set(this.#positions);
    shares.set(this.#shares);
    flags.set(this.#flags);
    this.#positions = positions;
    this.#shares = shares;
    this.#flags = flags;
    if (this.#sequences !== null) this.#listSequences(length);
  }

  /** Lists the sequences of the first entries, with room for those of as many as the columns take. */
  #listSequences(count: number): Float64Array {
    const sequences = new Float64Array(this.#positions.length);
    for (let index = 0; index < count; index++) sequences[index] = this.sequenceAt(index);
    this.#sequences = sequences;
    return sequences;
  }
}

/** The columns share a buffer, which costs less than one for each. */
function allocateColumns(capacity: number) {
  const buffer = new ArrayBuffer(13 * capacity);
  return {
    positions: new Float64Array(buffer, 0, capacity),
    shares: new Uint32Array(buffer, 8 * capacity, capacity),
    flags: new Uint8Array(buffer, 12 * capacity, capacity),
  };
}

function flagsOf({ qos, retain, isSent, isReference, sequence }: QueueEntry): number {
  return (
    qos |
    (retain ? Flag.Retain : 0) |
    (isSent ? Flag.Sent : 0) |
    (isReference ? Flag.Reference : 0) |
    (sequence === 0 ? Flag.Transient : 0)
  );
}

function fillUpTo<T>(list: (T | null)[], index: number): void {
  while (list.length < index) list.push(null);
}
