import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CertificateFacts } from '@promptmq/auth';
import type {
  GivenSocket,
  ListenerTerms,
  Transport,
  TransportHandler,
} from '../connection/transport.ts';
import type { ConnectionPlace } from '../limits/connection-places.ts';
import type { Arrival } from './arrival.ts';
import type { ListenerHost } from './host.ts';
import { certificateFacts, certificateName } from './tls/certificate-facts.ts';
import { pskIdentity } from './tls/psk.ts';

/** What comes from a socket is MQTT from here on (§4.2). */
export function acceptMqtt(
  host: ListenerHost,
  arrival: Arrival,
  socket: Socket,
  terms: ListenerTerms,
): void {
  if (!arrival.locate()) return;
  const transport = new TcpTransport(socket, arrival, terms);
  const handler = host.accept(transport);
  if (handler !== null) transport.start(handler);
  arrival.handOver();
}

/** A socket as a transport. The stream does the queueing; nothing here waits for it. */
class TcpTransport implements Transport {
  readonly protocol: Transport['protocol'];
  readonly remoteAddress: string;
  readonly localPort: number;
  readonly acceptedAt: number;
  readonly place: ConnectionPlace;
  readonly listener: ListenerTerms;
  readonly certificate: CertificateFacts | null;
  readonly certificateName: string | null;
  readonly pskIdentity: string | null;
  readonly #socket: Socket;
  #handler: TransportHandler | null = null;

  constructor(socket: Socket, { address, acceptedAt, place }: Arrival, terms: ListenerTerms) {
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? 'tls' : 'tcp';
    this.remoteAddress = address;
    this.localPort = socket.localPort ?? 0;
    this.acceptedAt = acceptedAt;
    this.place = place;
    this.listener = terms;
    this.certificate = certificateFacts(socket);
    this.certificateName = certificateName(socket);
    this.pskIdentity = pskIdentity(socket);
    socket.allowHalfOpen = true;
    // Without a listener, the error of a socket that was refused would be thrown; 'close' follows it.
    socket.on('error', () => {});
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  get bytesSent(): number {
    return this.#socket.bytesWritten;
  }

  start(handler: TransportHandler): void {
    let failure: Error | null = null;
    this.#handler = handler;
    this.#socket.on('data', (chunk: Buffer) => handler.onData(chunk));
    this.#socket.on('end', () => handler.onEnd());
    this.#socket.on('error', (error) => {
      failure = error;
    });
    this.#socket.on('close', () => handler.onClose(failure));
  }

  write(chunk: Uint8Array): void {
    this.#socket.write(chunk, (error) => {
      if (!error) this.#handler?.onWritten(chunk);
    });
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  giveAway(): GivenSocket | null {
    const socket = this.#socket;
    const handle = (socket as SocketWithHandle)._handle;
    if (this.protocol !== 'tcp' || typeof handle?.readStop !== 'function') return null;
    socket.pause();
    // A stream that is paused is read from all the same, until it has enough: these bytes would be nobody's.
    handle.readStop();
    const unread = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
    return { handle, unread, close: () => socket.destroy() };
  }
}

/** What Node.js has beneath a socket, and sends to other processes. */
type SocketWithHandle = Socket & { readonly _handle?: { readStop?: () => unknown } | null };
