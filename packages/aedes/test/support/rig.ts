import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes as OriginalAedes } from 'aedes';
import { Aedes, type AedesOptions, type Client } from '../../src/index.ts';
import { RawClient } from './raw-client.ts';

/** What a test is run against. */
export interface Implementation {
  readonly name: 'aedes' | 'promptmq';
  readonly Aedes: typeof Aedes;
}

/** aedes itself, of which the types say the same of what is used here, and PromptMQ in its place. */
export const implementations: readonly Implementation[] = [
  { name: 'aedes', Aedes: OriginalAedes as unknown as typeof Aedes },
  { name: 'promptmq', Aedes },
];

export type EventName =
  | 'client'
  | 'clientReady'
  | 'clientDisconnect'
  | 'clientError'
  | 'connectionError'
  | 'keepaliveTimeout'
  | 'publish'
  | 'ack'
  | 'ping'
  | 'subscribe'
  | 'unsubscribe'
  | 'connackSent'
  | 'closed';

/** A broker with a TCP port, and its clients. Closed by `close`. */
export class Rig {
  readonly broker: Aedes;
  readonly server: Server;
  readonly port: number;
  /** What `handle` returned, in order. */
  readonly handled: Client[];
  readonly #clients: RawClient[];

  private constructor(broker: Aedes, server: Server, handled: Client[]) {
    this.broker = broker;
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.handled = handled;
    this.#clients = [];
  }

  static async start({ Aedes }: Implementation, options: AedesOptions = {}): Promise<Rig> {
    const broker = await Aedes.createBroker({ id: 'B1', ...options });
    const handled: Client[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      handled.push(broker.handle(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Rig(broker, server, handled);
  }

  client(): RawClient {
    const client = new RawClient(this.port);
    this.#clients.push(client);
    return client;
  }

  /** A client that is ready: what it publishes and subscribes to is dealt with at once. */
  async ready(fields: Parameters<RawClient['connect']>[0] = {}): Promise<{
    raw: RawClient;
    client: Client;
  }> {
    const raw = this.client();
    const ready = this.next('clientReady');
    raw.connect(fields);
    const [client] = await ready;
    await raw.next('connack');
    return { raw, client: client as Client };
  }

  /** The arguments of the next such event. */
  next(event: EventName): Promise<unknown[]> {
    return once(this.broker as EventEmitter, event);
  }

  /** The next message that is published to a topic. */
  published(topic: string): Promise<[packet: Record<string, unknown>, client: Client | null]> {
    return new Promise((resolve) => {
      this.broker.on('publish', (packet, client) => {
        if (packet.topic === topic) resolve([packet as never, client]);
      });
    });
  }

  /** Notes the events, in order, from now on, with what `describe` says of them. */
  record(
    events: readonly EventName[],
    describe: (...args: never[]) => string = () => '',
  ): string[] {
    const seen: string[] = [];
    for (const event of events) {
      (this.broker as EventEmitter).on(event, (...args) => {
        const text = describe(...(args as never[]));
        seen.push(text === '' ? event : `${event} ${text}`);
      });
    }
    return seen;
  }

  /** Publishes from inside, and waits until that is done. */
  publish(packet: Parameters<Aedes['publish']>[0]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.broker.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Subscribes from inside. @returns the packets that come */
  async subscribe(topic: string): Promise<Record<string, unknown>[]> {
    const packets: Record<string, unknown>[] = [];
    await new Promise<void>((resolve) => {
      this.broker.subscribe(
        topic,
        (packet, done) => {
          packets.push(packet as never);
          done();
        },
        () => resolve(),
      );
    });
    return packets;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await new Promise<void>((resolve) => {
      if (this.broker.closed) resolve();
      else this.broker.close(() => resolve());
    });
    if (this.server.listening) {
      this.server.close();
      await once(this.server, 'close');
    }
  }
}

/** What a client is said to be. */
export function stateOf(client: Client): string {
  const { connecting, connected, closed } = client;
  const states = Object.entries({ connecting, connected, closed }).filter(([, is]) => is);
  return [`${client.id}`, ...states.map(([name]) => name)].join(' ');
}
