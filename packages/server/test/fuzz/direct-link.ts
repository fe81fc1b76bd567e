import type { Broker } from '../../src/broker.ts';
import type { Transport, TransportHandler } from '../../src/connection/transport.ts';

/** A connection without a socket: what is sent is processed at once, and what comes waits until it is taken. */
export class DirectLink implements Transport {
  readonly remoteAddress: string;
  readonly protocol = 'tcp';
  isClosed = false;
  readonly isSpoiled = false;
  isPaused = false;
  readonly #handler: TransportHandler | null;
  #untaken: Uint8Array[] = [];

  constructor(broker: Broker, remoteAddress: string) {
    this.remoteAddress = remoteAddress;
    this.#handler = broker.accept(this);
  }

  // What the broker does.

  write(chunk: Uint8Array): void {
    if (!this.isClosed) this.#untaken.push(chunk);
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.close();
  }

  destroy(): void {
    this.close();
  }

  // What the client does.

  send(bytes: Uint8Array): void {
    if (!this.isClosed && bytes.length > 0) this.#handler?.onData(Uint8Array.from(bytes));
  }

  /** Takes what has come, as it was when it came. */
  take(): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (const chunk of this.#untaken.splice(0)) {
      taken.push(Uint8Array.from(chunk));
      if (!this.isClosed) this.#handler?.onWritten(chunk);
    }
    return taken;
  }

  halfClose(): void {
    if (!this.isClosed) this.#handler?.onEnd();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#handler?.onClose(null);
  }
}
