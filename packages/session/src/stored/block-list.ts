import { invariant, NO_IDENTIFIERS } from '@promptmq/topics';
import { Delivery } from '../messages/delivery.ts';
import { type Message, messageSize, STORED_MESSAGE } from '../messages/message.ts';
import { Fifo } from '../queues/fifo.ts';
import {
  BLOCK_CAPACITY,
  BLOCK_CAPACITY_MIN,
  type EntryDetails,
  QueueBlock,
} from './queue-block.ts';

/** Which entries are meant. */
export type EntryFilter = (block: QueueBlock, index: number) => boolean;

/** Is notified of what comes and goes. */
export interface BlockListOwner {
  /** Entries have come or, below 0, gone. */
  onCounted(entries: number, bytes: number): void;
  /** Messages of stored entries have come into memory or, below 0, left it. */
  onResident(bytes: number): void;
}

/** What restored entries that go before all others are numbered below. */
const FIRST_BLOCK_NUMBER = 0x8000_0000;

/**
 * The entries of a stored queue in their order, in blocks, with what they sum up to.
 *
 * Invariants: blocks are in the order of their numbers and none is empty; the sequences of stored entries rise from entry to
 * entry; the sums are those of the entries.
 */
export class BlockList {
  /** Entries. */
  length: number;
  /** What they count against the limits: the bytes of records that are given up with them. */
  bytes: number;
  /** Entries that aren't stored. */
  transientCount: number;
  /** Entries of shared subscriptions. */
  groupCount: number;
  /** Stored entries whose message is in memory. */
  residentCount: number;
  readonly #owner: BlockListOwner;
  readonly #blocks: Fifo<QueueBlock>;
  #lastBlock: QueueBlock | null;
  #nextNumber: number;
  /** Numbers of blocks that are gone, since they were asked for. */
  #removedNumbers: number[];
  /** Where a stored entry was found last: the next one searched for tends to be near. */
  #foundIn: QueueBlock | null;

  constructor(owner: BlockListOwner) {
    this.length = 0;
    this.bytes = 0;
    this.transientCount = 0;
    this.groupCount = 0;
    this.residentCount = 0;
    this.#owner = owner;
    this.#blocks = new Fifo();
    this.#lastBlock = null;
    this.#nextNumber = FIRST_BLOCK_NUMBER;
    this.#removedNumbers = [];
    this.#foundIn = null;
  }

  /** The first block, whose first entry is that of the list; undefined when there is none. */
  get first(): QueueBlock | undefined {
    return this.#blocks.peek();
  }

  get lastSequence(): number {
    return this.#lastBlock?.lastSequence ?? 0;
  }

  [Symbol.iterator](): Iterator<QueueBlock> {
    return this.#blocks[Symbol.iterator]();
  }

  takeRemovedNumbers(): number[] {
    return this.#removedNumbers.splice(0);
  }

  // --------------------------------------------------------------- coming and going

  /** @param message - what is to be in memory of it; a delivery that isn't stored has it there in any case */
  append(delivery: Delivery, message: Message | null): void {
    const { sequence, share, group } = delivery;
    let block = this.#lastBlock;
    if (block === null || block.isFull) {
      // One that follows a full block will most likely be filled, too.
      const capacity = block === null ? BLOCK_CAPACITY_MIN : BLOCK_CAPACITY;
      block = new QueueBlock(this.#nextNumber++, capacity);
      this.#blocks.push(block);
      this.#lastBlock = block;
    }
    const isTransient = sequence === 0;
    const kept = isTransient ? delivery.message : message;
    block.add(delivery, detailsOf(delivery, block), kept);
    if (isTransient) this.transientCount++;
    else if (kept !== null) this.#noteResident(1, messageSize(kept));
    if (group !== null) this.groupCount++;
    this.#count(1, share);
  }

  /** Appends a block as it was; numbers and sequences have to rise from call to call. */
  restore(block: QueueBlock): void {
    this.#blocks.push(block);
    this.#lastBlock = block;
    this.#nextNumber = block.number + 1;
    let bytes = 0;
    for (let index = block.start; index < block.end; index++) {
      bytes += block.shareAt(index);
      if (isOfGroup(block, index)) this.groupCount++;
    }
    this.#count(block.length, bytes);
  }

  removeFirst(): void {
    const block = this.#blocks.peek() as QueueBlock;
    this.#forget(block, block.start);
    block.removeAt(block.start);
    if (block.length === 0) this.#removeFirstBlock(block);
  }

  remove(block: QueueBlock, index: number): void {
    this.#forget(block, index);
    block.removeAt(index);
    if (block.length === 0) this.#removeBlock(block);
  }

  /**
   * Removes and returns entries as deliveries, with the messages that are in memory.
   *
   * @param first - with `last`, which sequences may be taken: blocks that have none of them stay as they are
   */
  extract(isTaken: EntryFilter, first = 0, last = Number.POSITIVE_INFINITY): Delivery[] {
    const taken: Delivery[] = [];
    const blocks = [...this.#blocks];
    this.#blocks.clear();
    this.#lastBlock = null;
    this.#foundIn = null;
    for (const block of blocks) {
      const isTouched = block.lastSequence >= first && block.sequenceAt(block.start) <= last;
      const kept = isTouched ? this.#extractFrom(block, isTaken, taken) : block;
      if (kept === null) {
        this.#removedNumbers.push(block.number);
      } else {
        this.#blocks.push(kept);
        this.#lastBlock = kept;
      }
    }
    return taken;
  }

  /** Takes entries out of a block; returns what is left, null when nothing is. */
  #extractFrom(block: QueueBlock, isTaken: EntryFilter, taken: Delivery[]): QueueBlock | null {
    const kept = new QueueBlock(block.number);
    for (let index = block.start; index < block.end; index++) {
      if (isTaken(block, index)) {
        taken.push(deliveryAt(block, index, block.messageAt(index) ?? STORED_MESSAGE));
        this.#forget(block, index);
      } else {
        kept.addFrom(block, index);
      }
    }
    if (kept.length === block.length) return block;
    return kept.length === 0 ? null : kept;
  }

  /**
   * Puts deliveries back that were under way when the process ended, in the order of all sequences.
   *
   * @param deliveries - stored, one at least
   * @param keep - what is to be in memory of a message
   */
  putBack(deliveries: readonly Delivery[], keep: (message: Message) => Message | null): void {
    if (this.#prepend(deliveries, keep)) return;
    const later = this.extract(() => true);
    const all = [...deliveries, ...later].sort((a, b) => a.sequence - b.sequence);
    for (const delivery of all) this.append(delivery, keep(delivery.message));
  }

  /** Puts back what belongs before all others, without a look at those; false when it doesn't. */
  #prepend(deliveries: readonly Delivery[], keep: (message: Message) => Message | null): boolean {
    const first = this.#blocks.peek();
    if (first === undefined) return false;
    const limit = first.sequenceAt(first.start);
    if (deliveries.some(({ sequence }) => sequence >= limit)) return false;
    const blocks = [...this.#blocks];
    const last = this.#lastBlock;
    const next = this.#nextNumber;
    this.#blocks.clear();
    this.#lastBlock = null;
    this.#nextNumber = first.number - Math.ceil(deliveries.length / BLOCK_CAPACITY);
    for (const one of deliveries.toSorted((a, b) => a.sequence - b.sequence)) {
      this.append(one, keep(one.message));
    }
    for (const block of blocks) this.#blocks.push(block);
    this.#lastBlock = last;
    this.#nextNumber = next;
    return true;
  }

  clear(): void {
    this.evictAll();
    for (const { number } of this.#blocks) this.#removedNumbers.push(number);
    this.#blocks.clear();
    this.#lastBlock = null;
    this.#foundIn = null;
    this.transientCount = 0;
    this.groupCount = 0;
    this.#count(-this.length, -this.bytes);
  }

  // -------------------------------------------------------------------- in their place

  /** Where the stored entry with a sequence lies; null when there is none. */
  find(sequence: number): { block: QueueBlock; index: number } | null {
    const last = this.#foundIn;
    if (last !== null) {
      const index = last.indexOf(sequence);
      if (index !== -1) return { block: last, index };
    }
    for (const block of this.#blocks) {
      if (block.lastSequence < sequence) continue;
      const index = block.indexOf(sequence);
      if (index === -1) return null;
      this.#foundIn = block;
      return { block, index };
    }
    return null;
  }

  /** The record of an entry lies elsewhere now. */
  relocate(block: QueueBlock, index: number, position: number, share: number): void {
    this.#count(0, share - block.shareAt(index));
    block.relocate(index, position, share);
  }

  /** Messages of stored entries leave memory. */
  evictAll(): void {
    if (this.residentCount === 0) return;
    for (const block of this.#blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (!block.isTransient(index)) this.#evict(block, index);
      }
    }
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const sums = { length: 0, bytes: 0, transientCount: 0, groupCount: 0, residentCount: 0 };
    let last: QueueBlock | null = null;
    let order = 0;
    for (const block of this.#blocks) {
      block.checkInvariants();
      invariant(block.length > 0, `block ${block.number} is empty`);
      invariant(last === null || last.number < block.number, `block ${block.number} is late`);
      // Those that aren't stored have no sequence where a block begins with them.
      const first = sequenceOfFirstStored(block);
      invariant(first === null || first > order, `block ${block.number} is not in order`);
      order = Math.max(order, block.lastSequence);
      for (let index = block.start; index < block.end; index++) addTo(sums, block, index);
      last = block;
    }
    invariant(this.#lastBlock === null || this.#lastBlock === last, 'it is not the last block');
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
      invariant(this[name] === sums[name], `${name} ${this[name]} instead of ${sums[name]}`);
    }
  }

  // -------------------------------------------------------------------------- private

  #removeBlock(block: QueueBlock): void {
    if (block === this.#blocks.peek()) {
      this.#removeFirstBlock(block);
      return;
    }
    this.#blocks.filter((one) => one !== block);
    this.#removedNumbers.push(block.number);
    this.#foundIn = null;
    this.#lastBlock = [...this.#blocks].at(-1) ?? null;
  }

  #removeFirstBlock(block: QueueBlock): void {
    this.#blocks.shift();
    this.#removedNumbers.push(block.number);
    if (this.#foundIn === block) this.#foundIn = null;
    if (this.#lastBlock === block) this.#lastBlock = null;
  }

  /** Takes an entry out of all sums. */
  #forget(block: QueueBlock, index: number): void {
    if (block.isTransient(index)) this.transientCount--;
    else this.#evict(block, index);
    if (isOfGroup(block, index)) this.groupCount--;
    this.#count(-1, -block.shareAt(index));
  }

  #evict(block: QueueBlock, index: number): void {
    const message = block.messageAt(index);
    if (message === null) return;
    this.#noteResident(-1, -messageSize(message));
    block.forgetMessage(index);
  }

  #noteResident(count: number, bytes: number): void {
    this.residentCount += count;
    this.#owner.onResident(bytes);
  }

  #count(entries: number, bytes: number): void {
    this.length += entries;
    this.bytes += bytes;
    this.#owner.onCounted(entries, bytes);
  }
}

function sequenceOfFirstStored(block: QueueBlock): number | null {
  for (let index = block.start; index < block.end; index++) {
    if (!block.isTransient(index)) return block.sequenceAt(index);
  }
  return null;
}

function addTo(
  sums: Pick<BlockList, 'length' | 'bytes' | 'transientCount' | 'groupCount' | 'residentCount'>,
  block: QueueBlock,
  index: number,
): void {
  sums.length++;
  sums.bytes += block.shareAt(index);
  if (isOfGroup(block, index)) sums.groupCount++;
  if (block.isTransient(index)) sums.transientCount++;
  else if (block.messageAt(index) !== null) sums.residentCount++;
}

function isOfGroup(block: QueueBlock, index: number): boolean {
  return typeof block.detailsAt(index)?.group === 'string';
}

function detailsOf(
  { message, identifiers, group }: Delivery,
  block: QueueBlock,
): EntryDetails | null {
  const { expiresAt } = message;
  if (expiresAt === Number.POSITIVE_INFINITY && identifiers.length === 0 && group === null) {
    return null;
  }
  const last = block.end === 0 ? null : block.detailsAt(block.end - 1);
  const isSame =
    last !== null &&
    last.expiresAt === expiresAt &&
    last.identifiers === identifiers &&
    last.group === group;
  return isSame ? last : { expiresAt, identifiers, group };
}

/** An entry as a delivery. */
export function deliveryAt(block: QueueBlock, index: number, message: Message): Delivery {
  const details = block.detailsAt(index);
  const delivery = new Delivery(
    message,
    block.qosAt(index),
    block.retainAt(index),
    details?.identifiers ?? NO_IDENTIFIERS,
    details?.group ?? null,
  );
  if (block.isTransient(index)) return delivery;
  delivery.sequence = block.sequenceAt(index);
  delivery.position = block.positionAt(index);
  delivery.share = block.shareAt(index);
  delivery.isReference = block.isReferenceAt(index);
  delivery.isSent = block.isSentAt(index);
  return delivery;
}
