import type { ProtocolVersion } from '@promptmq/codec';
import { type Clock, nodeClock } from '@promptmq/wal';
import {
  FaultyFiles,
  MemoryIndex,
  Random,
  type Survival,
  systemError,
} from '@promptmq/wal/testing';
import { Broker } from '../../src/broker.ts';
import { parseConfig } from '../../src/config/index.ts';
import { type Listener, listen } from '../../src/listeners/listener.ts';
import { type LoadedListener, loadListeners } from '../../src/listeners/loaded-listener.ts';
import { noopLogger } from '../../src/log/index.ts';
import { nodeRuntime } from '../../src/runtime/runtime.ts';
import type { Storage, StorageResources } from '../../src/storage/storage.ts';
import { PacketClient } from './packet-client.ts';

/** A broker with real sockets on files in memory, into whose storage a test can look. */
export class StoredBroker {
  files = new FaultyFiles();
  index = new MemoryIndex();
  broker!: Broker;
  /** Errors that the broker has logged, by name. */
  readonly errors: string[] = [];
  /** What its clock is ahead of the machine's, in milliseconds. */
  aheadMs = 0;
  #listener!: Listener;
  #clients: PacketClient[] = [];
  #retry: () => void = () => {};
  readonly #resources: StorageResources;

  /** @param resources - for its storage, beside files and clock */
  constructor(resources: StorageResources = {}) {
    this.#resources = resources;
  }

  get storage(): Storage {
    return this.broker.storage as Storage;
  }

  async start(): Promise<void> {
    const config = parseConfig({
      storage: {
        dataDir: '/data',
        walDir: '/wal',
        wal: { segmentSize: '1MiB' },
        compaction: { checkInterval: '1d' },
      },
    });
    const runtime = {
      ...nodeRuntime,
      now: () => nodeRuntime.now() + this.aheadMs,
      wallNow: () => nodeRuntime.wallNow() + this.aheadMs,
    };
    const log = { ...noopLogger, error: (event: string) => void this.errors.push(event) };
    this.broker = new Broker(config, runtime, log);
    await this.broker.recover({
      ...{ files: this.files, index: this.index, clock: this.#clock },
      ...this.#resources,
    });
    const [loaded] = loadListeners(config) as [LoadedListener];
    this.#listener = await listen(this.broker, loaded, { kind: 'tcp', host: '127.0.0.1', port: 0 });
  }

  /** The log tries a full disk again when a test says so. */
  get #clock(): Clock {
    return {
      ...nodeClock,
      now: () => nodeClock.now() + this.aheadMs,
      wallNow: () => nodeClock.wallNow() + this.aheadMs,
      setTimer: (delayMs, callback) => {
        if (delayMs !== 1000) return nodeClock.setTimer(delayMs, callback);
        this.#retry = callback;
        return () => {};
      },
    };
  }

  async open(version: ProtocolVersion = 5): Promise<PacketClient> {
    const client = await PacketClient.open(this.#listener.url as string, version);
    this.#clients.push(client);
    return client;
  }

  async connected(clientId: string): Promise<PacketClient> {
    const client = await this.open();
    client.connect(clientId);
    await client.next();
    return client;
  }

  /** From now on no write finds room. */
  fillDisk(): void {
    this.files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
  }

  /** The disk has room again, and the broker has written what had to wait for it. */
  async makeRoom(): Promise<void> {
    this.files.beforeOperation = () => {};
    this.#retry();
    while (this.storage.log.isFull) await new Promise((resolve) => setImmediate(resolve));
    await this.storage.log.checkpoint();
  }

  /** The process ends at once, and the next one finds what `survival` leaves of what was not synced. */
  async crash(survival: Survival, index: MemoryIndex = this.index.crash()): Promise<void> {
    const { broker } = this;
    this.files = this.files.crash(survival, new Random(1));
    this.index = index;
    // Its files are dead.
    void broker.stop(0, 0);
    await this.#close();
    await this.start();
  }

  async stop(): Promise<void> {
    this.files.beforeOperation = () => {};
    await this.#close();
    await this.broker.stop(0, 0);
  }

  async #close(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.cut();
    this.#listener.cut();
    await this.#listener.close();
  }
}
