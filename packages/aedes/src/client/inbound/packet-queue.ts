import type { ClientHost } from '../../host.ts';
import { FrameSplitter } from '../../packets/frame-splitter.ts';
import type { Frame } from '../../packets/frames.ts';
import type { Face } from '../face.ts';

/** What the queue of a client's packets needs of it. */
export interface PacketQueueHost {
  readonly face: Face;
  readonly broker: ClientHost;
  readonly isOver: boolean;
  /** Whether the broker within takes no more for now. */
  readonly isInnerFull: boolean;
  /** Whether its CONNECT has come. */
  readonly hasConnect: boolean;
  /** @param done - called when the next packet may come */
  onPacket(frame: Frame, done: () => void): void;
  /** A packet is wrong, or a handler of the program has thrown; nothing else comes. */
  onWrongPacket(frame: Frame, error: Error): void;
  /** It has sent more than `queueLimit` before it was connected. */
  onTooMany(): void;
}

/** Bytes that a client may have sent before it is connected; then it isn't read from until it is. */
const EARLY_BYTES_MAX = 1_048_576;

/** Makes packets of the bytes that a client sends, and has them dealt with one after the other. */
export class PacketQueue {
  readonly #host: PacketQueueHost;
  readonly #splitter: FrameSplitter;
  /** Packets that wait for the one before. */
  readonly #waiting: Frame[];
  #waitingBytes: number;
  #isBusy: boolean;
  /** Nothing has come yet. */
  #isFirst: boolean;
  /** A packet was wrong: what follows isn't looked at. */
  #isDeaf: boolean;

  constructor(host: PacketQueueHost, packetSizeMax: number) {
    this.#host = host;
    this.#splitter = new FrameSplitter(packetSizeMax, (frame) => this.#onFrame(frame));
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isBusy = false;
    this.#isFirst = true;
    this.#isDeaf = false;
  }

  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  /** MQTT 3.1 doesn't say what the low bits of the first byte are to be. */
  beLenient(): void {
    this.#splitter.isLenient = true;
  }

  push(chunk: Buffer): void {
    if (this.#isDeaf) return;
    this.#splitter.push(this.#isFirst ? this.#withoutPreamble(chunk) : chunk);
  }

  /** What is left of the first bytes when the program has read what stands before MQTT. */
  #withoutPreamble(chunk: Buffer): Buffer {
    this.#isFirst = false;
    const { broker, face } = this.#host;
    const decoded = broker.decodeProtocol(face, chunk);
    if (decoded === null || decoded === undefined) return chunk;
    face.connDetails = decoded;
    const { data } = decoded as { data?: unknown };
    return Buffer.isBuffer(data) ? data : chunk;
  }

  #onFrame(frame: Frame): void {
    const host = this.#host;
    if (host.isOver || this.#isDeaf) return;
    const isEarly = host.hasConnect && !host.face.connected;
    if (isEarly && this.#waiting.length >= host.broker.limits.queueLimit) {
      host.onTooMany();
      return;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.bytes.length;
    this.#work();
  }

  #work(): void {
    const host = this.#host;
    while (!this.#isBusy && !host.isOver && !this.#isDeaf) {
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      this.#waitingBytes -= frame.bytes.length;
      this.#isBusy = true;
      try {
        host.onPacket(frame, () => this.proceed());
      } catch (error) {
        this.#isDeaf = true;
        this.#waiting.length = 0;
        host.onWrongPacket(frame, error as Error);
      }
    }
    this.regulate();
  }

  /** The packet before has been dealt with. */
  proceed(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.#work();
  }

  /** Reads from the client, or doesn't. */
  regulate(): void {
    const { face, isInnerFull } = this.#host;
    const waits = face.connected ? this.#waiting.length > 0 : this.#waitingBytes > EARLY_BYTES_MAX;
    const mayRead = !waits && !isInnerFull;
    if (mayRead === !face.conn.isPaused()) return;
    if (mayRead) face.conn.resume();
    else face.conn.pause();
  }
}
