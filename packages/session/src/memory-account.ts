/** What a client may hold of one kind of memory, and all clients together; in bytes. */
export interface MemoryLimits {
  readonly clientMax: number;
  readonly max: number;
}

/** However little is left, a client may hold so much: who takes what it is sent goes on. */
const ALLOWANCE_MIN = 16_384;

/**
 * One kind of memory that clients can make the broker hold: what they hold together, what they may, and how often
 * one of them was refused more. Sums are kept up as it is taken and given back; nothing is ever searched.
 *
 * What can be refused at once asks `hasRoomFor`. What flows asks for the `allowance`, which falls as memory fills up:
 * those who hold most meet it first, and something is always left for the others.
 */
export class MemoryAccount {
  /** What all clients hold. */
  bytes: number;
  refusals: number;
  readonly #limits: MemoryLimits;

  /** @param limits - read whenever they are asked */
  constructor(limits: MemoryLimits) {
    this.bytes = 0;
    this.refusals = 0;
    this.#limits = limits;
  }

  get clientMax(): number {
    return this.#limits.clientMax;
  }

  /** Of all clients. */
  get max(): number {
    return this.#limits.max;
  }

  /** What one client may hold at most just now: no more than is left for all others. */
  get allowance(): number {
    const { clientMax, max } = this.#limits;
    const left = max - this.bytes;
    if (left >= clientMax) return clientMax;
    return Math.min(clientMax, Math.max(left, ALLOWANCE_MIN));
  }

  /**
   * Whether a client may take more.
   *
   * @param held - what it holds already
   * @param added - negative when it gives back
   */
  hasRoomFor(held: number, added: number): boolean {
    if (added <= 0) return true;
    const { clientMax, max } = this.#limits;
    return held + added <= clientMax && this.bytes + added <= max;
  }
}
