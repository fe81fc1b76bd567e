import { invariant } from '@promptmq/topics';
import { Delivery, DeliveryState } from '../messages/delivery.ts';
import type { DropListener } from '../messages/drop.ts';
import { messageSize, STORED_MESSAGE } from '../messages/message.ts';
import type { PublishImage } from '../messages/publish-image.ts';
import {
  checkTotals,
  type DeliveryQueue,
  EXPIRED_SWEEP_MAX,
  exceedsLimits,
  isGivenUp,
  type QueueLimits,
} from './delivery-queue.ts';
import { Fifo } from './fifo.ts';
import { FrameQueue, QUEUED_FRAME_BYTES_MAX } from './frame-queue.ts';
import type { WaitingMessage } from './waiting-message.ts';

/** What one queued delivery occupies beside its message's bytes: an estimate, for the byte limit. */
const DELIVERY_OVERHEAD_BYTES = 128;

/** The same for a frame. */
const FRAME_OVERHEAD_BYTES = 8;

/** Stands for a delivery of which there is only the frame. */
export const FRAME_DELIVERY: Delivery = new Delivery(STORED_MESSAGE, 1, false);

/**
 * The queue of a session whose deliveries are in memory only.
 *
 * Invariants: frames come before deliveries; there are no new ones while a delivery waits; `bytes` and `transientCount` are
 * what there is, and part of what all queues hold.
 */
export class MemoryQueue implements DeliveryQueue {
  /** The frame that `shift` took last is here, when it returned `FRAME_DELIVERY`. Made for the first frame. */
  frames: FrameQueue | null = null;
  readonly #limits: QueueLimits;
  readonly #deliveries = new Fifo<Delivery>();
  readonly #onDrop: DropListener;
  #bytes: number;
  #transientCount: number;

  /** @param onDrop - gets every delivery that is given up */
  constructor(limits: QueueLimits, onDrop: DropListener) {
    this.#limits = limits;
    this.#onDrop = onDrop;
    this.#bytes = 0;
    this.#transientCount = 0;
  }

  get length(): number {
    return this.frameCount + this.#deliveries.length;
  }

  /** How many of them are frames. */
  get frameCount(): number {
    return this.frames === null ? 0 : this.frames.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get transientCount(): number {
    return this.#transientCount;
  }

  get isFirstInStore(): boolean {
    return false;
  }

  push(delivery: Delivery, now: number): void {
    const size = sizeOf(delivery);
    if (this.#isFull(size) && !this.#makeRoom(size, now)) {
      this.#onDrop('queue-full', delivery);
      return;
    }
    this.#deliveries.push(delivery);
    this.#count(1, delivery);
  }

  /**
   * Appends a message as the frame that it will be sent as, making room as the overflow policy says, or
   * gives it up.
   *
   * @param flags - `qos << 1 | retain`
   * @returns false when it has to be pushed as a delivery: it is large, or deliveries wait
   */
  pushFrame(frame: PublishImage, flags: number, now: number): boolean {
    const frameBytes = frame.end - frame.start;
    if (this.#deliveries.length > 0 || frameBytes > QUEUED_FRAME_BYTES_MAX) return false;
    const size = frameBytes + FRAME_OVERHEAD_BYTES;
    if (this.#isFull(size) && !this.#makeRoom(size, now)) {
      this.#onDrop('queue-full', FRAME_DELIVERY, frame);
      return true;
    }
    this.frames ??= new FrameQueue();
    this.frames.push(frame, flags);
    this.#add(1, size);
    return true;
  }

  /** What waits after so many, in its order. Nothing may change while it is gone through. */
  *waitingAfter(skipped: number): Generator<WaitingMessage> {
    let place = Math.min(skipped, this.frameCount);
    for (const frame of this.frames?.copies(place) ?? []) {
      place++;
      yield { place, delivery: null, frame };
    }
    place = this.frameCount;
    for (const delivery of this.#deliveries) {
      place++;
      if (place > skipped) yield { place, delivery, frame: null };
    }
  }

  peek(now: number): Delivery | undefined {
    if (this.frameCount > 0) return FRAME_DELIVERY;
    for (;;) {
      const head = this.#deliveries.peek();
      if (head === undefined || !this.#isGivenUp(head, now)) return head;
      this.#onDrop('expired', this.#take() as Delivery);
    }
  }

  shift(): Delivery | undefined {
    return this.#take();
  }

  takeTransient(): Delivery[] {
    return this.#extract(({ qos }) => qos === 0);
  }

  takeShared(isTaken: (group: string) => boolean): Delivery[] {
    return this.#extract(({ group }) => group !== null && isTaken(group));
  }

  forgetMessages(): void {
    // They are nowhere else.
  }

  clear(): void {
    for (let count = this.frameCount; count > 0; count--) {
      this.#take();
      this.#onDrop('session-ended', FRAME_DELIVERY, this.frames);
    }
    this.frames?.clear();
    for (const delivery of this.#extract(() => true)) this.#onDrop('session-ended', delivery);
  }

  isFullFor(bytes: number): boolean {
    return this.#isFull(bytes + DELIVERY_OVERHEAD_BYTES);
  }

  checkInvariants(): void {
    this.frames?.checkInvariants();
    let bytes = (this.frames?.bytes ?? 0) + this.frameCount * FRAME_OVERHEAD_BYTES;
    let transientCount = 0;
    for (const delivery of this.#deliveries) {
      bytes += sizeOf(delivery);
      if (delivery.qos === 0) transientCount++;
      invariant(delivery.state === DeliveryState.Queued, 'what waits has been sent');
    }
    invariant(bytes === this.#bytes, `${this.#bytes} bytes counted of ${bytes}`);
    const counted = this.#transientCount;
    invariant(transientCount === counted, `${counted} of QoS 0 counted of ${transientCount}`);
    checkTotals(this.#limits, this);
  }

  #extract(isTaken: (delivery: Delivery) => boolean): Delivery[] {
    const taken: Delivery[] = [];
    this.#deliveries.filter((delivery) => {
      if (!isTaken(delivery)) return true;
      taken.push(delivery);
      this.#count(-1, delivery);
      return false;
    });
    return taken;
  }

  #isGivenUp({ message, retain }: Delivery, now: number): boolean {
    return isGivenUp(this.#limits, message.expiresAt, retain, now);
  }

  #isFull(size: number): boolean {
    return exceedsLimits(this.#limits, this.length, this.#bytes, size);
  }

  #makeRoom(size: number, now: number): boolean {
    // Frames never expire.
    for (let swept = 0; swept < EXPIRED_SWEEP_MAX && this.frameCount === 0; swept++) {
      const head = this.#deliveries.peek();
      if (head === undefined || !this.#isGivenUp(head, now)) break;
      this.#onDrop('expired', this.#take() as Delivery);
    }
    if (this.#limits.overflow === 'drop-oldest') {
      while (this.length > 0 && this.#isFull(size)) {
        const delivery = this.#take() as Delivery;
        this.#onDrop('queue-full', delivery, delivery === FRAME_DELIVERY ? this.frames : null);
      }
    }
    return !this.#isFull(size);
  }

  #take(): Delivery | undefined {
    const { frames } = this;
    if (frames !== null && frames.length > 0) {
      frames.shift();
      this.#add(-1, frames.start - frames.end - FRAME_OVERHEAD_BYTES);
      return FRAME_DELIVERY;
    }
    const delivery = this.#deliveries.shift();
    if (delivery !== undefined) this.#count(-1, delivery);
    return delivery;
  }

  /** @param messages - 1 when the delivery has come, -1 when it has gone */
  #count(messages: 1 | -1, delivery: Delivery): void {
    if (delivery.qos === 0) this.#transientCount += messages;
    this.#add(messages, messages * sizeOf(delivery));
  }

  /** @param bytes - negative when the message has gone */
  #add(messages: 1 | -1, bytes: number): void {
    this.#bytes += bytes;
    const { totals } = this.#limits;
    if (totals === undefined) return;
    totals.messages += messages;
    totals.bytes += bytes;
  }
}

function sizeOf(delivery: Delivery): number {
  return messageSize(delivery.message) + DELIVERY_OVERHEAD_BYTES;
}
