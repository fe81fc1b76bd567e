import { NO_IDENTIFIERS } from '@promptmq/topics';
import { Delivery } from '../messages/delivery.ts';
import type { DropListener } from '../messages/drop.ts';
import { type Message, messageSize, STORED_MESSAGE } from '../messages/message.ts';
import { Fifo } from '../queues/fifo.ts';
import {
  type DeliveryQueue,
  EXPIRED_SWEEP_MAX,
  exceedsLimits,
  type QueueLimits,
} from '../queues/message-queue.ts';
import type { Session } from '../session.ts';
import type { SessionLink } from '../session-link.ts';
import type { DeliveryStore } from './delivery-store.ts';
import {
  BLOCK_CAPACITY,
  BLOCK_CAPACITY_MIN,
  type EntryDetails,
  EntryFlag,
  QueueBlock,
} from './queue-block.ts';

/** Where the record of a stored delivery lies. */
export interface StoredPlace {
  readonly position: number;
  /** Bytes of the record that are given up with the delivery. */
  readonly share: number;
}

type IsTaken = (
  qos: number,
  group: string | null,
  sequence: number,
  position: number,
  isSent: boolean,
) => boolean;

/** What restored entries that go before all others are numbered below. */
const FIRST_BLOCK_NUMBER = 0x8000_0000;

/**
 * The queue of a session whose deliveries are stored: it keeps positions, and messages only while they
 * are likely to be sent soon and there is room. The others are read back when their turn comes.
 *
 * Invariants: blocks are in the order of their numbers and none is empty; `#head`, when it is set, is the
 * first entry; sequences never fall from entry to entry.
 */
export class StoredQueue<L extends SessionLink> implements DeliveryQueue {
  readonly #session: Session<L>;
  readonly #store: DeliveryStore<L>;
  readonly #limits: QueueLimits;
  readonly #onDrop: DropListener;
  readonly #blocks: Fifo<QueueBlock>;
  #lastBlock: QueueBlock | null;
  #nextNumber: number;
  #removedNumbers: number[];
  #length: number;
  #bytes: number;
  #head: Delivery | null;
  /** Where a stored entry was found last: the next one searched for tends to be near. */
  #foundIn: QueueBlock | null;
  #transientCount: number;
  #groupCount: number;
  /** Stored entries whose message is in memory. */
  #residentCount: number;
  /** The last sequence of the processes before this one. */
  #formerSequence: number;

  constructor(
    session: Session<L>,
    store: DeliveryStore<L>,
    limits: QueueLimits,
    onDrop: DropListener,
  ) {
    this.#session = session;
    this.#store = store;
    this.#limits = limits;
    this.#onDrop = onDrop;
    this.#blocks = new Fifo();
    this.#lastBlock = null;
    this.#nextNumber = FIRST_BLOCK_NUMBER;
    this.#removedNumbers = [];
    this.#length = 0;
    this.#bytes = 0;
    this.#head = null;
    this.#foundIn = null;
    this.#transientCount = 0;
    this.#groupCount = 0;
    this.#residentCount = 0;
    this.#formerSequence = 0;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  // ------------------------------------------------------------------------- queue

  push(delivery: Delivery, now: number): void {
    if (this.#isFull(delivery.share) && !this.#makeRoom(delivery.share, now)) {
      this.#onDrop('queue-full', delivery);
      return;
    }
    this.#append(delivery);
  }

  get transientCount(): number {
    return this.#transientCount;
  }

  /** Whether the first delivery is of QoS 1 or 2. */
  get beginsWithExchange(): boolean {
    const block = this.#blocks.peek();
    return block !== undefined && ((block.flags[block.start] as number) & EntryFlag.QoS) > 0;
  }

  peek(now: number): Delivery | undefined {
    for (;;) {
      this.#head ??= this.#materialize();
      const head = this.#head;
      if (head === null) return undefined;
      if (head.isSent || head.message.expiresAt > now) return head;
      this.#removeFirst();
      this.#onDrop('expired', head);
    }
  }

  shift(): Delivery | undefined {
    const head = this.#head;
    if (head !== null) this.#removeFirst();
    return head ?? undefined;
  }

  takeTransient(): Delivery[] {
    return this.#transientCount === 0 ? [] : this.#extract((qos) => qos === 0);
  }

  /**
   * What a process that has ended had sent stays, but for QoS 1 where `takesSent` is set [MQTT-4.8.2-4]. That it had
   * is not always known: of QoS 2 all that it may have sent stays.
   */
  takeShared(isTaken: (group: string) => boolean, takesSent: boolean): Delivery[] {
    if (this.#groupCount === 0) return [];
    return this.#extract((qos, group, sequence, _position, isSent) => {
      if (isSent && !(takesSent && qos === 1)) return false;
      if (qos === 2 && sequence <= this.#formerSequence) return false;
      return group !== null && isTaken(group);
    });
  }

  clear(): void {
    const dropped = new Delivery(STORED_MESSAGE, 0, false);
    for (let count = this.#length; count > 0; count--) this.#onDrop('session-ended', dropped);
    this.forgetAll();
  }

  /** Empties it, and nobody is told. */
  forgetAll(): void {
    this.forgetMessages();
    for (const { number } of this.#blocks) this.#removedNumbers.push(number);
    this.#blocks.clear();
    this.#lastBlock = null;
    this.#foundIn = null;
    this.#count(-this.#length, -this.#bytes);
    this.#head = null;
    this.#transientCount = 0;
    this.#groupCount = 0;
  }

  isFullFor(bytes: number): boolean {
    return this.#isFull(bytes);
  }

  // ----------------------------------------------------------------------- storage

  /** The connection is gone: messages of stored entries are read back when there is another. */
  forgetMessages(): void {
    this.#head = null;
    if (this.#residentCount === 0) return;
    for (const block of this.#blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (!block.isTransient(index)) this.#evict(block, index);
      }
    }
  }

  /** A stored entry as a delivery, without its message; null when no entry has this sequence. */
  find(sequence: number): Delivery | null {
    const found = this.#find(sequence);
    return found === null ? null : deliveryAt(found.block, found.index, STORED_MESSAGE);
  }

  /** Position of the record of a stored entry; -1 when no entry has this sequence. */
  positionOf(sequence: number): number {
    const found = this.#find(sequence);
    return found === null ? -1 : (found.block.positions[found.index] as number);
  }

  /** The record of an entry lies elsewhere now. */
  relocate(sequence: number, place: StoredPlace): boolean {
    const found = this.#find(sequence);
    if (found === null) return false;
    const { block, index } = found;
    const { position, share } = place;
    this.#count(0, share - (block.shares[index] as number));
    block.positions[index] = position;
    block.shares[index] = share;
    block.isChanged = true;
    if (this.#head?.sequence === sequence) Object.assign(this.#head, place);
    return true;
  }

  /** QoS 2 entries up to this one may have been sent by a process that has ended: it is not known that they were not. */
  get formerSequence(): number {
    return this.#formerSequence;
  }

  /** Whether anything of a shared subscription waits. */
  get hasShared(): boolean {
    return this.#groupCount > 0;
  }

  /**
   * Stored entries behind a sequence, in their order, from one block at most: copies without their messages. However
   * long the queue is, this takes no longer.
   */
  storedBehind(sequence: number, countMax: number): Delivery[] {
    const found: Delivery[] = [];
    for (const block of this.#blocks) {
      if (block.lastSequence <= sequence) continue;
      for (let index = block.start; index < block.end && found.length < countMax; index++) {
        if (block.isTransient(index) || block.sequenceAt(index) <= sequence) continue;
        found.push(deliveryAt(block, index, block.messages?.[index] ?? STORED_MESSAGE));
      }
      if (found.length > 0) break;
    }
    return found;
  }

  /** Removes and returns all that isn't stored. */
  takeUnstored(): Delivery[] {
    if (this.#transientCount === 0) return [];
    return this.#extract((_qos, _group, _sequence, position) => position === -1);
  }

  /** Removes and returns stored entries, given by their sequences. */
  takeStored(sequences: ReadonlySet<number>): Delivery[] {
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    for (const sequence of sequences) {
      first = Math.min(first, sequence);
      last = Math.max(last, sequence);
    }
    const isTaken: IsTaken = (_qos, _group, sequence, position) =>
      position !== -1 && sequences.has(sequence);
    return this.#extract(isTaken, first, last);
  }

  /** Gives stored entries up, as their session has ended. */
  dropStored(sequences: ReadonlySet<number>): void {
    for (const delivery of this.takeStored(sequences)) this.#onDrop('session-ended', delivery);
  }

  /** Appends a delivery that was stored by a process that has ended, whatever the limits. */
  restoreDelivery(delivery: Delivery): void {
    const last = this.#lastBlock;
    const isBehind = last === null || delivery.sequence > last.lastSequence;
    if (isBehind) this.#append(delivery);
    else this.putBack([delivery]);
  }

  /** Removes a stored entry that is over, as the store has learnt; false when there is none. */
  remove(sequence: number): boolean {
    const found = this.#find(sequence);
    if (found === null) return false;
    const { block, index } = found;
    const isHead = block === this.#blocks.peek() && index === block.start;
    this.#forget(block, index);
    block.removeAt(index);
    if (isHead) this.#head = null;
    if (block.length === 0) this.#removeBlock(block);
    return true;
  }

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

  /** Removes what was stored at or behind a position: it never came to be. */
  removeFrom(position: number): void {
    for (const block of this.#blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (block.isTransient(index) || (block.positions[index] as number) < position) continue;
        this.#extract((_qos, _group, _sequence, at) => at >= position);
        return;
      }
    }
  }

  /** Entries up to a sequence may have been sent by a process that has ended. */
  markSent(sequence: number): void {
    for (const block of this.#blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (block.sequenceAt(index) > sequence) return;
        block.flags[index] = (block.flags[index] as number) | EntryFlag.Sent;
      }
    }
  }

  /** All that was stored by processes that have ended is restored. */
  endRestoring(): void {
    this.#formerSequence = this.#session.lastSequence;
  }

  /** The blocks, to be read. */
  get blocks(): Iterable<QueueBlock> {
    return this.#blocks;
  }

  /** Numbers of blocks that are gone since the last call. */
  takeRemovedNumbers(): number[] {
    return this.#removedNumbers.splice(0);
  }

  /** Appends a block as it was; numbers and sequences have to rise from call to call. */
  restore(block: QueueBlock): void {
    this.#blocks.push(block);
    this.#lastBlock = block;
    this.#nextNumber = block.number + 1;
    let bytes = 0;
    for (let index = block.start; index < block.end; index++) {
      bytes += block.shares[index] as number;
      if (typeof block.details?.[index]?.group === 'string') this.#groupCount++;
    }
    this.#count(block.length, bytes);
  }

  /** Takes in the entries of a block that belong between or behind others. */
  mergeBlock(block: QueueBlock): void {
    const deliveries: Delivery[] = [];
    for (let index = block.start; index < block.end; index++) {
      deliveries.push(deliveryAt(block, index, STORED_MESSAGE));
    }
    this.putBack(deliveries);
  }

  /** The entries that are named by a record of their own. */
  *references(): Generator<{ readonly position: number; readonly sequence: number }> {
    for (const block of this.#blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (((block.flags[index] as number) & EntryFlag.Reference) === 0) continue;
        const position = block.positions[index] as number;
        yield { position, sequence: block.sequenceAt(index) };
      }
    }
  }

  /**
   * Puts deliveries back that were under way when the process ended, in the order of all sequences.
   *
   * @param deliveries - stored; their messages are not looked at
   */
  putBack(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0 || this.#prepend(deliveries)) return;
    const later = this.#extract(() => true);
    const all = [...deliveries, ...later].sort((a, b) => a.sequence - b.sequence);
    for (const delivery of all) this.#append(delivery);
  }

  /** Puts back what belongs before all others, without a look at those; false when it doesn't. */
  #prepend(deliveries: readonly Delivery[]): boolean {
    const first = this.#blocks.peek();
    if (first === undefined) return false;
    const limit = first.sequenceAt(first.start);
    if (deliveries.some(({ sequence }) => sequence >= limit)) return false;
    const blocks = [...this.#blocks];
    const last = this.#lastBlock;
    const next = this.#nextNumber;
    this.#blocks.clear();
    this.#lastBlock = null;
    this.#head = null;
    this.#nextNumber = first.number - Math.ceil(deliveries.length / BLOCK_CAPACITY);
    for (const one of deliveries.toSorted((a, b) => a.sequence - b.sequence)) this.#append(one);
    for (const block of blocks) this.#blocks.push(block);
    this.#lastBlock = last;
    this.#nextNumber = next;
    return true;
  }

  // ----------------------------------------------------------------------- private

  #append(delivery: Delivery): void {
    const { sequence, position, share, message, group } = delivery;
    let block = this.#lastBlock;
    if (block === null || block.isFull) {
      // One that follows a full block will most likely be filled, too.
      const capacity = block === null ? BLOCK_CAPACITY_MIN : BLOCK_CAPACITY;
      block = new QueueBlock(this.#nextNumber++, capacity);
      this.#blocks.push(block);
      this.#lastBlock = block;
    }
    const isTransient = sequence === 0;
    const order = isTransient && block.end > 0 ? block.lastSequence : sequence;
    const kept = isTransient || this.#isWorthKeeping(message) ? message : null;
    block.add(order, position, share, flagsOf(delivery), detailsOf(delivery, block), kept);
    if (isTransient) this.#transientCount++;
    else if (kept !== null) this.#noteResident(1, messageSize(kept));
    if (group !== null) this.#groupCount++;
    this.#count(1, share);
  }

  /** A message that will soon be sent stays in memory, if there is room. */
  #isWorthKeeping(message: Message): boolean {
    if (message === STORED_MESSAGE || !this.#session.isConnected) return false;
    const { memory } = this.#store;
    return memory.bytes + messageSize(message) <= memory.bytesMax;
  }

  /** The first entry as a delivery; null when there is none, or none that can be sent now. */
  #materialize(): Delivery | null {
    for (;;) {
      const block = this.#blocks.peek();
      if (block === undefined) return null;
      const index = block.start;
      const position = block.positions[index] as number;
      const isTransient = block.isTransient(index);
      const isReference = ((block.flags[index] as number) & EntryFlag.Reference) !== 0;
      if (!isTransient && !this.#session.isSafe(position, isReference)) {
        this.#store.awaitCommit(this.#session);
        return null;
      }
      const message = block.messages?.[index] ?? this.#store.fetch(this.#session, position);
      if (message === null) return null;
      const delivery = deliveryAt(block, index, message === 'lost' ? STORED_MESSAGE : message);
      if (message !== 'lost') return delivery;
      this.#removeFirst();
      this.#onDrop('lost', delivery);
    }
  }

  #removeFirst(): void {
    const block = this.#blocks.peek() as QueueBlock;
    this.#forget(block, block.start);
    block.start++;
    block.isChanged = true;
    this.#head = null;
    if (block.length === 0) this.#removeFirstBlock(block);
  }

  #removeFirstBlock(block: QueueBlock): void {
    this.#blocks.shift();
    this.#removedNumbers.push(block.number);
    if (this.#foundIn === block) this.#foundIn = null;
    if (this.#lastBlock === block) this.#lastBlock = null;
  }

  /** Takes an entry out of all counts. */
  #forget(block: QueueBlock, index: number): void {
    if (block.isTransient(index)) this.#transientCount--;
    else this.#evict(block, index);
    if (typeof block.details?.[index]?.group === 'string') this.#groupCount--;
    this.#count(-1, -(block.shares[index] as number));
  }

  #evict(block: QueueBlock, index: number): void {
    const message = block.messages?.[index] ?? null;
    if (message === null) return;
    this.#noteResident(-1, -messageSize(message));
    (block.messages as (Message | null)[])[index] = null;
  }

  #noteResident(count: number, bytes: number): void {
    this.#residentCount += count;
    this.#store.memory.bytes += bytes;
  }

  /** @param first - with `last`, which sequences may be taken: blocks that have none of them stay as they are */
  #extract(isTaken: IsTaken, first = 0, last = Number.POSITIVE_INFINITY): Delivery[] {
    const taken: Delivery[] = [];
    this.#head = null;
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
  #extractFrom(block: QueueBlock, isTaken: IsTaken, taken: Delivery[]): QueueBlock | null {
    const kept = new QueueBlock(block.number);
    for (let index = block.start; index < block.end; index++) {
      const sequence = block.sequenceAt(index);
      const position = block.positions[index] as number;
      const flags = block.flags[index] as number;
      const details = block.details?.[index] ?? null;
      const message = block.messages?.[index] ?? null;
      const at = block.isTransient(index) ? -1 : position;
      const isSent = (flags & EntryFlag.Sent) !== 0;
      if (isTaken(flags & EntryFlag.QoS, details?.group ?? null, sequence, at, isSent)) {
        taken.push(deliveryAt(block, index, message ?? STORED_MESSAGE));
        this.#forget(block, index);
      } else {
        kept.add(sequence, position, block.shares[index] as number, flags, details, message);
      }
    }
    if (kept.length === block.length) return block;
    return kept.length === 0 ? null : kept;
  }

  #find(sequence: number): { block: QueueBlock; index: number } | null {
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

  #isFull(size: number): boolean {
    return exceedsLimits(this.#limits, this.#length, this.#bytes, size);
  }

  #makeRoom(size: number, now: number): boolean {
    for (let swept = 0; swept < EXPIRED_SWEEP_MAX; swept++) {
      const block = this.#blocks.peek();
      const expiresAt = block?.details?.[block.start]?.expiresAt ?? Number.POSITIVE_INFINITY;
      if (block === undefined || expiresAt > now) break;
      this.#dropFirst('expired');
    }
    if (this.#limits.overflow === 'drop-oldest') {
      while (this.#length > 0 && this.#isFull(size)) this.#dropFirst('queue-full');
    }
    return !this.#isFull(size);
  }

  #dropFirst(reason: 'expired' | 'queue-full'): void {
    const block = this.#blocks.peek() as QueueBlock;
    const delivery = deliveryAt(block, block.start, STORED_MESSAGE);
    this.#removeFirst();
    this.#onDrop(reason, delivery);
  }

  #count(messages: number, bytes: number): void {
    this.#length += messages;
    this.#bytes += bytes;
    const { totals } = this.#limits;
    if (totals === undefined) return;
    totals.messages += messages;
    totals.bytes += bytes;
  }
}

function flagsOf({ qos, retain, isSent, isReference, sequence }: Delivery): number {
  return (
    qos |
    (retain ? EntryFlag.Retain : 0) |
    (isSent ? EntryFlag.Sent : 0) |
    (isReference ? EntryFlag.Reference : 0) |
    (sequence === 0 ? EntryFlag.Transient : 0)
  );
}

function detailsOf(
  { message, identifiers, group }: Delivery,
  block: QueueBlock,
): EntryDetails | null {
  const { expiresAt } = message;
  if (expiresAt === Number.POSITIVE_INFINITY && identifiers.length === 0 && group === null) {
    return null;
  }
  const last = block.details?.[block.end - 1] ?? null;
  const isSame =
    last !== null &&
    last.expiresAt === expiresAt &&
    last.identifiers === identifiers &&
    last.group === group;
  return isSame ? last : { expiresAt, identifiers, group };
}

function deliveryAt(block: QueueBlock, index: number, message: Message): Delivery {
  const flags = block.flags[index] as number;
  const details = block.details?.[index] ?? null;
  const delivery = new Delivery(
    message,
    (flags & EntryFlag.QoS) as 0 | 1 | 2,
    (flags & EntryFlag.Retain) !== 0,
    details?.identifiers ?? NO_IDENTIFIERS,
    details?.group ?? null,
  );
  if ((flags & EntryFlag.Transient) === 0) {
    delivery.sequence = block.sequenceAt(index);
    delivery.position = block.positions[index] as number;
    delivery.share = block.shares[index] as number;
    delivery.isReference = (flags & EntryFlag.Reference) !== 0;
    delivery.isSent = (flags & EntryFlag.Sent) !== 0;
  }
  return delivery;
}
