import type { Socket } from 'node:net';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import type { Address } from '../config/index.ts';
import type { Transport, TransportHandler } from '../connection/transport.ts';
import type { Arrival } from './arrival.ts';
import type { ListenerHost } from './host.ts';
import { type Listener, listen } from './listener.ts';

/** Listens for MQTT over TCP or a Unix domain socket (§4.2), or over TLS if there are files for it. */
export function listenTcp(
  host: ListenerHost,
  address: Address,
  tlsFiles: SecureContextOptions | null = null,
): Promise<Listener> {
  const protocol = tlsFiles === null ? 'mqtt' : 'mqtts';
  return listen({
    host,
    address,
    protocol,
    tlsFiles,
    onStream: (arrival, socket) => {
      const transport = new TcpTransport(socket, arrival);
      const handler = host.accept(transport);
      if (handler !== null) transport.start(handler);
      arrival.handOver();
    },
  });
}

/** The common name of the certificate with which a client proved who it is; null when it didn't. */
export function certificateName(socket: unknown): string | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const name = socket.getPeerCertificate().subject?.CN as string | string[] | undefined;
  return typeof name === 'string' ? name : null;
}

/** A socket as a transport. The stream does the queueing; nothing here waits for it. */
class TcpTransport implements Transport {
  readonly protocol: Transport['protocol'];
  readonly remoteAddress: string;
  readonly acceptedAt: number;
  readonly certificateName: string | null;
  readonly #socket: Socket;
  #handler: TransportHandler | null = null;

  constructor(socket: Socket, { address, acceptedAt }: Arrival) {
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? 'tls' : 'tcp';
    this.remoteAddress = address;
    this.acceptedAt = acceptedAt;
    this.certificateName = certificateName(socket);
    socket.allowHalfOpen = true;
    // Without a listener, the error of a socket that was refused would be thrown; 'close' follows it.
    socket.on('error', () => {});
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
}
