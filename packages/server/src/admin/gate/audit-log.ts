/** A request that could change something. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The name of the key, or `socket`. */
  readonly who: string;
  readonly kind: 'key' | 'console' | 'socket' | 'nobody';
  /** Null for the Unix domain socket. */
  readonly address: string | null;
  /** The name of the operation, such as `kickClient`. */
  readonly operation: string;
  readonly method: string;
  /** Below the host, without parameters. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

/**
 * The last requests that could change something.
 *
 * Invariant: no more than `entriesMax()` are kept.
 */
export class AuditLog {
  readonly #entriesMax: () => number;
  #entries: AuditEntry[];

  /** @param entriesMax - live */
  constructor(entriesMax: () => number) {
    this.#entriesMax = entriesMax;
    this.#entries = [];
  }

  add(entry: AuditEntry): void {
    const max = this.#entriesMax();
    this.#entries.push(entry);
    // Shortened rarely: a shift each time would move all of them.
    if (this.#entries.length > max * 2) this.#entries = max === 0 ? [] : this.#entries.slice(-max);
  }

  /** Newest first. */
  entries(): AuditEntry[] {
    const max = this.#entriesMax();
    return max === 0 ? [] : this.#entries.slice(-max).reverse();
  }
}
