import { expect } from '@jest/globals';
import type { Packet, ProtocolVersion } from '@promptmq/codec';
import type { Clock } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random, systemError } from '@promptmq/wal/testing';
import {
  type AuthenticationMethod,
  createBroker,
  type Logger,
  type RunningBroker,
} from '../../src/index.ts';
import { PacketClient } from './packet-client.ts';

/** After this number of milliseconds the log tries whether there is room again; here, when a test says so. */
const RETRY_MS = 1000;

/** A machine whose disk can be full, and fail: the broker on it is real, and so are its sockets. */
export class Machine {
  files = new FaultyFiles();
  index = new MemoryIndex();
  broker!: RunningBroker;
  readonly failures: string[] = [];
  #retry: () => void = () => {};
  #events: string[] = [];
  #onEvent: () => void = () => {};
  readonly #clients: PacketClient[] = [];
  readonly #authenticationMethods: readonly AuthenticationMethod[];

  constructor(authenticationMethods: readonly AuthenticationMethod[] = []) {
    this.#authenticationMethods = authenticationMethods;
  }

  async start(): Promise<void> {
    const clock: Clock = {
      now: () => performance.now(),
      wallNow: () => Date.now(),
      defer: (callback) => void setImmediate(callback),
      setTimer: (delayMs, callback) => {
        if (delayMs === RETRY_MS) {
          this.#retry = callback;
          return () => {};
        }
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    };
    const options = {
      storage: {
        dataDir: '/data',
        walDir: '/wal',
        wal: { segmentSize: '1MiB' },
        compaction: { checkInterval: '1d' },
      },
      server: { wsBind: 'none' },
    };
    this.broker = await createBroker(options, {
      logger: this.#logger(),
      authenticationMethods: this.#authenticationMethods,
      storage: { files: this.files, index: this.index, clock },
      onStorageFailed: (why) => this.failures.push(why),
    });
  }

  #logger(): Logger {
    const note = (event: string) => {
      this.#events.push(event);
      this.#onEvent();
    };
    return { trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
  }

  /** Waits for an event since the last that was waited for. */
  async event(name: string): Promise<void> {
    while (!this.#events.includes(name)) {
      await new Promise<void>((resolve) => {
        this.#onEvent = resolve;
      });
    }
    this.#events = this.#events.slice(this.#events.indexOf(name) + 1);
  }

  /** From now on no write finds room. */
  fillDisk(): void {
    this.files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
  }

  /** The log has noticed that there is no room. */
  async becomeFull(): Promise<void> {
    const client = await this.connected('filler');
    this.fillDisk();
    client.publish('filler', 'x', 1, 1, { retain: true });
    expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x97 });
  }

  async makeRoom(): Promise<void> {
    this.files.beforeOperation = () => {};
    this.#retry();
    await this.event('storage-has-room');
  }

  /** The broker is stopped and started again in order. */
  async stopAndStart(): Promise<void> {
    await this.cutClients();
    await this.broker.stop();
    await this.start();
  }

  /** The power is cut, and comes back: what was acknowledged is there. */
  async restart(): Promise<void> {
    const { broker } = this;
    this.files = this.files.crash('nothing', new Random(1));
    this.index = this.index.crash();
    // The process before ends, too; its files are dead.
    void broker.stop();
    await this.cutClients();
    await this.start();
  }

  async open(version: ProtocolVersion = 5): Promise<PacketClient> {
    const client = await PacketClient.open(this.broker.url as string, version);
    this.#clients.push(client);
    return client;
  }

  async connected(clientId: string, version: ProtocolVersion = 5): Promise<PacketClient> {
    const client = await this.open(version);
    client.connect(clientId);
    expect(await client.next()).toMatchObject({ cmd: 'connack' });
    return client;
  }

  async subscribed(clientId: string, topic: string): Promise<PacketClient> {
    const client = await this.connected(clientId);
    client.subscribe(topic, 1);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [2] });
    return client;
  }

  async cutClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.cut();
  }
}

/** Messages as `topic payload`, other packets by name. */
export function brief(packets: readonly (Packet | null)[]): string[] {
  return packets.map((packet) => {
    if (packet === null) return 'closed';
    if (packet.cmd !== 'publish') return packet.cmd;
    return `${packet.topic} ${Buffer.from(packet.payload).toString()}`;
  });
}
