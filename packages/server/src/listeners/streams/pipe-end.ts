import { Duplex } from 'node:stream';

/** Bytes that one end takes before the other one waits. */
const HIGH_WATER_BYTES = 65_536;

/**
 * One of the two ends of a connection inside of the process. What is written to one can be read from the other, later: never
 * while `write` is called, so that whoever reads it isn't called in the midst of what the writer does.
 *
 * Bytes are passed on as they are. A write is done when the other end has taken it; if nobody reads there, so does nobody write here.
 */
class PipeEnd extends Duplex {
  /** Set once. */
  other!: PipeEnd;
  /** What the other end has written and is waiting to be read from here: called when it is. */
  #onTaken: ((error?: Error) => void) | null;

  constructor(allowHalfOpen: boolean) {
    super({
      allowHalfOpen,
      readableHighWaterMark: HIGH_WATER_BYTES,
      writableHighWaterMark: HIGH_WATER_BYTES,
    });
    this.#onTaken = null;
  }

  override _read(): void {
    const onTaken = this.#onTaken;
    this.#onTaken = null;
    onTaken?.();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    queueMicrotask(() => this.other.#take(chunk, callback));
  }

  /** Small parts of packets are passed on together. */
  override _writev(
    parts: { chunk: Buffer; encoding: string }[],
    callback: (error?: Error) => void,
  ): void {
    const chunk = Buffer.concat(parts.map((part) => part.chunk));
    queueMicrotask(() => this.other.#take(chunk, callback));
  }

  #take(chunk: Buffer, callback: (error?: Error) => void): void {
    if (this.destroyed) callback(gone());
    else if (this.push(chunk)) callback();
    else this.#onTaken = callback;
  }

  override _final(callback: (error?: Error) => void): void {
    queueMicrotask(() => this.other.#end(callback));
  }

  #end(callback: (error?: Error) => void): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
    callback();
  }

  /** The other end can read what is there already, and then comes to its end. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const onTaken = this.#onTaken;
    this.#onTaken = null;
    onTaken?.(gone());
    queueMicrotask(() => this.other.#end(() => {}));
    callback(error);
  }
}

/** As a socket says it. */
function gone(): Error {
  return Object.assign(new Error('the other end has been closed'), { code: 'EPIPE' });
}

/** The two ends of a connection inside of the process. */
export function pipe(): { readonly client: Duplex; readonly server: Duplex } {
  const client = new PipeEnd(false);
  const server = new PipeEnd(true);
  client.other = server;
  server.other = client;
  return { client, server };
}
