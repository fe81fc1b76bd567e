import type { QoS } from '@promptmq/codec';
import type { Client } from '../client/client.ts';
import { stampOf } from './clock.ts';
import type { Tape } from './tape.ts';

const PACKET_ID_MAX = 65_535;

/** What a publisher sees of the lane that it is in: what it sends counts there. */
export interface PublisherLane {
  /** Messages. */
  sent: number;
  /** Deliveries. */
  received: number;
  /** Messages that may be sent now at QoS 0. */
  readonly credit: number;
  /** QoS 0, as fast as possible: lets the publishers send, in equal shares. */
  refill(micros: number): void;
}

/**
 * Sends the frames of its tape, round and round, in as few writes as possible.
 *
 * Invariant: it only writes while its client is idle, so that no byte of the tape that it changes is
 * still on its way; and `unacked <= window` at QoS 1 and 2.
 */
export class Publisher {
  readonly client: Client;
  readonly lane: PublisherLane;
  /** Messages that it may still send. */
  quota: number;
  /** QoS 1 and 2. */
  unacked = 0;
  sent = 0;
  /** Fixed rate: its place in each round of the publishers. */
  turn = 0;
  /** Fixed rate: messages that have been due so far, and of those the ones that were sent. */
  due = 0;
  dueSent = 0;
  readonly #tape: Tape;
  readonly #qos: QoS;
  readonly #window: number;
  #cursor = 0;
  #packetId = 0;
  #sequence = 0;

  constructor(
    client: Client,
    lane: PublisherLane,
    tape: Tape,
    qos: QoS,
    window: number,
    quota: number,
  ) {
    this.client = client;
    this.lane = lane;
    this.quota = quota;
    this.#tape = tape;
    this.#qos = qos;
    this.#window = window;
  }

  /** Sets the topic aliases, by a QoS 0 message each. */
  sendAliases(): void {
    for (const frame of this.#tape.aliasFrames) {
      if (this.quota === 0) return;
      this.client.write(frame);
      this.#count(1);
    }
  }

  /** How many messages its window and its quota allow. */
  get allowance(): number {
    if (this.#qos === 0) return this.quota;
    return Math.min(this.quota, this.#window - this.unacked);
  }

  onAcked(count: number): void {
    this.unacked -= count;
  }

  /**
   * Sends messages, as far as the connection takes them.
   *
   * @param count - at most `allowance`
   * @param micros - when the first of them was meant to be sent
   * @param stepMicros - how much later each of the following was
   * @returns how many were sent
   */
  send(count: number, micros: number, stepMicros: number): number {
    const { bytes, frameSize, frameCount } = this.#tape;
    let sent = 0;
    while (sent < count && this.client.isIdle) {
      const size = Math.min(count - sent, frameCount - this.#cursor);
      const start = this.#cursor * frameSize;
      this.#prepare(start, size, micros + sent * stepMicros, stepMicros);
      this.client.write(bytes.subarray(start, start + size * frameSize));
      this.#cursor = (this.#cursor + size) % frameCount;
      sent += size;
    }
    if (this.#qos > 0) this.unacked += sent;
    this.#count(sent);
    return sent;
  }

  /** Writes stamps and packet identifiers into the next frames. */
  #prepare(start: number, count: number, micros: number, stepMicros: number): void {
    const { bytes, frameSize, stampOffset, sequenceOffset, packetIdOffset } = this.#tape;
    let stamp = stampOf(micros);
    let at = start;
    if (sequenceOffset !== -1) this.#number(start + sequenceOffset, count);
    for (let index = 0; index < count; index++, at += frameSize) {
      if (stampOffset !== -1) {
        if (stepMicros > 0) stamp = stampOf(micros + index * stepMicros);
        bytes[at + stampOffset] = stamp >>> 24;
        bytes[at + stampOffset + 1] = stamp >>> 16;
        bytes[at + stampOffset + 2] = stamp >>> 8;
        bytes[at + stampOffset + 3] = stamp;
      }
      if (packetIdOffset !== -1) {
        this.#packetId = this.#packetId === PACKET_ID_MAX ? 1 : this.#packetId + 1;
        bytes[at + packetIdOffset] = this.#packetId >> 8;
        bytes[at + packetIdOffset + 1] = this.#packetId;
      }
    }
  }

  /** Writes sequence numbers, from 0 for the first message of all. */
  #number(start: number, count: number): void {
    const { bytes, frameSize } = this.#tape;
    for (let index = 0, at = start; index < count; index++, at += frameSize) {
      const sequence = this.#sequence++;
      bytes[at] = sequence >>> 24;
      bytes[at + 1] = sequence >>> 16;
      bytes[at + 2] = sequence >>> 8;
      bytes[at + 3] = sequence;
    }
  }

  #count(sent: number): void {
    this.sent += sent;
    this.quota -= sent;
    this.lane.sent += sent;
  }
}
