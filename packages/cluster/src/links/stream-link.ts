import type { Clock } from '@promptmq/wal';
import { FrameType } from './frames.ts';
import type { LaneStream } from './lane-stream.ts';
import { type Lane, type Link, type LinkEnd, type LinkFigures, laneOf } from './link.ts';
import type { LinkSet } from './link-set.ts';

export interface StreamLinkOptions {
  readonly clock: Clock;
  /** Bytes that wait in a lane from which on it is busy. */
  readonly busyBytes: number;
  /** How often each side says that it is there, in milliseconds. */
  readonly pingMs: number;
  /** The link is over when nothing has come for so long. */
  readonly silentMs: number;
  /** Bytes of the largest frame. */
  readonly frameSizeMax: number;
  /**
   * Between two writes, in milliseconds, unless much is sent: each write wakes the other process up, which costs both more than the few bytes
   * that there are in a turn.
   */
  readonly gatheringMs: number;
}

export const LINK_DEFAULTS: Omit<StreamLinkOptions, 'clock'> = {
  busyBytes: 1_048_576,
  pingMs: 500,
  silentMs: 2000,
  // The largest MQTT packet, and what is said of it.
  frameSizeMax: 268_435_455 + 65_536,
  gatheringMs: 1,
};

const EMPTY = new Uint8Array(0);

/** With so many bytes a write is worth it at the end of the turn. */
const GATHERED_BYTES = 16_384;

/**
 * A link over two streams, whose handshakes are done. What is sent in a turn is written once at its end; soon after another write,
 * little is held until `gatheringMs` have passed.
 *
 * Invariants: what was sent is written in that time. It is up from `start` until it is over for good; both streams end with it.
 */
export class StreamLink implements Link {
  readonly peer: LinkEnd;
  #isUp = false;
  readonly #lanes: readonly [LaneStream, LaneStream];
  readonly #links: LinkSet;
  readonly #options: StreamLinkOptions;
  readonly #isBusy: [boolean, boolean] = [false, false];
  /** When the last write was. */
  #flushedAt = Number.NEGATIVE_INFINITY;
  /** A flush follows at the end of this turn. */
  #isFlushDue = false;
  /** It follows when there has been time for more. */
  #cancelGathering: (() => void) | null = null;
  readonly #flush: () => void;
  #receivedAt = 0;
  #pingedAt = 0;
  /** When the PING left that has no answer yet; 0 when there is none. */
  #askedAt = 0;
  #stopPings: () => void = () => {};
  #roundTripMs = 0;

  constructor(
    peer: LinkEnd,
    lanes: readonly [LaneStream, LaneStream],
    links: LinkSet,
    options: StreamLinkOptions,
  ) {
    this.peer = peer;
    this.#lanes = lanes;
    this.#links = links;
    this.#options = options;
    this.#flush = () => this.#flushLanes();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get figures(): LinkFigures {
    const [one, two] = this.#lanes;
    return {
      roundTripMs: this.#roundTripMs,
      sentBytes: [one.sentBytes, two.sentBytes],
      receivedBytes: [one.receivedBytes, two.receivedBytes],
    };
  }

  /** The link is up: its set hears of it, then of what comes. */
  start(): void {
    const { clock, frameSizeMax } = this.#options;
    this.#isUp = true;
    this.#receivedAt = clock.now();
    this.#pingedAt = clock.now();
    this.#pingLater();
    this.#links.add(this);
    this.#lanes.forEach((stream, index) => {
      if (!this.#isUp) return;
      stream.sizeMax = frameSizeMax;
      stream.listen({
        onFrame: (type, body) => this.#receive(type, body),
        onWritten: () => this.#onWritten(index, stream),
        onOver: (why) => this.close(why),
      });
    });
  }

  send(type: number, ...parts: readonly Uint8Array[]): void {
    if (!this.#isUp) return;
    const lane = laneOf(type);
    const stream = this.#lanes[lane - 1] as LaneStream;
    stream.add(type, parts);
    if (stream.pendingBytes > this.#options.busyBytes) this.#isBusy[lane - 1] = true;
    if (this.#isFlushDue) return;
    const isMuch = stream.pendingBytes > GATHERED_BYTES;
    if (this.#cancelGathering !== null && !isMuch) return;
    const { clock, gatheringMs } = this.#options;
    const waitMs = isMuch ? 0 : this.#flushedAt + gatheringMs - clock.now();
    if (waitMs > 0) {
      this.#cancelGathering = clock.setTimer(waitMs, this.#flush);
    } else {
      this.#isFlushDue = true;
      clock.defer(this.#flush);
    }
  }

  isBusy(lane: Lane): boolean {
    return this.#isBusy[lane - 1] as boolean;
  }

  close(why: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#stopPings();
    this.#cancelGathering?.();
    this.#cancelGathering = null;
    for (const stream of this.#lanes) stream.destroy(why);
    this.#links.remove(this, why);
  }

  #flushLanes(): void {
    this.#isFlushDue = false;
    this.#cancelGathering?.();
    this.#cancelGathering = null;
    this.#flushedAt = this.#options.clock.now();
    for (const stream of this.#lanes) stream.flush();
  }

  #onWritten(index: number, stream: LaneStream): void {
    if (!this.#isBusy[index as 0 | 1] || stream.pendingBytes > this.#options.busyBytes / 2) return;
    this.#isBusy[index as 0 | 1] = false;
    if (this.#isUp) this.#links.drained(this, (index + 1) as Lane);
  }

  #receive(type: number, body: Uint8Array): void {
    if (!this.#isUp) return;
    this.#receivedAt = this.#options.clock.now();
    if (type === FrameType.ping) {
      this.send(FrameType.pong, EMPTY);
    } else if (type === FrameType.pong) {
      this.#roundTripMs = this.#receivedAt - this.#askedAt;
      this.#askedAt = 0;
    } else {
      this.#links.frame(this, type, body);
    }
  }

  #pingLater(): void {
    const { clock, pingMs } = this.#options;
    this.#stopPings = clock.setTimer(pingMs, () => this.#ping());
  }

  #ping(): void {
    const { clock, pingMs, silentMs } = this.#options;
    const now = clock.now();
    // Who was held up himself can't say that the other side was silent: what it has sent may wait to be read.
    if (now - this.#pingedAt > 2 * pingMs) this.#receivedAt = now;
    this.#pingedAt = now;
    if (now - this.#receivedAt > silentMs) {
      this.close(`nothing has come for ${silentMs} ms`);
      return;
    }
    if (this.#askedAt === 0) {
      this.#askedAt = now;
      this.send(FrameType.ping, EMPTY);
    }
    this.#pingLater();
  }
}
