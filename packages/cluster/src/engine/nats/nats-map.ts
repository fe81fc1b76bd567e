import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { EngineError, type EngineMap, type MapListener, type MapValue } from '../engine.ts';
import type { NatsModules } from './nats-modules.ts';
import type { SetNatsOptions } from './nats-options.ts';
import { NatsWatch } from './nats-watch.ts';
import { ServerPatience } from './server-patience.ts';

/** Code of JetStream's API for a revision that isn't the last one. */
const CONFLICTS = [10071, 10164];

/** The map as a bucket of keys and values. */
export class NatsMap implements EngineMap {
  readonly #modules: NatsModules;
  readonly #bucket: KV;
  readonly #timeoutMs: number;
  readonly #watches = new Set<NatsWatch>();
  readonly #patience: ServerPatience;

  private constructor(
    modules: NatsModules,
    connection: NatsConnection,
    bucket: KV,
    timeoutMs: number,
  ) {
    this.#modules = modules;
    this.#patience = new ServerPatience(() => connection.reconnect());
    this.#bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @throws {EngineError} `unavailable`, `unsuitable`
   */
  static async open(
    modules: NatsModules,
    connection: NatsConnection,
    { name, replicas, timeoutMs }: SetNatsOptions,
  ): Promise<NatsMap> {
    const bucketName = `PMQ_${name}_MAP`;
    try {
      const js = modules.jetstream.jetstream(connection, { timeout: 5_000 });
      const manager = new modules.kv.Kvm(js);
      const bucket = await manager.create(bucketName, {
        history: 1,
        replicas,
        storage: modules.jetstream.StorageType.File,
      });
      const status = await bucket.status();
      if (status.replicas !== replicas) {
        const text = `bucket ${bucketName} has ${status.replicas} replicas, not ${replicas}`;
        throw new EngineError('unsuitable', text);
      }
      return new NatsMap(modules, connection, bucket, timeoutMs);
    } catch (cause) {
      if (cause instanceof EngineError) throw cause;
      const text = `bucket ${bucketName}: ${(cause as Error).message}`;
      throw new EngineError('unavailable', text, { cause });
    }
  }

  async get(key: string): Promise<MapValue | null> {
    try {
      const entry = await this.#bucket.get(key);
      if (entry === null || entry.operation !== 'PUT') return null;
      return { value: entry.value, revision: entry.revision };
    } catch (cause) {
      throw new EngineError('unavailable', `${key}: ${(cause as Error).message}`, { cause });
    }
  }

  async put(
    key: string,
    value: Uint8Array,
    revision: number,
  ): Promise<number | 'conflict' | 'unknown'> {
    try {
      const taken = await (revision === 0
        ? this.#bucket.create(key, value)
        : this.#bucket.update(key, value, revision, this.#timeoutMs));
      this.#patience.onAnswer();
      for (const watch of this.#watches) watch.expect(taken);
      return taken;
    } catch (error) {
      return this.#outcomeOf(error);
    }
  }

  async remove(key: string, revision: number): Promise<'removed' | 'conflict' | 'unknown'> {
    try {
      await this.#bucket.delete(key, { previousSeq: revision });
      return 'removed';
    } catch (error) {
      return this.#outcomeOf(error);
    }
  }

  watch(prefix: string, onChange: MapListener): () => void {
    const host = { bucket: this.#bucket, setTimer };
    const watch = new NatsWatch(host, prefix, onChange);
    this.#watches.add(watch);
    void watch.run();
    return () => {
      this.#watches.delete(watch);
      watch.end();
    };
  }

  #outcomeOf(error: unknown): 'conflict' | 'unknown' {
    const isAnswer = error instanceof this.#modules.jetstream.JetStreamApiError;
    if (isAnswer && CONFLICTS.includes(error.code)) {
      this.#patience.onAnswer();
      return 'conflict';
    }
    this.#patience.onNoAnswer();
    return 'unknown';
  }
}

function setTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
