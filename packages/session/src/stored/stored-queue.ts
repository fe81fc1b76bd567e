import { invariant } from '@promptmq/topics';
import { Delivery } from '../messages/delivery.ts';
import type { DropListener } from '../messages/drop.ts';
import { type Message, messageSize, STORED_MESSAGE } from '../messages/message.ts';
import {
  checkTotals,
  type DeliveryQueue,
  EXPIRED_SWEEP_MAX,
  exceedsLimits,
  isGivenUp,
  type QueueLimits,
} from '../queues/delivery-queue.ts';
import type { WaitingMessage } from '../queues/waiting-message.ts';
import { BlockList, type BlockListOwner, deliveryAt } from './block-list.ts';
import type { QueueBlock } from './queue-block.ts';

/** Where the record of a stored delivery lies. */
export interface StoredPlace {
  readonly position: number;
  /** Bytes of the record that are given up with the delivery. */
  readonly share: number;
}

/** What the queue asks of the session's deliveries as a whole. */
export interface StoredQueueOwner {
  /** Whether the session has a connection. */
  readonly isConnected: boolean;
  /** Bytes of messages that all queues together may hold in memory beside the store, and do. */
  readonly memory: { bytesMax: number; bytes: number };
  /** Whether what a delivery depends on is stored as safely as it has to be before it is sent. */
  isSafe(position: number, isReference: boolean): boolean;
  /** The session waits for a position to be committed. */
  awaitCommit(): void;
  /** The message of a record; null while it is being read, `lost` when it can't be read. */
  fetch(position: number): Message | null | 'lost';
}

/**
 * The queue of a session whose deliveries are stored: it keeps positions, and messages only while they
 * are likely to be sent soon and there is room. The others are read back when their turn comes.
 *
 * Its methods are of three kinds: those of every `DeliveryQueue`; those by which the store finds, moves and removes what
 * it has a record of; and those by which it restores what processes that have ended left.
 *
 * Invariant: `#head`, when it is set, is the first entry.
 */
export class StoredQueue implements DeliveryQueue, BlockListOwner {
  readonly #owner: StoredQueueOwner;
  readonly #limits: QueueLimits;
  readonly #onDrop: DropListener;
  readonly #entries: BlockList;
  #head: Delivery | null;
  #formerSequence: number;

  /** @param onDrop - gets every delivery that is given up */
  constructor(owner: StoredQueueOwner, limits: QueueLimits, onDrop: DropListener) {
    this.#owner = owner;
    this.#limits = limits;
    this.#onDrop = onDrop;
    this.#entries = new BlockList(this);
    this.#head = null;
    this.#formerSequence = 0;
  }

  // ------------------------------------------------------------------------- queue

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#entries.bytes;
  }

  get transientCount(): number {
    return this.#entries.transientCount;
  }

  push(delivery: Delivery, now: number): void {
    if (this.#isFull(delivery.share) && !this.#makeRoom(delivery.share, now)) {
      this.#onDrop('queue-full', delivery);
      return;
    }
    this.#entries.append(delivery, this.#kept(delivery.message));
  }

  get isFirstInStore(): boolean {
    const block = this.#entries.first;
    return block !== undefined && block.qosAt(block.start) > 0;
  }

  peek(now: number): Delivery | undefined {
    for (;;) {
      this.#head ??= this.#materialize();
      const head = this.#head;
      if (head === null) return undefined;
      const { isSent, message, retain } = head;
      if (isSent || !isGivenUp(this.#limits, message.expiresAt, retain, now)) return head;
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
    if (this.#entries.transientCount === 0) return [];
    this.#head = null;
    return this.#entries.extract((block, index) => block.qosAt(index) === 0);
  }

  /**
   * What a process that has ended had sent stays, but for QoS 1 where `takesSent` is set [MQTT-4.8.2-4]. That it had
   * is not always known: of QoS 2 all that it may have sent stays.
   */
  takeShared(isTaken: (group: string) => boolean, takesSent: boolean): Delivery[] {
    if (this.#entries.groupCount === 0) return [];
    this.#head = null;
    return this.#entries.extract((block, index) => {
      const qos = block.qosAt(index);
      if (block.isSentAt(index) && !(takesSent && qos === 1)) return false;
      if (qos === 2 && block.sequenceAt(index) <= this.#formerSequence) return false;
      const group = block.detailsAt(index)?.group ?? null;
      return group !== null && isTaken(group);
    });
  }

  clear(): void {
    const dropped = new Delivery(STORED_MESSAGE, 0, false);
    for (let count = this.length; count > 0; count--) this.#onDrop('session-ended', dropped);
    this.forgetAll();
  }

  isFullFor(bytes: number): boolean {
    return this.#isFull(bytes);
  }

  forgetMessages(): void {
    this.#head = null;
    this.#entries.evictAll();
  }

  // ----------------------------------------------------------------------- the store

  /** The blocks, to be read. */
  get blocks(): Iterable<QueueBlock> {
    return this.#entries;
  }

  /** Numbers of blocks that are gone since the last call. */
  takeRemovedNumbers(): number[] {
    return this.#entries.takeRemovedNumbers();
  }

  /** QoS 2 entries up to this one may have been sent by a process that has ended: it is not known that they were not. */
  get formerSequence(): number {
    return this.#formerSequence;
  }

  /** Whether anything of a shared subscription waits. */
  get hasShared(): boolean {
    return this.#entries.groupCount > 0;
  }

  /** A stored entry as a delivery, without its message; null when no entry has this sequence. */
  find(sequence: number): Delivery | null {
    const found = this.#entries.find(sequence);
    return found === null ? null : deliveryAt(found.block, found.index, STORED_MESSAGE);
  }

  /** The record of an entry lies elsewhere now; false when no entry has this sequence. */
  relocate(sequence: number, place: StoredPlace): boolean {
    const found = this.#entries.find(sequence);
    if (found === null) return false;
    this.#entries.relocate(found.block, found.index, place.position, place.share);
    if (this.#head?.sequence === sequence) Object.assign(this.#head, place);
    return true;
  }

  /**
   * Stored entries after a sequence, in their order, from one block at most: copies, with the messages that are in memory.
   * However long the queue is, this takes no longer.
   */
  storedAfter(sequence: number, countMax: number): Delivery[] {
    const found: Delivery[] = [];
    for (const block of this.#entries) {
      if (block.lastSequence <= sequence) continue;
      for (let index = block.start; index < block.end && found.length < countMax; index++) {
        if (block.isTransient(index) || block.sequenceAt(index) <= sequence) continue;
        found.push(deliveryAt(block, index, block.messageAt(index) ?? STORED_MESSAGE));
      }
      if (found.length > 0) break;
    }
    return found;
  }

  /**
   * Stored entries after a sequence, as copies, with the messages that are in memory. Nothing may change while they are gone
   * through.
   */
  *waitingAfter(sequence: number): Generator<WaitingMessage> {
    for (const block of this.#entries) {
      if (block.lastSequence <= sequence) continue;
      for (let index = block.start; index < block.end; index++) {
        const place = block.sequenceAt(index);
        if (block.isTransient(index) || place <= sequence) continue;
        const message = block.messageAt(index) ?? STORED_MESSAGE;
        yield { place, delivery: deliveryAt(block, index, message), frame: null };
      }
    }
  }

  /** The entries that are named by a record of their own. */
  *references(): Generator<{ readonly position: number; readonly sequence: number }> {
    for (const block of this.#entries) {
      for (let index = block.start; index < block.end; index++) {
        if (!block.isReferenceAt(index)) continue;
        yield { position: block.positionAt(index), sequence: block.sequenceAt(index) };
      }
    }
  }

  /** Removes a stored entry that is over, as the store has learnt; false when there is none. */
  remove(sequence: number): boolean {
    const found = this.#entries.find(sequence);
    if (found === null) return false;
    const { block, index } = found;
    if (block === this.#entries.first && index === block.start) this.#head = null;
    this.#entries.remove(block, index);
    return true;
  }

  /** Removes what was stored at a position or after it: it was never written. */
  removeFrom(position: number): void {
    const isRemoved = (block: QueueBlock, index: number) =>
      !block.isTransient(index) && block.positionAt(index) >= position;
    if (!this.#hasAny(isRemoved)) return;
    this.#head = null;
    this.#entries.extract(isRemoved);
  }

  #hasAny(isMeant: (block: QueueBlock, index: number) => boolean): boolean {
    for (const block of this.#entries) {
      for (let index = block.start; index < block.end; index++) {
        if (isMeant(block, index)) return true;
      }
    }
    return false;
  }

  /** Removes and returns all that isn't stored. */
  takeUnstored(): Delivery[] {
    if (this.#entries.transientCount === 0) return [];
    this.#head = null;
    return this.#entries.extract((block, index) => block.isTransient(index));
  }

  /** Removes and returns stored entries, given by their sequences. */
  takeStored(sequences: ReadonlySet<number>): Delivery[] {
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    for (const sequence of sequences) {
      first = Math.min(first, sequence);
      last = Math.max(last, sequence);
    }
    this.#head = null;
    return this.#entries.extract(
      (block, index) => !block.isTransient(index) && sequences.has(block.sequenceAt(index)),
      first,
      last,
    );
  }

  /** Removes and returns the first entries, up to a sequence; nothing in it is transient. */
  takeUpTo(sequence: number): Delivery[] {
    const taken: Delivery[] = [];
    for (;;) {
      const block = this.#entries.first;
      if (block === undefined || block.sequenceAt(block.start) > sequence) return taken;
      taken.push(deliveryAt(block, block.start, STORED_MESSAGE));
      this.#removeFirst();
    }
  }

  /** Gives stored entries up, as their session has ended. */
  dropStored(sequences: ReadonlySet<number>): void {
    for (const delivery of this.takeStored(sequences)) this.#onDrop('session-ended', delivery);
  }

  /** Empties it, and nobody is notified. */
  forgetAll(): void {
    this.#head = null;
    this.#entries.clear();
  }

  // ---------------------------------------------------------- processes that have ended

  /** Appends a block as it was; numbers and sequences have to rise from call to call. */
  restore(block: QueueBlock): void {
    this.#entries.restore(block);
  }

  /** Takes in the entries of a block that belong between or after others. */
  mergeBlock(block: QueueBlock): void {
    const deliveries: Delivery[] = [];
    for (let index = block.start; index < block.end; index++) {
      deliveries.push(deliveryAt(block, index, STORED_MESSAGE));
    }
    this.putBack(deliveries);
  }

  /** Appends a delivery that was stored by a process that has ended, whatever the limits. */
  restoreDelivery(delivery: Delivery): void {
    const isLast = delivery.sequence > this.#entries.lastSequence;
    if (isLast) this.#entries.append(delivery, this.#kept(delivery.message));
    else this.putBack([delivery]);
  }

  /**
   * Puts deliveries back that were under way when the process ended, in the order of all sequences.
   *
   * @param deliveries - stored
   */
  putBack(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    this.#head = null;
    this.#entries.putBack(deliveries, (message) => this.#kept(message));
  }

  /** Entries up to a sequence may have been sent by a process that has ended. */
  markSent(sequence: number): void {
    for (const block of this.#entries) {
      for (let index = block.start; index < block.end; index++) {
        if (block.sequenceAt(index) > sequence) return;
        block.markSent(index);
      }
    }
  }

  /**
   * All that was stored by processes that have ended is restored.
   *
   * @param lastSequence - the last that they gave
   */
  endRestoring(lastSequence: number): void {
    this.#formerSequence = lastSequence;
  }

  checkInvariants(): void {
    this.#entries.checkInvariants();
    checkTotals(this.#limits, this);
    const first = this.#entries.first;
    if (this.#head === null) return;
    invariant(first !== undefined, 'the first entry is of an empty queue');
    const { sequence, qos } = this.#head;
    const isFirst = first.isTransient(first.start)
      ? sequence === 0
      : sequence === first.sequenceAt(first.start);
    invariant(isFirst && qos === first.qosAt(first.start), `${sequence} is not the first entry`);
  }

  // ------------------------------------------------------------------- private

  onCounted(entries: number, bytes: number): void {
    const { totals } = this.#limits;
    if (totals === undefined) return;
    totals.messages += entries;
    totals.bytes += bytes;
  }

  onResident(bytes: number): void {
    this.#owner.memory.bytes += bytes;
  }

  /** What stays in memory of a message: all of one that will soon be sent, if there is room. */
  #kept(message: Message): Message | null {
    if (message === STORED_MESSAGE || !this.#owner.isConnected) return null;
    const { memory } = this.#owner;
    return memory.bytes + messageSize(message) <= memory.bytesMax ? message : null;
  }

  /** The first entry as a delivery; null when there is none, or none that can be sent now. */
  #materialize(): Delivery | null {
    for (;;) {
      const block = this.#entries.first;
      if (block === undefined) return null;
      const index = block.start;
      const position = block.positionAt(index);
      if (!block.isTransient(index) && !this.#owner.isSafe(position, block.isReferenceAt(index))) {
        this.#owner.awaitCommit();
        return null;
      }
      const message = block.messageAt(index) ?? this.#owner.fetch(position);
      if (message === null) return null;
      const delivery = deliveryAt(block, index, message === 'lost' ? STORED_MESSAGE : message);
      if (message !== 'lost') return delivery;
      this.#removeFirst();
      this.#onDrop('lost', delivery);
    }
  }

  #removeFirst(): void {
    this.#head = null;
    this.#entries.removeFirst();
  }

  #isFull(size: number): boolean {
    return exceedsLimits(this.#limits, this.length, this.bytes, size);
  }

  #makeRoom(size: number, now: number): boolean {
    for (let swept = 0; swept < EXPIRED_SWEEP_MAX; swept++) {
      const block = this.#entries.first;
      if (block === undefined) break;
      const expiresAt = block.detailsAt(block.start)?.expiresAt ?? Number.POSITIVE_INFINITY;
      if (!isGivenUp(this.#limits, expiresAt, block.retainAt(block.start), now)) break;
      this.#dropFirst('expired');
    }
    if (this.#limits.overflow === 'drop-oldest') {
      while (this.length > 0 && this.#isFull(size)) this.#dropFirst('queue-full');
    }
    return !this.#isFull(size);
  }

  #dropFirst(reason: 'expired' | 'queue-full'): void {
    const block = this.#entries.first as QueueBlock;
    const message = block.messageAt(block.start) ?? STORED_MESSAGE;
    const delivery = deliveryAt(block, block.start, message);
    this.#removeFirst();
    this.#onDrop(reason, delivery);
  }
}
