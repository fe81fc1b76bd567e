import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between clients and a broker, and loses what it is asked to together with the connection. */
export class CuttingRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutBefore = -1;
  #onCut: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(brokerPort: string): Promise<CuttingRelay> {
    const relay = new CuttingRelay(createServer((client) => relay.#relay(client, brokerPort)));
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): string {
    return `${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next packet of this type that the broker sends is lost. Resolves then. */
  cutBefore(packetType: number): Promise<void> {
    this.#cutBefore = packetType;
    return new Promise((resolve) => {
      this.#onCut = resolve;
    });
  }

  #relay(client: Socket, brokerPort: string): void {
    const broker = connect(Number(brokerPort), '127.0.0.1');
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (chunk) => broker.write(chunk));
    broker.on('data', (chunk) => {
      // The client waits for this answer only, so that a packet begins where the chunk does.
      if ((chunk[0] ?? 0) >> 4 !== this.#cutBefore) {
        client.write(chunk);
        return;
      }
      this.#cutBefore = -1;
      broker.destroy();
      this.#onCut();
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
