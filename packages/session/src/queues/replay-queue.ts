import { invariant } from '@promptmq/topics';
import type { MemoryAccount } from '../memory-account.ts';
import { type Delivery, DeliveryState } from '../messages/delivery.ts';
import type { Message } from '../messages/message.ts';
import { Fifo } from './fifo.ts';

/** What a delivery occupies: an estimate, without its message, which is retained. */
const DELIVERY_BYTES = 250;

/** Messages that are to be sent; at least one is left. */
interface Batch {
  readonly messages: readonly Message[];
  readonly toDelivery: (message: Message) => Delivery;
  /** Index of the first that is left. */
  next: number;
}

/**
 * Retained messages that new subscriptions of a session are owed, in the order in which they are to be sent.
 *
 * Invariants: of batches at least one message is left; the stored deliveries are found by their sequences, and no others.
 */
export class ReplayQueue {
  /** Where deliveries are counted. */
  readonly #memory: MemoryAccount | null;
  readonly #deliveries: Fifo<Delivery>;
  /** Those of them that are stored, by sequence. */
  readonly #stored: Map<number, Delivery>;
  /** After them: those of which deliveries are made when they are about to be sent. */
  readonly #batches: Fifo<Batch>;
  #batchedCount: number;
  /** Of subscriptions for which more is still being looked for. */
  #openCount: number;

  constructor(memory: MemoryAccount | null = null) {
    this.#memory = memory;
    this.#deliveries = new Fifo();
    this.#stored = new Map();
    this.#batches = new Fifo();
    this.#batchedCount = 0;
    this.#openCount = 0;
  }

  /** Whether nothing is left, and nothing more comes. */
  get isOver(): boolean {
    return this.#openCount === 0 && this.length === 0;
  }

  /** More is going to be pushed, until `close`. */
  open(): void {
    this.#openCount++;
  }

  close(): void {
    this.#openCount--;
  }

  /** What its deliveries count. */
  get bytes(): number {
    return this.#deliveries.length * DELIVERY_BYTES;
  }

  get length(): number {
    return this.#deliveries.length + this.#batchedCount;
  }

  /** Those that are deliveries already; all of those that are stored are. */
  get deliveries(): Iterable<Delivery> {
    return this.#deliveries;
  }

  /** All that wait, in their order, the first so many left out. Nothing may change while they are gone through. */
  *waitingAfter(skipped: number): Generator<Delivery> {
    let left = skipped;
    for (const delivery of this.#deliveries) if (left-- <= 0) yield delivery;
    for (const { messages, toDelivery, next } of this.#batches) {
      for (let index = next; index < messages.length; index++) {
        if (left-- <= 0) yield toDelivery(messages[index] as Message);
      }
    }
  }

  /** Appends deliveries; not together with `pushLater`. */
  push(deliveries: readonly Delivery[]): void {
    this.#count(deliveries.length);
    for (const delivery of deliveries) {
      this.#deliveries.push(delivery);
      if (delivery.sequence > 0) this.#stored.set(delivery.sequence, delivery);
    }
  }

  /** A stored delivery; null when there is none with this sequence. */
  find(sequence: number): Delivery | null {
    return this.#stored.get(sequence) ?? null;
  }

  /** Appends messages, however many in no time: deliveries of them are made one by one. */
  pushLater(messages: readonly Message[], toDelivery: (message: Message) => Delivery): void {
    if (messages.length === 0) return;
    this.#batches.push({ messages, toDelivery, next: 0 });
    this.#batchedCount += messages.length;
  }

  peek(): Delivery | undefined {
    return this.#deliveries.peek() ?? this.#makeDelivery();
  }

  /** Takes what `peek` has returned. */
  shift(): void {
    const delivery = this.#deliveries.shift();
    if (delivery === undefined) return;
    this.#count(-1);
    if (delivery.sequence > 0) this.#stored.delete(delivery.sequence);
  }

  /** Keeps only deliveries that `keep` accepts. */
  filter(keep: (delivery: Delivery) => boolean): void {
    const before = this.#deliveries.length;
    this.#deliveries.filter((delivery) => {
      const isKept = keep(delivery);
      if (!isKept) this.#stored.delete(delivery.sequence);
      return isKept;
    });
    this.#count(this.#deliveries.length - before);
  }

  clear(): void {
    this.#count(-this.#deliveries.length);
    this.#deliveries.clear();
    this.#stored.clear();
    this.#batches.clear();
    this.#batchedCount = 0;
    this.#openCount = 0;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let storedCount = 0;
    for (const delivery of this.#deliveries) {
      invariant(delivery.state === DeliveryState.Queued, 'what is owed has been sent');
      if (delivery.sequence === 0) continue;
      storedCount++;
      invariant(this.#stored.get(delivery.sequence) === delivery, 'a replay is not found');
    }
    invariant(storedCount === this.#stored.size, `${this.#stored.size} found of ${storedCount}`);
    let batchedCount = 0;
    for (const { messages, next } of this.#batches) {
      invariant(next < messages.length, 'nothing is left of a batch');
      batchedCount += messages.length - next;
    }
    const counted = this.#batchedCount;
    invariant(batchedCount === counted, `${counted} messages counted of ${batchedCount}`);
    invariant(this.#openCount >= 0, `${this.#openCount} subscriptions look for more`);
    const held = this.#memory?.bytes ?? this.bytes;
    invariant(this.bytes <= held, `${this.bytes} bytes of replays, of ${held}`);
  }

  #makeDelivery(): Delivery | undefined {
    const first = this.#batches.peek();
    if (first === undefined) return undefined;
    const delivery = first.toDelivery(first.messages[first.next++] as Message);
    if (first.next === first.messages.length) this.#batches.shift();
    this.#batchedCount--;
    this.#deliveries.push(delivery);
    this.#count(1);
    return delivery;
  }

  #count(deliveries: number): void {
    if (this.#memory !== null) this.#memory.bytes += deliveries * DELIVERY_BYTES;
  }
}
