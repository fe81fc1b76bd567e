import type { Duplex } from 'node:stream';

/** Writes to a client's stream, and notices when it isn't read. */
export class Drain {
  readonly #stream: Duplex;
  readonly #timeoutMs: number;
  readonly #onTimeout: () => void;
  #timer: ReturnType<typeof setTimeout> | null;
  #isWatching: boolean;
  readonly #onDrain: () => void;

  /** @param timeoutMs - how long the stream may take nothing; 0: for ever */
  constructor(stream: Duplex, timeoutMs: number, onTimeout: () => void) {
    this.#stream = stream;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    this.#timer = null;
    this.#isWatching = true;
    this.#onDrain = () => this.#clear();
    stream.on('drain', this.#onDrain);
  }

  /** @param onWritten - when the stream has taken it, or never will */
  write(bytes: Buffer, onWritten: () => void = () => {}): void {
    if (this.#stream.destroyed || !this.#stream.writable) {
      onWritten();
      return;
    }
    const hasRoom = this.#stream.write(bytes, () => onWritten());
    if (hasRoom || this.#timer !== null || this.#timeoutMs === 0 || !this.#isWatching) return;
    this.#timer = setTimeout(this.#onTimeout, this.#timeoutMs);
  }

  /** Whether it is read doesn't matter any more. */
  stop(): void {
    this.#isWatching = false;
    this.#clear();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
