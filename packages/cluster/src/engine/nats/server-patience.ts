/** After so long without an answer another server is tried, in milliseconds. */
const SILENT_MS = 3_000;

/**
 * Tells when a connection is at the wrong server: one that is cut off from the others keeps its clients, and has no answer for them. An election
 * looks the same, and to come to another server then costs little.
 */
export class ServerPatience {
  readonly #reconnect: () => Promise<void>;
  readonly #now: () => number;
  /** Since when nothing has been answered; null while all is. */
  #silentSince: number | null = null;

  /**
   * @param reconnect - connects to another server
   * @param now - in milliseconds
   */
  constructor(reconnect: () => Promise<void>, now = () => performance.now()) {
    this.#reconnect = reconnect;
    this.#now = now;
  }

  onAnswer(): void {
    this.#silentSince = null;
  }

  /** Nobody has answered a request, or the server has said that it can't. */
  onNoAnswer(): void {
    const now = this.#now();
    this.#silentSince ??= now;
    if (now - this.#silentSince < SILENT_MS) return;
    // The next one is given as long.
    this.#silentSince = now;
    // A connection that is closed stays so.
    this.#reconnect().catch(() => {});
  }
}
