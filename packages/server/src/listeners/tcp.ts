import { createServer, type Server, type Socket } from 'node:net';
import type { Broker } from '../broker.ts';
import type { Address } from '../config/index.ts';
import type { Transport, TransportHandler } from '../transport.ts';
import { type Listener, listen } from './listener.ts';

/** Listens for MQTT over TCP or a Unix domain socket (§4.2). */
export function listenTcp(broker: Broker, address: Address): Promise<Listener> {
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const transport = new TcpTransport(socket);
    const handler = broker.accept(transport);
    if (handler !== null) transport.start(handler);
  });
  return listen(server, address, 'mqtt');
}

/** A socket as a transport. The stream does the queueing; nothing here waits for it. */
class TcpTransport implements Transport {
  readonly protocol = 'tcp';
  readonly remoteAddress: string;
  readonly #socket: Socket;
  #handler: TransportHandler | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddress =
      socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
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
