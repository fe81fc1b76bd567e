/** What is known of the heartbeats of another node. */
interface Heard {
  incarnation: string;
  beat: number;
  /** `Lateness.#observedMs` when its last heartbeat came. */
  atMs: number;
}

/**
 * Tells how long the heartbeats of others haven't come. Only time counts in which this node's own heartbeats went to the engine and came
 * back from it: so nobody is late because the engine elects a leader, because this node was cut off or paused, or because its watch is behind.
 *
 * Times are of the monotonic clock, in milliseconds.
 */
export class Lateness {
  readonly #heartbeatMs: number;
  readonly #heard = new Map<string, Heard>();
  /** Time that counts, until the last own heartbeat that came back. */
  #observedMs = 0;
  /** When the last own heartbeat that came back was sent; null when none did. */
  #sentAt: number | null = null;

  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** Whether an own heartbeat has come back: what the map had before that is known. */
  get hasBegun(): boolean {
    return this.#sentAt !== null;
  }

  /**
   * An own heartbeat has come back.
   *
   * @param sentAt - when it was sent
   */
  onOwnBeat(sentAt: number): void {
    if (this.#sentAt !== null) this.#observedMs += this.#counted(sentAt - this.#sentAt);
    this.#sentAt = sentAt;
  }

  /** The record of another node has come. */
  onBeat(node: string, incarnation: string, beat: number, now: number): void {
    const heard = this.#heard.get(node);
    if (heard?.incarnation === incarnation && heard.beat === beat) return;
    const sinceSent = this.#sentAt === null ? 0 : this.#counted(now - this.#sentAt);
    this.#heard.set(node, { incarnation, beat, atMs: this.#observedMs + sinceSent });
  }

  /** Its record was removed. */
  forget(node: string): void {
    this.#heard.delete(node);
  }

  /** How long the heartbeats of a node haven't come; 0 for one that is not known. */
  silentMs(node: string): number {
    const heard = this.#heard.get(node);
    return heard === undefined ? 0 : Math.max(0, this.#observedMs - heard.atMs);
  }

  /** A longer pause says nothing of others: this node was away itself. */
  #counted(durationMs: number): number {
    return Math.min(durationMs, 1.5 * this.#heartbeatMs);
  }
}
