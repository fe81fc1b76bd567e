import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { Broker } from '../broker.ts';
import type { Address } from '../config/index.ts';
import type { Transport, TransportHandler } from '../transport.ts';
import { type Listener, listen, serverOptions, tlsServerOptions } from './listener.ts';
import { PeerAddresses } from './proxy-front.ts';

/** Listens for MQTT over TCP or a Unix domain socket (§4.2). */
export function listenTcp(broker: Broker, address: Address): Promise<Listener> {
  const addresses = new PeerAddresses();
  const server: Server = createServer(serverOptions(broker), (socket) =>
    accept(broker, socket, addresses),
  );
  return listen(broker, server, address, 'mqtt', addresses);
}

/** Listens for MQTT over TLS. */
export function listenTls(
  broker: Broker,
  address: Address,
  files: SecureContextOptions,
): Promise<Listener> {
  const addresses = new PeerAddresses();
  const server = createTlsServer(tlsServerOptions(broker, files), (socket) =>
    accept(broker, socket, addresses),
  );
  return listen(broker, server, address, 'mqtts', addresses);
}

function accept(broker: Broker, socket: Socket, addresses: PeerAddresses): void {
  const transport = new TcpTransport(socket, addresses.get(socket));
  const handler = broker.accept(transport);
  if (handler !== null) transport.start(handler);
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
  readonly certificateName: string | null;
  readonly #socket: Socket;
  #handler: TransportHandler | null = null;

  constructor(socket: Socket, remoteAddress: string) {
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? 'tls' : 'tcp';
    this.remoteAddress = remoteAddress;
    this.certificateName = certificateName(socket);
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
