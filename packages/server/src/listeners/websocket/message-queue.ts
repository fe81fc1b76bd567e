import { constants, inflateRawSync } from 'node:zlib';

/** Bytes that one client may have inflated before others have their turn: a few milliseconds. */
const TURN_BYTES = 1_048_576;

/** What ends each message before it is compressed, and is left out of it (RFC 7692, 7.2.1). */
const TAIL = Buffer.from('0000ffff', 'hex');

/** What goes on with what a client has sent. */
export interface MessageQueueHandler {
  /** Bytes that a message may be inflated to, now. */
  readonly inflatedBytesMax: number;
  onInflated(bytes: Uint8Array): void;
  /** A message is larger, or isn't compressed as it says: nothing more is passed on. */
  onUnfit(why: 'too-large' | 'malformed'): void;
  /** So much waits that nothing more is to be read, or nothing waits any more. */
  onBehind(isBehind: boolean): void;
}

/**
 * Compressed messages of a client (RFC 7692), inflated one after the other: each within a limit, and no more of them in a turn than
 * others can wait for, however small they are when they come. What comes after them waits for them.
 *
 * Invariant: what waits came in the chunks that had been read when too much waited, and no more is read until nothing does.
 */
export class MessageQueue {
  readonly #handler: MessageQueueHandler;
  #waiting: (Buffer | (() => void))[];
  /** Of the message that is being read. */
  #parts: Uint8Array[];
  #inflatedBytes: number;
  #isScheduled: boolean;
  #isPaused: boolean;
  /** Whether something is being passed on just now. */
  #isBusy: boolean;
  /** Whether nothing is read until nothing waits. */
  #isBehind: boolean;
  #isOver: boolean;

  constructor(handler: MessageQueueHandler) {
    this.#handler = handler;
    this.#waiting = [];
    this.#parts = [];
    this.#inflatedBytes = 0;
    this.#isScheduled = false;
    this.#isPaused = false;
    this.#isBusy = false;
    this.#isBehind = false;
    this.#isOver = false;
  }

  /** @param bytes - copied: a part of a compressed message */
  add(bytes: Uint8Array): void {
    this.#parts.push(Uint8Array.prototype.slice.call(bytes));
  }

  /** The message has come whole. */
  end(): void {
    const message = Buffer.concat([...this.#parts, TAIL]);
    this.#parts = [];
    this.#waiting.push(message);
    this.#continue();
  }

  /** Does something when all that came before has been passed on: at once, where nothing waits. */
  after(action: () => void): void {
    if (this.#isOver || (this.#waiting.length === 0 && !this.#isBusy)) action();
    else this.#waiting.push(action);
  }

  /** Nobody takes more for now. */
  pause(): void {
    this.#isPaused = true;
  }

  /** More is taken again: what waits is passed on, and then more is read. */
  resume(): void {
    this.#isPaused = false;
    this.#isBehind = true;
    this.#continue();
  }

  #continue(): void {
    if (this.#isScheduled || this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0 && !this.#isPaused && this.#inflatedBytes < TURN_BYTES) {
      const next = this.#waiting.shift() as Buffer | (() => void);
      if (typeof next === 'function') next();
      else if (!this.#isOver) this.#inflate(next);
    }
    this.#isBusy = false;
    if (this.#waiting.length === 0) this.#catchUp();
    else if (!this.#isPaused) this.#continueLater();
  }

  #catchUp(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    this.#handler.onBehind(false);
  }

  #continueLater(): void {
    this.#isScheduled = true;
    this.#isBehind = true;
    this.#handler.onBehind(true);
    setImmediate(() => {
      this.#isScheduled = false;
      this.#inflatedBytes = 0;
      this.#continue();
    });
  }

  #inflate(message: Buffer): void {
    const { inflatedBytesMax } = this.#handler;
    let bytes: Buffer;
    try {
      bytes = inflateRawSync(message, {
        maxOutputLength: inflatedBytesMax,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
    } catch (error) {
      this.#isOver = true;
      const { code } = error as NodeJS.ErrnoException;
      this.#handler.onUnfit(code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'malformed');
      return;
    }
    if (this.#inflatedBytes === 0 && !this.#isScheduled) this.#resetLater();
    this.#inflatedBytes += bytes.length + message.length;
    if (bytes.length > 0) this.#handler.onInflated(bytes);
  }

  /** Another turn has a budget of its own. */
  #resetLater(): void {
    setImmediate(() => {
      if (!this.#isScheduled) this.#inflatedBytes = 0;
    });
  }
}
