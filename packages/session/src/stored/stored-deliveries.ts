import { invariant } from '@promptmq/topics';
import type { MemoryAccount } from '../memory-account.ts';
import { type Delivery, DeliveryState } from '../messages/delivery.ts';
import type { DropListener } from '../messages/drop.ts';
import type { Message } from '../messages/message.ts';
import type { QueueLimits } from '../queues/delivery-queue.ts';
import type { ReplayQueue } from '../queues/replay-queue.ts';
import { Window, type WindowStore } from '../window/window.ts';
import type { DeliveryStore } from './delivery-store.ts';
import { type StoredPlace, StoredQueue, type StoredQueueOwner } from './stored-queue.ts';

/** At most this many stored messages are given up at once when their session ends. */
const END_AT_ONCE_MAX = 500;

export interface StoredDeliveriesOptions extends QueueLimits {
  readonly onDrop: DropListener;
  /** Where what was sent and is not acknowledged is counted. */
  readonly inflightMemory?: MemoryAccount;
}

/**
 * The deliveries of one session that are in a store, wherever they are: in the window, among the retained messages that
 * are owed, or in the queue. Through it the session asks the store, and the store finds what it has records of.
 *
 * Its methods are of four kinds: what the session and its parts ask of the store; what the store looks for, moves and
 * takes back; what empties a session that has ended, in steps; and what restores the state of processes that have ended.
 *
 * Invariant: no two deliveries have the same sequence, and none has one above `lastSequence`.
 */
export class StoredDeliveries<S extends { readonly isConnected: boolean }>
  implements WindowStore, StoredQueueOwner
{
  /** What the store knows the session by, from 1. */
  readonly number: number;
  /** The sequence of the last stored delivery; that of the first is 1. */
  lastSequence: number;
  /** Deliveries up to this sequence have been sent. */
  sentSequence: number;
  /** Position of the last record that names deliveries of the session apart from their messages. */
  referencePosition: number;
  readonly window: Window;
  readonly queue: StoredQueue;
  /** Notifies the store of what is given up, too. */
  readonly onDrop: DropListener;
  readonly #session: S;
  readonly #store: DeliveryStore<S>;
  readonly #replays: ReplayQueue;

  constructor(
    session: S,
    store: DeliveryStore<S>,
    number: number,
    replays: ReplayQueue,
    options: StoredDeliveriesOptions,
  ) {
    this.number = number;
    this.lastSequence = 0;
    this.sentSequence = 0;
    this.referencePosition = 0;
    this.#session = session;
    this.#store = store;
    this.#replays = replays;
    const { onDrop } = options;
    this.onDrop = (reason, delivery, packet) => {
      if (delivery.sequence > 0) store.onSettled(session, delivery);
      onDrop(reason, delivery, packet);
    };
    this.window = new Window(this, options.inflightMemory ?? null);
    this.queue = new StoredQueue(this, options, this.onDrop);
  }

  // ------------------------------------------------------------------ asked of the store

  get isConnected(): boolean {
    return this.#session.isConnected;
  }

  get memory(): { bytesMax: number; bytes: number } {
    return this.#store.memory;
  }

  isSafe(position: number, isReference: boolean): boolean {
    if (position === 0) return true;
    const gate =
      isReference && this.referencePosition > position ? this.referencePosition : position;
    return gate < this.#store.committedPosition;
  }

  awaitCommit(): void {
    this.#store.awaitCommit(this.#session);
  }

  fetch(position: number): Message | null | 'lost' {
    return this.#store.fetch(this.#session, position);
  }

  settle(delivery: Delivery): void {
    this.#store.onSettled(this.#session, delivery);
  }

  /** All deliveries up to a sequence are over, whether they were sent on this connection or not. */
  settleUpTo(sequence: number): void {
    const deliveries = this.takeUpTo(sequence);
    if (deliveries.length > 0) this.#store.onSettledUpTo(this.#session, sequence, deliveries);
  }

  release(delivery: Delivery): void {
    this.#store.onReleased(this.#session, delivery);
  }

  /** A delivery is about to be sent for the first time. */
  noteSent({ sequence }: Delivery): void {
    if (sequence <= this.sentSequence) return;
    this.sentSequence = sequence;
    this.#store.onSent(this.#session);
  }

  // --------------------------------------------------------------------- for the store

  /** What has been sent and not settled, and retained messages that are to be sent; not all of it is stored. */
  *underWay(): Generator<Delivery> {
    yield* this.window.deliveries;
    yield* this.#replays.deliveries;
  }

  /** Whether a delivery has been sent and not settled. */
  isUnderWay(delivery: Delivery): boolean {
    return this.window.has(delivery);
  }

  /** A delivery whose message is still needed, without it; null when there is none. */
  find(sequence: number): Delivery | null {
    const delivery = this.#findUnderWay(sequence);
    if (delivery === null) return this.queue.find(sequence);
    return delivery.state === DeliveryState.Released ? null : delivery;
  }

  #findUnderWay(sequence: number): Delivery | null {
    return this.window.find(sequence) ?? this.#replays.find(sequence);
  }

  /** The record of a delivery lies elsewhere now; false when nobody needs it. */
  relocate(sequence: number, place: StoredPlace): boolean {
    if (this.queue.relocate(sequence, place)) return true;
    const delivery = this.#findUnderWay(sequence);
    if (delivery === null || delivery.state === DeliveryState.Released) return false;
    Object.assign(delivery, place);
    return true;
  }

  /** What was stored at a position or after it was never written. */
  removeFrom(position: number): void {
    this.queue.removeFrom(position);
    this.#replays.filter((replay) => replay.position < position);
  }

  /** Deliveries, given by their sequences, were never written. */
  remove(sequences: readonly number[]): void {
    const left = new Set(sequences.filter((sequence) => !this.queue.remove(sequence)));
    if (left.size > 0) this.#replays.filter((replay) => !left.has(replay.sequence));
  }

  /** Takes deliveries up to a sequence, in its order; the store is not notified. Retained messages that are owed stay. */
  takeUpTo(sequence: number): Delivery[] {
    const taken = this.window.takeUpTo(sequence);
    for (const delivery of this.queue.takeUpTo(sequence)) taken.push(delivery);
    return taken;
  }

  // ------------------------------------------------------------- a session that has ended

  /** Whether the session had better end in steps, by `Session.beginEnd`: what it has goes to others, or is much. */
  get isLongToEnd(): boolean {
    if (this.queue.hasShared || this.queue.length > END_AT_ONCE_MAX) return true;
    for (const { group } of this.window.deliveries) if (group !== null) return true;
    return false;
  }

  /** What is left after a sequence, in its order: copies or not; messages may be in the store only. */
  after(sequence: number, countMax: number): Delivery[] {
    const found: Delivery[] = [];
    for (const delivery of this.window.deliveries) {
      if (found.length === countMax) break;
      if (delivery.sequence > sequence) found.push(delivery);
    }
    return found.length > 0 ? found : this.queue.storedAfter(sequence, countMax);
  }

  /** Gives deliveries up, given by their sequences. */
  drop(sequences: ReadonlySet<number>): void {
    for (const delivery of this.#takeUnderWay(sequences)) this.onDrop('session-ended', delivery);
    this.queue.dropStored(sequences);
  }

  /** Takes deliveries, given by their sequences, for whoever gets them now. */
  take(sequences: ReadonlySet<number>): void {
    this.#takeUnderWay(sequences);
    this.queue.takeStored(sequences);
  }

  #takeUnderWay(sequences: ReadonlySet<number>): Delivery[] {
    if (this.window.count === 0) return [];
    const taken: Delivery[] = [];
    for (const sequence of sequences) {
      const delivery = this.window.find(sequence);
      if (delivery === null) continue;
      this.window.delete(delivery);
      taken.push(delivery);
    }
    return taken;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { lastSequence, sentSequence } = this;
    invariant(sentSequence <= lastSequence, `${sentSequence} was sent of ${lastSequence}`);
    const sequences = new Set<number>();
    const add = (sequence: number) => {
      invariant(sequence <= lastSequence, `delivery ${sequence} of ${lastSequence}`);
      invariant(!sequences.has(sequence), `delivery ${sequence} is there twice`);
      sequences.add(sequence);
    };
    for (const { sequence } of this.underWay()) if (sequence > 0) add(sequence);
    for (const block of this.queue.blocks) {
      for (let index = block.start; index < block.end; index++) {
        if (!block.isTransient(index)) add(block.sequenceAt(index));
      }
    }
  }

  // ---------------------------------------------------------- processes that have ended

  /** Takes up a QoS 2 delivery whose PUBREC had been received. */
  restoreReleased(sequence: number, packetId: number, position: number): void {
    this.window.restoreReleased(sequence, packetId, position);
  }

  /** All is restored: what comes now is of this process. */
  endRestoring(): void {
    this.queue.endRestoring(this.lastSequence);
  }

  /** Ends a restored delivery, as the store has learnt; false when there is none. */
  restoreSettled(sequence: number): boolean {
    const delivery = this.#findUnderWay(sequence);
    if (delivery === null) return this.queue.remove(sequence);
    return this.window.delete(delivery);
  }
}
