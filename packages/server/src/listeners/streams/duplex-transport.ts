import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CertificateFacts } from '@promptmq/auth';
import { PacketError, ReasonCode } from '@promptmq/codec';
import type { Transport, TransportHandler } from '../../connection/transport.ts';
import type { ListenerHost } from '../host.ts';

/** A stream that says nothing of its end counts as closed this many milliseconds after it was destroyed. */
const CLOSE_MS = 1000;

/** What is known of the client of a stream. */
export interface StreamOrigin {
  /** For logs and hooks. */
  readonly remoteAddress: string;
  /** For logs and hooks: what kind of stream it is. */
  readonly protocol: string;
  /** Who the client is, which counts as proved; null: it says that itself. */
  readonly userName: string | null;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
}

/**
 * Takes a stream of the program as the connection of a client. It counts among the sockets: where there are too many, or the
 * broker has stopped, it is destroyed.
 */
export function attachStream(host: ListenerHost, duplex: Duplex, origin: StreamOrigin): void {
  if (!host.sockets.take()) {
    host.onSocketRefused('limit', origin.remoteAddress, 'too many open sockets');
    duplex.on('error', () => {});
    duplex.destroy();
    return;
  }
  const release = () => host.sockets.release();
  const transport = new DuplexTransport(duplex, origin, host.runtime.now(), release);
  const handler = host.accept(transport);
  if (handler !== null) transport.start(handler);
}

/** The other side has closed its sending side. */
const END = Symbol('end');

/**
 * Any stream of bytes as a transport.
 *
 * A stream that isn't a socket may report something while the program writes to its other end, which may be anywhere, also in
 * the midst of what the broker does: then it is passed on when what runs just now has returned. And whoever has its other
 * end may keep the very bytes that were written to this one, which the broker uses again: such streams get copies, and what
 * comes from them is copied.
 *
 * Invariant: `onClose` is reported once, in the end, whether the stream emits 'close' or not.
 */
class DuplexTransport implements Transport {
  readonly remoteAddress: string;
  readonly protocol: string;
  readonly userName: string | null;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
  readonly acceptedAt: number;
  readonly #duplex: Duplex;
  readonly #isSocket: boolean;
  readonly #release: () => void;
  #handler: TransportHandler | null;
  /** What has come and has not been passed on. */
  #arrived: (Uint8Array | typeof END)[];
  #isScheduled: boolean;
  #isPaused: boolean;
  #hasEnded: boolean;
  #hasFinished: boolean;
  #failure: Error | null;
  #isDestroyed: boolean;
  #isClosed: boolean;
  /** Nothing is reported any more. */
  #isOver: boolean;
  #closing: NodeJS.Timeout | null;

  /** @param release - called once, when the stream is closed */
  constructor(duplex: Duplex, origin: StreamOrigin, acceptedAt: number, release: () => void) {
    this.remoteAddress = origin.remoteAddress;
    this.protocol = origin.protocol;
    this.userName = origin.userName;
    this.certificate = origin.certificate;
    this.certificateName = origin.certificateName;
    this.acceptedAt = acceptedAt;
    this.#duplex = duplex;
    this.#isSocket = duplex instanceof Socket;
    this.#release = release;
    this.#handler = null;
    this.#arrived = [];
    this.#isScheduled = false;
    this.#isPaused = false;
    this.#hasEnded = false;
    this.#hasFinished = false;
    this.#failure = null;
    this.#isDestroyed = false;
    this.#isClosed = false;
    this.#isOver = false;
    this.#closing = null;
    if (this.#isSocket) (duplex as Socket).allowHalfOpen = true;
    duplex.on('error', (error) => {
      this.#failure ??= error;
      // Not every stream is destroyed by its errors.
      this.destroy();
    });
    duplex.on('close', () => this.#close());
  }

  start(handler: TransportHandler): void {
    const duplex = this.#duplex;
    this.#handler = handler;
    duplex.on('data', (chunk: Uint8Array | string) => this.#onData(chunk));
    duplex.on('end', () => {
      this.#hasEnded = true;
      this.#arrive(END);
      this.#destroyIfDone();
    });
    duplex.on('finish', () => {
      this.#hasFinished = true;
      this.#destroyIfDone();
    });
    // It may have been paused before it came here.
    duplex.resume();
    if (this.#isClosed) this.#deliverLater();
  }

  #onData(chunk: Uint8Array | string): void {
    const handler = this.#handler as TransportHandler;
    if (typeof chunk === 'string') {
      const why = 'the stream brings text: it has an encoding (setEncoding)';
      if (!this.#isOver)
        handler.refuse(new PacketError(ReasonCode.MalformedPacket, '§4.2', 0, why));
    } else if (this.#isSocket) handler.onData(chunk);
    else this.#arrive(Buffer.from(chunk));
  }

  #arrive(what: Uint8Array | typeof END): void {
    // Not every stream is silent once it is destroyed.
    if (this.#isOver) return;
    this.#arrived.push(what);
    this.#deliverLater();
  }

  #deliverLater(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  /** Passes on what has come, in its order; what comes while the broker doesn't read waits, unless all is closed. */
  #deliver(): void {
    this.#isScheduled = false;
    const handler = this.#handler;
    if (handler === null || this.#isOver) return;
    while (this.#arrived.length > 0 && (!this.#isPaused || this.#isClosed)) {
      const next = this.#arrived.shift() as Uint8Array | typeof END;
      if (next === END) handler.onEnd();
      else handler.onData(next);
    }
    if (!this.#isClosed) return;
    this.#isOver = true;
    handler.onClose(this.#failure);
  }

  /** Not every stream is destroyed when both of its sides have ended. */
  #destroyIfDone(): void {
    if (this.#hasEnded && this.#hasFinished) process.nextTick(() => this.destroy());
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#closing !== null) clearTimeout(this.#closing);
    this.#release();
    this.#deliverLater();
  }

  write(chunk: Uint8Array): void {
    const bytes = this.#isSocket ? chunk : Buffer.from(chunk);
    this.#duplex.write(bytes, (error) => {
      if (!error && !this.#isOver) this.#handler?.onWritten(chunk);
    });
  }

  cork(): void {
    this.#duplex.cork();
  }

  uncork(): void {
    this.#duplex.uncork();
  }

  pause(): void {
    this.#isPaused = true;
    this.#duplex.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#duplex.resume();
    if (this.#arrived.length > 0) this.#deliverLater();
  }

  end(): void {
    this.#duplex.end();
  }

  destroy(): void {
    if (this.#isDestroyed || this.#isClosed) return;
    this.#isDestroyed = true;
    this.#duplex.destroy();
    setImmediate(() => this.#closeSoon());
  }

  /** Most emit 'close' now, or soon. */
  #closeSoon(): void {
    if (this.#isClosed) return;
    if (this.#duplex.closed && !this.#isSocket) this.#close();
    else this.#closing = setTimeout(() => this.#close(), CLOSE_MS);
  }
}
