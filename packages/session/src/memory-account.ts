import { invariant } from '@promptmq/topics';

/** What a client may hold of one kind of memory, and all clients together; in bytes. */
export interface MemoryLimits {
  readonly clientMax: number;
  readonly max: number;
}

/** However little is left, a client may hold this much: who takes what it is sent gets more. */
const ALLOWANCE_MIN = 16_384;

/**
 * One kind of memory that clients can make the broker hold: what they hold together, what they may, and how often
 * one of them was refused more. The sum changes when some is taken or given back; it is never added up again.
 *
 * What can be refused at once asks `hasRoomFor`. What flows asks for the `allowance`, which falls as memory fills up:
 * those who hold most meet it first, and something is always left for the others.
 *
 * Invariant: `bytes` is what all who take of it hold.
 */
export class MemoryAccount {
  /** What all clients hold. */
  bytes: number;
  refusals: number;
  /** What one client may hold. */
  clientMax: number;
  /** What all clients may hold together. */
  max: number;

  constructor(limits: MemoryLimits) {
    this.bytes = 0;
    this.refusals = 0;
    this.clientMax = limits.clientMax;
    this.max = limits.max;
  }

  /** What is held above the new limits stays until it is given back. */
  setLimits({ clientMax, max }: MemoryLimits): void {
    this.clientMax = clientMax;
    this.max = max;
  }

  /**
   * @param held - what all who take of it hold, added up
   * @throws {Error} when it isn't what is counted; for tests
   */
  checkInvariants(held: number): void {
    invariant(held === this.bytes, `${this.bytes} bytes counted of ${held}`);
  }

  /** What one client may hold at most just now: no more than is left for all others. */
  get allowance(): number {
    const { clientMax, max } = this;
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
    const { clientMax, max } = this;
    return held + added <= clientMax && this.bytes + added <= max;
  }
}
