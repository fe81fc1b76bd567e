import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Packet } from '@promptmq/codec';
import { AdminServer } from '../../src/admin/index.ts';
import {
  type ConfigInput,
  createBroker,
  type Hooks,
  type RunningBroker,
  type WhyCode,
} from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

/** What `GET /api/v5/why` answers, as far as tests look at it. */
export interface Why {
  readonly from: number;
  readonly to: number;
  readonly cause: {
    readonly code: WhyCode;
    readonly text: string;
    readonly evidence: readonly { readonly type: string; readonly clientid: string }[];
  };
  readonly also: readonly { readonly code: WhyCode; readonly text: string }[];
  readonly unknown: readonly string[];
}

const RULES = `rules:
  - { publish: "#", subscribe: "#" }
  - { permission: deny, client: blind, receive: secret/# }
  - { permission: deny, client: mute, publish: denied/# }
  - { permission: deny, client: shut, subscribe: hidden/# }
`;

const FORGOTTEN = '  - { permission: deny, client: revoked, subscribe: revoked/# }\n';

const mqtt = { maxQueuedMessages: 2, maxSubscriptions: 5, checkPayloadFormat: true };

const hooks: Hooks = {
  authenticate: ({ clientId }) =>
    clientId !== 'stranger' || { allow: false, reasonString: 'nobody knows it' },
  authorizeDeliver: (_client, { topic }) => topic !== 'hooked/1',
};

/** A broker with clients to which things happen, and what it says of them by its admin API. */
export class PlantedBroker {
  readonly broker: RunningBroker;
  readonly socketPath: string;
  readonly #folder: string;
  readonly #admin: AdminServer;
  readonly #clients: PacketClient[];

  private constructor(broker: RunningBroker, folder: string, path: string, admin: AdminServer) {
    this.broker = broker;
    this.socketPath = path;
    this.#folder = folder;
    this.#admin = admin;
    this.#clients = [];
  }

  static async start(): Promise<PlantedBroker> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-why-'));
    const path = join(folder, 'admin.sock');
    const aclFile = join(folder, 'acl.yaml');
    writeFileSync(aclFile, RULES);
    const options = { auth: { aclFile }, mqtt };
    const broker = await createBroker(options, { hooks });
    const admin = await AdminServer.start(broker, path);
    return new PlantedBroker(broker, folder, path, admin);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.cut();
    await this.#admin.close();
    await this.broker.stop();
    rmSync(this.#folder, { recursive: true });
  }

  async ask(clientId: string, topic: string, more: object = {}): Promise<Why> {
    const query = new URLSearchParams({ clientid: clientId, topic, ...more });
    return (await this.get(`/why?${query}`)) as Why;
  }

  /**
   * @param path - below `/api/v5`
   * @throws with what the broker says where it refuses
   */
  async get(path: string): Promise<unknown> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { socketPath: this.socketPath, path: `/api/v5${path}`, agent: false };
      get(options, resolve).on('error', reject);
    });
    const body = (await json(answer)) as { message: string };
    if (answer.statusCode !== 200) throw new Error(body.message);
    return body;
  }

  /** Takes the right of `revoked` to `revoked/#` away. */
  revoke(parse: (options: ConfigInput) => Parameters<RunningBroker['reconfigure']>[0]): void {
    const aclFile = join(this.#folder, 'acl.yaml');
    writeFileSync(aclFile, RULES + FORGOTTEN);
    this.broker.reconfigure(parse({ auth: { aclFile }, mqtt }));
  }

  /** A client whose session outlives its connection, unless told otherwise. */
  async client(
    clientId: string,
    fields: Partial<Packet & { cmd: 'connect' }> = {},
  ): Promise<PacketClient> {
    const client = await PacketClient.open(`${this.broker.url}`);
    this.#clients.push(client);
    client.connect(clientId, fields);
    await client.next();
    return client;
  }

  async subscriber(
    clientId: string,
    filter: string,
    qos: 0 | 1 | 2 = 1,
    fields: Partial<Packet & { cmd: 'connect' }> = {},
  ): Promise<PacketClient> {
    const client = await this.client(clientId, fields);
    client.subscribe(filter, 1, qos);
    await client.next();
    return client;
  }

  /** One that never reads. */
  async deafSubscriber(clientId: string, topic: string): Promise<void> {
    const client = await this.subscriber(clientId, topic, 0);
    client.pause();
  }

  publish(topic: string, qos: 0 | 1 | 2 = 1, payload = 'x'): Promise<unknown> {
    return this.broker.publish({ topic, payload, qos });
  }

  /** Cuts the connection of a client, and waits until the broker knows. */
  cut(client: PacketClient): Promise<void> {
    return this.#untilDisconnected(() => client.cut());
  }

  /** Has a client disconnect in order. */
  leave(client: PacketClient): Promise<void> {
    return this.#untilDisconnected(() => client.send({ cmd: 'disconnect' }));
  }

  async #untilDisconnected(end: () => void | Promise<void>): Promise<void> {
    const disconnected = new Promise((resolve) => this.broker.once('disconnect', resolve));
    await end();
    await disconnected;
  }
}

/** CONNECT with a session that ends with its connection. */
export const ENDING = { clean: true, properties: { sessionExpiryInterval: 0 } };
