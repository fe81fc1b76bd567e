/** When the broker's disk was full, as the broker itself had noticed. Times are milliseconds. */
export class Outages {
  /** When the last one ended; Infinity while it lasts. */
  #lastEndMs = Number.NEGATIVE_INFINITY;

  get isNow(): boolean {
    return this.#lastEndMs === Number.POSITIVE_INFINITY;
  }

  begin(): void {
    this.#lastEndMs = Number.POSITIVE_INFINITY;
  }

  end(nowMs: number): void {
    if (this.isNow) this.#lastEndMs = nowMs;
  }

  /** Whether the disk was full at some moment from `ms` on: what was asked for then may be refused. */
  wasSince(ms: number): boolean {
    return this.#lastEndMs >= ms;
  }
}
