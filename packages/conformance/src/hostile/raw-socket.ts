import { connect as openSocket, type Socket } from 'node:net';
import { connect as openTls, TLSSocket } from 'node:tls';

/** Versions of TLS that a connection is opened with. */
export interface TlsVersions {
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: TlsVersions['minVersion'];
}

/** A connection of which nothing is taken for granted: bytes go out and are counted when they come in. */
export class RawSocket {
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #received: Uint8Array = new Uint8Array(0);
  #receivedBytes = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const onEnd = () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      };
      socket.once('end', onEnd);
      socket.once('close', onEnd);
    });
    socket.on('data', (chunk) => {
      this.#receivedBytes += chunk.length;
      // What is asked about is in the first bytes; the rest is only counted.
      if (this.#received.length < 65_536) this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  static async tcp(host: string, port: number): Promise<RawSocket> {
    const socket = openSocket({ host, port, noDelay: true, allowHalfOpen: true });
    return RawSocket.#opened(socket, 'connect');
  }

  /** Whatever certificate the other side has. */
  static async tls(host: string, port: number, versions: TlsVersions = {}): Promise<RawSocket> {
    const socket = openTls({ host, port, rejectUnauthorized: false, ...versions });
    return RawSocket.#opened(socket, 'secureConnect');
  }

  static async #opened(socket: Socket, event: string): Promise<RawSocket> {
    const raw = new RawSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed while connecting')));
    });
    return raw;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The first bytes of what has come, as Latin-1. */
  get text(): string {
    return Buffer.from(this.#received).toString('latin1');
  }

  get received(): Uint8Array {
    return this.#received;
  }

  /** Asks for another TLS handshake. @returns whether it was done */
  renegotiate(): Promise<boolean> {
    const socket = this.#socket;
    if (!(socket instanceof TLSSocket)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const isAsked = socket.renegotiate({}, (error) => resolve(error === null));
      if (isAsked === false || isAsked === undefined) resolve(false);
    });
  }

  send(...chunks: readonly Uint8Array[]): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat(chunks));
  }

  /** Sends, and waits until the other side has read, is closed, or has not read for the time. */
  async sendAll(chunk: Uint8Array, withinMs: number): Promise<void> {
    if (!this.#socket.writable) return;
    await Promise.race([
      new Promise<void>((resolve) => this.#socket.write(chunk, () => resolve())),
      this.#ended,
      after(withinMs),
    ]);
  }

  /** Reads nothing from now on. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Closes our side. */
  end(): void {
    this.#socket.end();
  }

  /** @returns whether the other side closed within the time */
  async closedWithin(ms: number): Promise<boolean> {
    await Promise.race([this.#ended, after(ms)]);
    return this.#isClosed;
  }

  /** @returns whether so many bytes have come in all within the time */
  async receives(count: number, withinMs: number): Promise<boolean> {
    const end = Date.now() + withinMs;
    while (this.#receivedBytes < count && !this.#isClosed && Date.now() < end) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        after(end - Date.now()),
      ]);
    }
    return this.#receivedBytes >= count;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms)).unref();
  });
}
