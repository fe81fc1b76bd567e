import {
  type BrokerExtras,
  type ConfigInput,
  createBroker,
  type Hooks,
  type RunningBroker,
} from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { PacketClient } from './packet-client.ts';

/** What went to the log: the event with its fields. */
type Line = Readonly<Record<string, unknown>> & { readonly event: string };

/** A real broker with hooks, its log, and the clients of a test. */
export class HookedBroker {
  readonly running: RunningBroker;
  readonly lines: Line[];
  readonly #clients: PacketClient[] = [];

  private constructor(running: RunningBroker, lines: Line[]) {
    this.running = running;
    this.lines = lines;
  }

  static async start(
    hooks: Hooks,
    options: ConfigInput = {},
    extras: BrokerExtras = {},
  ): Promise<HookedBroker> {
    const lines: Line[] = [];
    const note = (event: string, fields: object = {}) => lines.push({ event, ...fields });
    const logger = { ...noopLogger, info: note, warn: note, error: note };
    const running = await createBroker(
      { ...options, server: { wsBind: 'none', ...options.server } },
      { logger, hooks, ...extras },
    );
    return new HookedBroker(running, lines);
  }

  async client(version: 3 | 4 | 5 = 5): Promise<PacketClient> {
    const client = await PacketClient.open(`${this.running.url}`, version);
    this.#clients.push(client);
    return client;
  }

  /** A client that is connected; its CONNACK has been taken. */
  async connected(
    clientId: string,
    fields: object = {},
    version: 4 | 5 = 5,
  ): Promise<PacketClient> {
    const client = await this.client(version);
    client.connect(clientId, { clean: true, ...fields });
    const connack = await client.next();
    if (connack?.cmd !== 'connack' || (connack.reasonCode ?? connack.returnCode) !== 0) {
      throw new Error(`refused: ${JSON.stringify(connack)}`);
    }
    return client;
  }

  /** The log lines of one event. */
  linesOf(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** How often hooks failed, by hook and how, as far as they did. */
  get failures(): Record<string, number> {
    const { hookFailures } = this.running.stats;
    return Object.fromEntries([...hookFailures].filter(([, count]) => count > 0));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.cut()));
    await this.running.stop();
  }
}

/** Something that is awaited: a test says when it has come. */
export class Gate<T> {
  readonly promise: Promise<T>;
  open!: (value: T) => void;
  fail!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}
