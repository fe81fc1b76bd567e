/** How often a reader gets a comment where nothing else is sent: so that both sides learn when the other one is gone. */
const HEARTBEAT_MS = 15_000;

export interface EventStreamOptions {
  /** Bytes that may wait for its reader. */
  readonly bytesMax: number;
  /** Told how many events have been dropped since the last time. */
  readonly onDropped: (count: number) => void;
  /** Called once, when it has ended, whoever ended it. */
  readonly onClosed: () => void;
}

/**
 * Server-Sent Events for one reader. Nothing waits for the reader: what he doesn't take in time is dropped, and he is told how many
 * (`dropped`) where they would have been.
 *
 * Invariant: no more than `bytesMax` waits, whatever is sent.
 */
export class EventStream {
  readonly bytes: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #waiting: string[];
  #waitingBytes: number;
  #droppedCount: number;
  #isEnding: boolean;
  #isClosed: boolean;
  #wake: (() => void) | null;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#waiting = [': connected\n\n'];
    this.#waitingBytes = 0;
    this.#droppedCount = 0;
    this.#isEnding = false;
    this.#isClosed = false;
    this.#wake = null;
    this.#heartbeat = setInterval(() => this.#add(': still here\n\n'), HEARTBEAT_MS);
    this.#heartbeat.unref();
    this.bytes = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#onPull(controller),
        cancel: () => this.#close(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * @param name - of the event
   * @param data - is sent as JSON
   * @param id - what the reader says when he comes back
   */
  send(name: string, data: unknown, id: number | string | null = null): void {
    this.sendJson(name, JSON.stringify(data), id);
  }

  /** As `send`. */
  sendJson(name: string, json: string, id: number | string | null = null): void {
    if (this.#isEnding || this.#isClosed) return;
    const head = id === null ? '' : `id: ${id}\n`;
    if (this.#add(`${head}event: ${name}\ndata: ${json}\n\n`)) return;
    this.#droppedCount++;
  }

  /** The last event, and then the end; a reader who doesn't read gets neither. */
  end(name: string, data: unknown): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#waiting.push(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    this.#isEnding = true;
    this.#wake?.();
  }

  /** @returns whether there was room for it */
  #add(text: string): boolean {
    // What comes after something that was dropped is told of after that.
    if (this.#droppedCount > 0) return false;
    const size = Buffer.byteLength(text);
    if (this.#waitingBytes + size > this.#options.bytesMax) return false;
    this.#waiting.push(text);
    this.#waitingBytes += size;
    this.#wake?.();
    return true;
  }

  async #onPull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isEnding) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
      if (this.#isClosed) return;
    }
    this.#tellDropped();
    controller.enqueue(Buffer.from(this.#waiting.join('')));
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!this.#isEnding) return;
    controller.close();
    this.#close();
  }

  #tellDropped(): void {
    const count = this.#droppedCount;
    if (count === 0) return;
    this.#droppedCount = 0;
    const text = `event: dropped\ndata: ${JSON.stringify({ count })}\n\n`;
    // Before the last one, where that is there already.
    if (this.#isEnding) this.#waiting.splice(-1, 0, text);
    else this.#waiting.push(text);
    this.#options.onDropped(count);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    if (this.#droppedCount > 0) this.#options.onDropped(this.#droppedCount);
    this.#waiting = [];
    this.#wake?.();
    this.#options.onClosed();
  }
}
