/** The largest packet identifier (§2.2.1). */
const IDENTIFIER_MAX = 65_535;

/**
 * The packet identifiers of what is sent to a client: those that the broker within chose, and those of messages that the
 * program sends to this client alone. Where the broker chooses one that such a message has, the client sees another.
 *
 * Invariant: no two messages on their way to a client have the same identifier.
 */
export class SentIdentifiers {
  /** As the client sees them, of the broker's. */
  readonly #broker: Set<number>;
  readonly #own: Set<number>;
  /** By what the broker chose, what the client sees, and the other way round, where the two differ. */
  readonly #shown: Map<number, number>;
  readonly #chosen: Map<number, number>;

  constructor() {
    this.#broker = new Set();
    this.#own = new Set();
    this.#shown = new Map();
    this.#chosen = new Map();
  }

  /** For a message of the program's. @returns 0 where all are taken */
  take(): number {
    const free = this.#free();
    if (free > 0) this.#own.add(free);
    return free;
  }

  isOwn(shown: number): boolean {
    return this.#own.has(shown);
  }

  /** The broker sends something with this identifier. @returns what the client is to see; 0 where all are taken */
  show(chosen: number): number {
    const before = this.#shown.get(chosen);
    if (before !== undefined) return before;
    let shown = chosen;
    if (this.#own.has(chosen) || (this.#broker.has(chosen) && this.#chosen.has(chosen))) {
      shown = this.#free();
      this.#shown.set(chosen, shown);
      this.#chosen.set(shown, chosen);
    }
    this.#broker.add(shown);
    return shown;
  }

  /** What the broker chose for what the client has seen. */
  chosenFor(shown: number): number {
    return this.#chosen.get(shown) ?? shown;
  }

  /** The client has acknowledged it for good. */
  settle(shown: number): void {
    if (this.#own.delete(shown)) return;
    this.#broker.delete(shown);
    const chosen = this.#chosen.get(shown);
    if (chosen === undefined) return;
    this.#chosen.delete(shown);
    this.#shown.delete(chosen);
  }

  #free(): number {
    // From above: the broker within counts upwards.
    for (let identifier = IDENTIFIER_MAX; identifier > 0; identifier--) {
      if (!this.#own.has(identifier) && !this.#broker.has(identifier)) return identifier;
    }
    return 0;
  }
}
