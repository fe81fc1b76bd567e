/** A broker, as far as what serves its cell needs it. */
export interface HostedBroker {
  /** Has its log refuse all that waits, and acknowledge nothing any more. */
  fence(why: string): void;
  /** Stops it in order. */
  stop(): Promise<void>;
}

/** How a cell's broker ends: in order, or at once when another process has the cell. */
export class CellEnd {
  readonly #broker: HostedBroker;
  readonly #onEnded: (why: string) => void;
  readonly #closeLog: () => Promise<void>;
  #hasEnded = false;
  #stopping: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /**
   * @param onEnded - called once, by `end`
   * @param closeLog - called once, after the broker has stopped, or at `end`
   */
  constructor(
    broker: HostedBroker,
    onEnded: (why: string) => void,
    closeLog: () => Promise<void> = async () => {},
  ) {
    this.#broker = broker;
    this.#onEnded = onEnded;
    this.#closeLog = closeLog;
  }

  /** The cell goes on elsewhere, or not at all: nothing is acknowledged any more, and the broker stops. */
  end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#broker.fence(why);
    this.#onEnded(why);
    void this.#close();
    void this.stop();
  }

  /** Stops the broker in order. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    try {
      await this.#broker.stop();
    } catch (error) {
      // A log that is fenced can't be closed in order.
      if (!this.#hasEnded) throw error;
    } finally {
      await this.#close();
    }
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeLog();
    return this.#closing;
  }
}
