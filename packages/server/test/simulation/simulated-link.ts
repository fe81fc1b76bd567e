import type { Random } from '@promptmq/wal/testing';
import type { Broker } from '../../src/broker.ts';
import type { Transport, TransportHandler } from '../../src/connection/transport.ts';
import type { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';
import type { ClientLink, ModelClient } from '../model/model-client.ts';

/** Longest that a piece of data is under way, in milliseconds. */
const LATENCY_MAX = 20;

/** Longest that the broker doesn't notice that a connection is cut. */
const UNNOTICED_MAX = 3000;

/** One direction of a connection: pieces arrive in order, each a while after it was sent. */
class Lane {
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #onPiece: (bytes: Uint8Array, sentMs: number) => void;
  /** When the last piece so far arrives. */
  lastAt = 0;
  #sent = 0;
  #arrived = 0;
  /** Pieces from this number on are lost. */
  #lostFrom = Number.POSITIVE_INFINITY;

  constructor(
    clock: SimulatedClock,
    random: Random,
    onPiece: (bytes: Uint8Array, sentMs: number) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#onPiece = onPiece;
  }

  send(bytes: Uint8Array): void {
    const random = this.#random;
    let start = 0;
    // Most chunks arrive as they were sent; some are split anywhere, even in the middle of a length.
    while (bytes.length - start > 1 && random.chance(0.15)) {
      const end = start + 1 + random.below(bytes.length - start - 1);
      this.#sendPiece(bytes.subarray(start, end));
      start = end;
    }
    this.#sendPiece(bytes.subarray(start));
  }

  #sendPiece(bytes: Uint8Array): void {
    const sentMs = this.#clock.time;
    const copy = Uint8Array.from(bytes);
    this.after(() => this.#onPiece(copy, sentMs));
  }

  /** Runs something when all that was sent before has arrived. */
  after(run: () => void): void {
    const { time } = this.#clock;
    this.lastAt = Math.max(this.lastAt, time + this.#random.below(LATENCY_MAX));
    const number = this.#sent++;
    this.#clock.schedule(this.lastAt - time, () => {
      this.#arrived++;
      if (number < this.#lostFrom) run();
    });
  }

  /** Of what is under way only some of the first arrives; returns when, in milliseconds from now. */
  cut(): number {
    const kept = this.#random.below(this.#sent - this.#arrived + 1);
    this.#lostFrom = Math.min(this.#lostFrom, this.#arrived + kept);
    return Math.max(0, this.lastAt - this.#clock.time);
  }

  stop(): void {
    this.#lostFrom = 0;
  }
}

/** A simulated network connection: a transport for the broker, and the client's end of it. */
export class SimulatedLink implements Transport {
  readonly remoteAddress = 'simulated';
  readonly protocol = 'tcp';
  readonly clientEnd: ClientLink;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #client: ModelClient;
  readonly #handler: TransportHandler | null;
  readonly #toBroker: Lane;
  readonly #toClient: Lane;
  #isCut = false;
  /** The broker has been told that it is closed, or is gone. */
  #isClosed = false;
  #isPaused = false;
  /** What arrived while the broker didn't read, and the end. */
  readonly #unread: (Uint8Array | 'end')[] = [];

  /** @param former - the client's link before: what was sent on it arrives earlier, or not at all */
  constructor(
    clock: SimulatedClock,
    random: Random,
    client: ModelClient,
    broker: Broker,
    former: SimulatedLink | null,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#client = client;
    this.#toBroker = new Lane(clock, random, (bytes) => this.#arrive(bytes));
    if (former !== null) this.#toBroker.lastAt = former.#toBroker.lastAt;
    this.#toClient = new Lane(clock, random, (bytes, sentMs) =>
      client.receive(this.clientEnd, bytes, sentMs),
    );
    this.clientEnd = {
      send: (bytes) => this.#toBroker.send(bytes),
      end: () => this.#toBroker.after(() => this.#arrive('end')),
    };
    this.#handler = broker.accept(this);
  }

  /** The network breaks: both sides notice sooner or later, after a part of what was under way. */
  cut(): void {
    if (this.#isCut) return;
    const isLong = this.#random.chance(0.2);
    const unnoticed = this.#random.below(isLong ? UNNOTICED_MAX : LATENCY_MAX);
    this.#clock.schedule(this.#toBroker.cut() + unnoticed, () => this.#close());
    this.#cutClient();
  }

  /** The broker's process ends: nothing reaches it any more, and of what it sent only a part arrives. */
  die(): void {
    this.#isClosed = true;
    if (!this.#isCut) this.#cutClient();
  }

  #cutClient(): void {
    this.#isCut = true;
    this.#client.onCut(this.clientEnd);
    this.#clock.schedule(this.#toClient.cut(), () => this.#client.onLost(this.clientEnd));
  }

  #arrive(bytes: Uint8Array | 'end'): void {
    if (this.#isClosed) return;
    if (this.#isPaused || this.#unread.length > 0) this.#unread.push(bytes);
    else this.#hand(bytes);
  }

  #hand(bytes: Uint8Array | 'end'): void {
    if (bytes === 'end') this.#handler?.onEnd();
    else this.#handler?.onData(bytes);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.onClose(null);
    this.#client.onNoticed(this.clientEnd);
  }

  // ------------------------------------------------------------ what the broker does

  write(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    if (!this.#isCut) this.#toClient.send(chunk);
    this.#clock.schedule(this.#random.below(3), () => {
      if (!this.#isClosed) this.#handler?.onWritten(chunk);
    });
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#clock.schedule(0, () => {
      while (!this.#isPaused && !this.#isClosed && this.#unread.length > 0) {
        this.#hand(this.#unread.shift() as Uint8Array);
      }
    });
  }

  end(): void {
    // From now on the broker may do what the end of a connection asks for.
    this.#client.onCut(this.clientEnd);
    this.#toClient.after(() => {
      if (this.#isCut) return;
      this.#client.onEnd(this.clientEnd);
      this.#toBroker.after(() => this.#close());
    });
  }

  destroy(): void {
    this.end();
    this.#clock.schedule(0, () => this.#close());
  }
}
