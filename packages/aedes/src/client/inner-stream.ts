import { Duplex } from 'node:stream';

/** What stands between a client's stream and the broker within. */
export interface InnerStreamOwner {
  /** The broker sends bytes; they are the owner's until it calls back. */
  onInnerWrite(chunk: Buffer, done: () => void): void;
  /** The broker reads again. */
  onInnerRead(): void;
  /** The broker sends no more. */
  onInnerEnd(): void;
  onInnerClose(): void;
}

/** The stream that the broker within has of a client. */
export class InnerStream extends Duplex {
  readonly #owner: InnerStreamOwner;

  constructor(owner: InnerStreamOwner) {
    super({ allowHalfOpen: true });
    this.#owner = owner;
  }

  override _read(): void {
    this.#owner.onInnerRead();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#owner.onInnerWrite(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#owner.onInnerEnd();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#owner.onInnerClose();
    callback(error);
  }
}
