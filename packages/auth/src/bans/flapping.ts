/** When a client counts as one that comes and goes all the time. */
export interface FlappingLimits {
  /** Ends of its connections within the window. */
  readonly countMax: number;
  readonly windowMs: number;
}

/** Clients that are watched at the same time: some megabytes. Beyond them, those are forgotten whose window began first. */
const WATCHED_MAX = 10_000;

interface Watched {
  /** When its window began. */
  readonly since: number;
  count: number;
}

/** Finds clients that connect and go again, over and over, in bounded memory. */
export class FlappingDetector {
  /** By client identifier, in the order in which their windows began. */
  readonly #watched: Map<string, Watched>;
  readonly #watchedMax: number;

  constructor(watchedMax: number = WATCHED_MAX) {
    this.#watched = new Map();
    this.#watchedMax = watchedMax;
  }

  /** Clients that are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * The connection of a client is over.
   *
   * @param now - milliseconds of a clock that never goes back
   * @returns whether it was one too many; the client is then as if it had never been seen
   */
  note(clientId: string, now: number, { countMax, windowMs }: FlappingLimits): boolean {
    this.#forget(now - windowMs);
    const known = this.#watched.get(clientId);
    if (known === undefined) {
      if (countMax <= 1) return true;
      this.#makeRoom();
      this.#watched.set(clientId, { since: now, count: 1 });
      return false;
    }
    known.count++;
    if (known.count < countMax) return false;
    this.#watched.delete(clientId);
    return true;
  }

  /** Windows that began at a time or before are over. */
  #forget(before: number): void {
    for (const [clientId, { since }] of this.#watched) {
      if (since > before) return;
      this.#watched.delete(clientId);
    }
  }

  #makeRoom(): void {
    if (this.#watched.size < this.#watchedMax) return;
    const [oldest] = this.#watched.keys();
    this.#watched.delete(oldest as string);
  }
}
