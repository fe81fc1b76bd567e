import type { Clock } from '@promptmq/wal';

/** Why something waits, and until when. */
export interface Hold {
  /** Milliseconds of the clock. */
  readonly until: number;
  /** What holds it: when that is undone, it waits no more. */
  readonly fault: { readonly isUndone: boolean };
}

interface Item {
  /** To be forwarded; null where `run` is to be called. */
  bytes: Uint8Array | null;
  readonly run: (() => void) | null;
  readonly holds: readonly Hold[];
  /** Forwarded in pieces of this many bytes, one a turn; 0: whole. */
  readonly pieceSize: number;
}

const NO_HOLDS: readonly Hold[] = [];

/**
 * One direction of a connection: what is sent arrives in its order, each when nothing holds it any more.
 *
 * Invariant: what is not held, and has nothing before it that is, has been forwarded when `pump` returns.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #forward: (bytes: Uint8Array) => void;
  readonly #queue: Item[];
  /** Bytes that wait. */
  heldBytes: number;
  #isStopped: boolean;
  #isPumping: boolean;
  /** The next piece of a packet is forwarded in a turn of its own. */
  #waitsForTurn: boolean;
  #cancelTimer: () => void;

  constructor(clock: Clock, forward: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#forward = forward;
    this.#queue = [];
    this.heldBytes = 0;
    this.#isStopped = false;
    this.#isPumping = false;
    this.#waitsForTurn = false;
    this.#cancelTimer = () => {};
  }

  /** Adds bytes, which are forwarded at `pump`. */
  send(bytes: Uint8Array, holds: readonly Hold[] = NO_HOLDS, pieceSize = 0): void {
    this.heldBytes += bytes.length;
    this.#queue.push({ bytes, run: null, holds, pieceSize });
  }

  /** Calls something when all that was sent before has been forwarded. */
  after(run: () => void): void {
    this.#queue.push({ bytes: null, run, holds: NO_HOLDS, pieceSize: 0 });
  }

  /** While it is stopped, everything waits. */
  set isStopped(isStopped: boolean) {
    this.#isStopped = isStopped;
    if (!isStopped) this.pump();
  }

  /** Forwards what may be. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#step()) {}
    } finally {
      this.#isPumping = false;
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue.length = 0;
    this.heldBytes = 0;
    this.#cancelTimer();
  }

  /** @returns whether there may be more to forward */
  #step(): boolean {
    const [head] = this.#queue;
    if (head === undefined || this.#isStopped || this.#waitsForTurn) return false;
    const waitMs = this.#waitMs(head);
    if (waitMs > 0) {
      this.#cancelTimer();
      this.#cancelTimer = this.#clock.setTimer(waitMs, () => this.pump());
      return false;
    }
    if (head.run !== null) {
      this.#queue.shift();
      head.run();
    } else if (head.pieceSize > 0) {
      this.#forwardPiece(head);
    } else {
      this.#forwardWhole();
    }
    return true;
  }

  /** As much as may be forwarded at once, so that a chunk that nothing concerns stays one. */
  #forwardWhole(): void {
    const run: Uint8Array[] = [];
    for (;;) {
      const [head] = this.#queue;
      if (head === undefined || head.bytes === null || head.pieceSize > 0) break;
      if (this.#waitMs(head) > 0) break;
      this.#queue.shift();
      this.heldBytes -= head.bytes.length;
      run.push(head.bytes);
    }
    this.#forward(run.length === 1 ? (run[0] as Uint8Array) : Buffer.concat(run));
  }

  #forwardPiece(head: Item): void {
    const bytes = head.bytes as Uint8Array;
    const piece = bytes.subarray(0, head.pieceSize);
    this.heldBytes -= piece.length;
    if (piece.length === bytes.length) this.#queue.shift();
    else head.bytes = bytes.subarray(piece.length);
    // What comes next arrives for itself, too.
    this.#waitsForTurn = true;
    this.#clock.defer(() => {
      this.#waitsForTurn = false;
      this.pump();
    });
    this.#forward(piece);
  }

  #waitMs({ holds }: Item): number {
    let until = Number.NEGATIVE_INFINITY;
    for (const hold of holds) if (!hold.fault.isUndone) until = Math.max(until, hold.until);
    return until - this.#clock.now();
  }
}
