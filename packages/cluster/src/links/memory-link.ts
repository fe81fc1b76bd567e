import { type Lane, type Link, type LinkEnd, type LinkFigures, laneOf } from './link.ts';
import type { LinkSet } from './link-set.ts';

/** One side of a link in memory: who it is, and where what comes is reported. */
export interface MemorySide {
  readonly end: LinkEnd;
  readonly links: LinkSet;
}

export interface MemoryLinkOptions {
  /**
   * Has something happen later: it is called once for each frame, and when a link breaks, once for each side. In whatever order the
   * callbacks come back, frames of a lane arrive in theirs.
   */
  readonly later: (callback: () => void) => void;
  /** Bytes under way in a lane from which on it is busy. */
  readonly busyBytes?: number;
}

const BUSY_BYTES = 1_048_576;

/** A link within a process, for tests and simulations. */
export class MemoryLink {
  readonly #a: MemoryLinkEnd;
  readonly #b: MemoryLinkEnd;
  readonly #later: (callback: () => void) => void;

  /** Both sides hear of it before this returns. */
  constructor(a: MemorySide, b: MemorySide, { later, busyBytes = BUSY_BYTES }: MemoryLinkOptions) {
    this.#later = later;
    this.#a = new MemoryLinkEnd(b.end, a.links, later, busyBytes, () => this.cut('closed'));
    this.#b = new MemoryLinkEnd(a.end, b.links, later, busyBytes, () => this.cut('closed'));
    this.#a.other = this.#b;
    this.#b.other = this.#a;
    a.links.add(this.#a);
    b.links.add(this.#b);
  }

  /** Whether both sides take it for up. */
  get isUp(): boolean {
    return this.#a.isUp && this.#b.isUp;
  }

  /** Breaks it: what is under way is lost. Each side notices later, and what it sends until then is lost, too. */
  cut(why = 'cut'): void {
    for (const end of [this.#a, this.#b]) {
      if (end.isCut) continue;
      end.isCut = true;
      this.#later(() => end.goDown(why));
    }
  }
}

class MemoryLinkEnd implements Link {
  readonly peer: LinkEnd;
  /** Nothing is counted. */
  readonly figures: LinkFigures = { roundTripMs: 0, sentBytes: [0, 0], receivedBytes: [0, 0] };
  isUp = true;
  /** Nothing of what is sent arrives any more. */
  isCut = false;
  other: MemoryLinkEnd | null = null;
  readonly #links: LinkSet;
  readonly #later: (callback: () => void) => void;
  readonly #busyBytes: number;
  readonly #onClosed: () => void;
  readonly #lanes: readonly MemoryLane[] = [new MemoryLane(), new MemoryLane()];

  constructor(
    peer: LinkEnd,
    links: LinkSet,
    later: (callback: () => void) => void,
    busyBytes: number,
    onClosed: () => void,
  ) {
    this.peer = peer;
    this.#links = links;
    this.#later = later;
    this.#busyBytes = busyBytes;
    this.#onClosed = onClosed;
  }

  send(type: number, ...parts: readonly Uint8Array[]): void {
    if (!this.isUp || this.isCut) return;
    const lane = laneOf(type);
    const state = this.#lanes[lane - 1] as MemoryLane;
    const body = new Uint8Array(Buffer.concat(parts));
    state.frames.push({ type, body });
    state.bytes += body.length;
    if (state.bytes > this.#busyBytes) state.isBusy = true;
    this.#later(() => this.#arrive(lane, state));
  }

  isBusy(lane: Lane): boolean {
    return (this.#lanes[lane - 1] as MemoryLane).isBusy;
  }

  close(why: string): void {
    this.goDown(why);
    this.#onClosed();
  }

  goDown(why: string): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.isCut = true;
    this.#links.remove(this, why);
  }

  #arrive(lane: Lane, state: MemoryLane): void {
    const frame = state.frames.shift();
    if (frame === undefined) return;
    state.bytes -= frame.body.length;
    const { other } = this;
    if (!this.isCut && other !== null && other.isUp) {
      other.#links.frame(other, frame.type, frame.body);
    }
    if (state.isBusy && state.bytes <= this.#busyBytes / 2) {
      state.isBusy = false;
      if (this.isUp) this.#links.drained(this, lane);
    }
  }
}

/** What is under way in a lane. */
class MemoryLane {
  readonly frames: { type: number; body: Uint8Array }[] = [];
  bytes = 0;
  isBusy = false;
}
