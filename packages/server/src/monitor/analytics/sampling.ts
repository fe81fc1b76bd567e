/** How often it is found out anew, in milliseconds. */
const PERIOD_MS = 1000;

/** So many times as many notes as are meant for a period, and it is found out before its end: much has begun to come. */
const HASTE = 2;

/** The most messages that one stands for. */
const STANDS_FOR_MAX = 65_536;

/**
 * Which messages are looked at: each with the same chance, 1 of `standsFor`, which grows with what there is to note, so that about
 * `perSecond` notes are taken in a second, whatever comes.
 *
 * Invariant: what a message stands for was decided before it came, so that estimates are not biased.
 */
export class Sampling {
  readonly #perSecond: () => number;
  readonly #random: () => number;
  #standsFor: number;
  /** Messages until the next one that is looked at. */
  #left: number;
  /** Notes that were taken in this period. */
  #notes: number;
  #periodAt: number;

  /** @param random - 0 to below 1 */
  constructor(perSecond: () => number, random: () => number) {
    this.#perSecond = perSecond;
    this.#random = random;
    this.#standsFor = 1;
    this.#left = 1;
    this.#notes = 0;
    this.#periodAt = 0;
  }

  /** How many messages the one stands for that is looked at next. */
  get standsFor(): number {
    return this.#standsFor;
  }

  /** One more message. On the hot path. */
  isDue(): boolean {
    this.#left--;
    return this.#left <= 0;
  }

  /**
   * A message was looked at: chooses the next.
   *
   * @param notes - that were taken of it
   */
  next(notes: number, now: number): void {
    this.#notes += notes;
    const perSecond = this.#perSecond();
    const passedMs = now - this.#periodAt;
    if (passedMs >= PERIOD_MS) {
      const rate = (this.#notes * this.#standsFor * 1000) / passedMs;
      this.#standsFor = bounded(Math.ceil(rate / perSecond));
      this.#begin(now);
    } else if (this.#notes > HASTE * perSecond) {
      this.#standsFor = bounded(2 * this.#standsFor);
      this.#begin(now);
    }
    this.#left = this.#gap();
  }

  #begin(now: number): void {
    this.#notes = 0;
    this.#periodAt = now;
  }

  /** As many messages as pass until one is chosen, when each is with the same chance. */
  #gap(): number {
    if (this.#standsFor === 1) return 1;
    return 1 + Math.floor(Math.log(1 - this.#random()) / Math.log(1 - 1 / this.#standsFor));
  }
}

function bounded(count: number): number {
  return Math.min(STANDS_FOR_MAX, Math.max(1, count));
}
