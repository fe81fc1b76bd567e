/** Over a keep alive of 1, a client may be silent for one and a half seconds [MQTT-3.1.2-22]. */
const KEEP_ALIVE_MS = 1500;

/** Waits for a client's bytes: first for its CONNECT, then for as long as its keep alive says. */
export class KeepAlive {
  readonly #onSilence: () => void;
  #connectTimer: ReturnType<typeof setTimeout> | null;
  #timer: ReturnType<typeof setTimeout> | null;

  /** @param onSilence - called when the time of the keep alive is over */
  constructor(connectTimeoutMs: number, onNoConnect: () => void, onSilence: () => void) {
    this.#onSilence = onSilence;
    this.#connectTimer = setTimeout(onNoConnect, connectTimeoutMs);
    this.#timer = null;
  }

  /** CONNECT has come. */
  onConnect(): void {
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    this.#connectTimer = null;
  }

  /** @param seconds - of the CONNECT; 0 for no limit */
  start(seconds: number): void {
    if (seconds > 0) this.#timer = setTimeout(this.#onSilence, seconds * KEEP_ALIVE_MS);
  }

  onData(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    this.onConnect();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
