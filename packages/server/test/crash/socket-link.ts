import { connect, type Socket } from 'node:net';
import type { ClientLink, ModelClient } from '../model/model-client.ts';
import type { BrokerProcess } from './broker-process.ts';

/** A model client's connection over a real socket. */
export class SocketLink implements ClientLink {
  readonly #socket: Socket;
  readonly closed: Promise<void>;

  /** @param report - takes what the client finds wrong */
  constructor(
    port: number,
    broker: BrokerProcess,
    client: ModelClient,
    report: (error: unknown) => void,
  ) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#socket = socket;
    // Reset by a broker that was killed: `close` follows.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      try {
        client.receive(this, Uint8Array.from(chunk), client.ledger.now());
      } catch (error) {
        report(error);
      }
    });
    socket.on('end', () => {
      // The end of a connection, or of the process: the client concludes something from the former only.
      broker
        .isAlive()
        .then((isAlive) => {
          if (isAlive) client.onEnd(this);
          else client.onLost(this);
          socket.destroy();
        })
        .catch(report);
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        if (!socket.readableEnded) client.onLost(this);
        resolve();
      });
    });
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  /** Cuts the connection. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }
}
