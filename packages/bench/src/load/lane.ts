import type { Client } from '../client/client.ts';
import type { Publisher } from './publisher.ts';

/**
 * Publishers and the subscribers that get what they send: the unit of flow control and of counting.
 * Each message is expected to become `fanOut` deliveries.
 */
export class Lane {
  readonly fanOut: number;
  /** Deliveries that may be on their way at QoS 0. */
  readonly flightMax: number;
  readonly publishers: Publisher[] = [];
  readonly subscribers: Client[] = [];
  /** Messages. */
  sent = 0;
  /** Deliveries. */
  received = 0;
  /** Deliveries that didn't come for so long that they no longer hold back the publishers. */
  writtenOff = 0;
  /** `received` when the watchdog looked last. */
  seen = 0;
  #turn = 0;

  constructor(fanOut: number, flightMax: number) {
    this.fanOut = fanOut;
    this.flightMax = Math.max(flightMax, 4 * fanOut);
  }

  get inFlight(): number {
    return this.sent * this.fanOut - this.received - this.writtenOff;
  }

  /** Messages that may be sent now at QoS 0. */
  get credit(): number {
    return Math.max(0, Math.floor((this.flightMax - this.inFlight) / this.fanOut));
  }

  /**
   * QoS 0, as fast as possible: lets the publishers send, in equal shares. It waits until half of what
   * may be on its way has arrived, so that writes are large.
   */
  refill(micros: number): void {
    if (this.inFlight * 2 > this.flightMax) return;
    const { publishers } = this;
    let credit = this.credit;
    const share = Math.max(1, Math.floor(credit / publishers.length));
    for (let count = publishers.length; count > 0 && credit > 0; count--) {
      const publisher = publishers[this.#turn] as Publisher;
      this.#turn = (this.#turn + 1) % publishers.length;
      credit -= publisher.send(Math.min(share, credit, publisher.allowance), micros, 0);
    }
  }

  /** Gives up on deliveries when none came since the last call. */
  writeOff(): void {
    const { inFlight } = this;
    if (this.received === this.seen && inFlight > 0) this.writtenOff += inFlight;
    this.seen = this.received;
  }
}
