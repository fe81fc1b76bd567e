import type { Delivery } from './delivery.ts';
import type { DropListener } from './drop.ts';
import { Fifo } from './fifo.ts';
import { messageSize } from './message.ts';

/** What happens to a message that finds the queue full. */
export type QueueOverflow = 'drop-newest' | 'drop-oldest';

export interface QueueLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly overflow: QueueOverflow;
}

/** What one queued delivery occupies beside its message's bytes: an estimate, for the byte limit. */
const DELIVERY_OVERHEAD_BYTES = 128;

/** How often an expired head is looked for before a message is refused; bounds the work of a push. */
const EXPIRED_SWEEP_MAX = 64;

/**
 * Messages that wait for a session's connection or quota, in the order in which they are to be sent.
 *
 * Invariant: `length <= messagesMax` and, unless it holds a single message, `bytes <= bytesMax`.
 */
export class MessageQueue {
  readonly #limits: QueueLimits;
  readonly #deliveries = new Fifo<Delivery>();
  readonly #onDrop: DropListener;
  #bytes: number;
  #qos0Count: number;

  /** @param onDrop - told of every delivery that is given up */
  constructor(limits: QueueLimits, onDrop: DropListener) {
    this.#limits = limits;
    this.#onDrop = onDrop;
    this.#bytes = 0;
    this.#qos0Count = 0;
  }

  get length(): number {
    return this.#deliveries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many of the deliveries are of QoS 0. */
  get qos0Count(): number {
    return this.#qos0Count;
  }

  /**
   * Appends a delivery, making room as the overflow policy says, or gives it up.
   *
   * @param now - milliseconds of the clock; expired messages at the head give way first
   */
  push(delivery: Delivery, now: number): void {
    const size = sizeOf(delivery);
    if (this.#isFull(size) && !this.#makeRoom(size, now)) {
      this.#onDrop('queue-full', delivery);
      return;
    }
    this.#deliveries.push(delivery);
    this.#bytes += size;
    if (delivery.qos === 0) this.#qos0Count++;
  }

  /** The first delivery; those before it that have expired at `now` are given up. */
  peek(now: number): Delivery | undefined {
    for (;;) {
      const head = this.#deliveries.peek();
      if (head === undefined || head.message.expiresAt > now) return head;
      this.#onDrop('expired', this.#take() as Delivery);
    }
  }

  /** Takes what `peek` returned. */
  shift(): Delivery | undefined {
    return this.#take();
  }

  /** Removes and returns what `isTaken` chooses, in its order. */
  extract(isTaken: (delivery: Delivery) => boolean): Delivery[] {
    const taken: Delivery[] = [];
    this.#deliveries.filter((delivery) => {
      if (!isTaken(delivery)) return true;
      taken.push(delivery);
      this.#noteTaken(delivery);
      return false;
    });
    return taken;
  }

  clear(): void {
    this.#deliveries.clear();
    this.#bytes = 0;
    this.#qos0Count = 0;
  }

  #isFull(size: number): boolean {
    if (this.length >= this.#limits.messagesMax) return true;
    return this.length > 0 && this.#bytes + size > this.#limits.bytesMax;
  }

  #makeRoom(size: number, now: number): boolean {
    for (let swept = 0; swept < EXPIRED_SWEEP_MAX; swept++) {
      const head = this.#deliveries.peek();
      if (head === undefined || head.message.expiresAt > now) break;
      this.#onDrop('expired', this.#take() as Delivery);
    }
    if (this.#limits.overflow === 'drop-oldest') {
      while (this.length > 0 && this.#isFull(size)) {
        this.#onDrop('queue-full', this.#take() as Delivery);
      }
    }
    return !this.#isFull(size);
  }

  #take(): Delivery | undefined {
    const delivery = this.#deliveries.shift();
    if (delivery !== undefined) this.#noteTaken(delivery);
    return delivery;
  }

  #noteTaken(delivery: Delivery): void {
    this.#bytes -= sizeOf(delivery);
    if (delivery.qos === 0) this.#qos0Count--;
  }
}

function sizeOf(delivery: Delivery): number {
  return messageSize(delivery.message) + DELIVERY_OVERHEAD_BYTES;
}
