import type { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';

/** The clock on the wall of a simulation: it may be set, and go slow or fast. */
export class SimulatedWallClock {
  readonly #clock: SimulatedClock;
  /** What it showed when it was set last, and when that was. */
  #shownMs: number;
  #setMs: number;
  /** Its seconds for each that passes. */
  readonly rate: number;
  /** When it was set, and by how much. */
  readonly #moves: { readonly atMs: number; readonly byMs: number }[] = [];

  constructor(clock: SimulatedClock, shownMs: number, rate: number) {
    this.#clock = clock;
    this.#shownMs = shownMs;
    this.#setMs = clock.time;
    this.rate = rate;
  }

  now = (): number => Math.round(this.#shownMs + (this.#clock.time - this.#setMs) * this.rate);

  /** It has never been set, and is neither slow nor fast. */
  get isRight(): boolean {
    return this.rate === 1 && this.#moves.length === 0;
  }

  move(byMs: number): void {
    const before = this.now();
    this.#shownMs = Math.max(0, before + byMs);
    this.#setMs = this.#clock.time;
    this.#moves.push({ atMs: this.#clock.time, byMs: this.#shownMs - before });
  }

  /** What it was moved by from a time on: by all moves, by all but the first, and so on. */
  movedSince(ms: number): number[] {
    const moves = this.#moves.filter(({ atMs }) => atMs >= ms);
    return moves.map((_, index) => moves.slice(index).reduce((sum, { byMs }) => sum + byMs, 0));
  }
}
