import type { KV, KvEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { EngineError, type EngineMap, type MapListener, type MapValue } from '../engine.ts';
import type { NatsModules } from './nats-modules.ts';
import type { SetNatsOptions } from './nats-options.ts';

/** Code of JetStream's API for a revision that isn't the last one. */
const CONFLICTS = [10071, 10164];

/** A watch that broke begins again after this time, in milliseconds. */
const RETRY_MS = 500;

/** The map as a bucket of keys and values. */
export class NatsMap implements EngineMap {
  readonly #modules: NatsModules;
  readonly #bucket: KV;
  readonly #timeoutMs: number;

  private constructor(modules: NatsModules, bucket: KV, timeoutMs: number) {
    this.#modules = modules;
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
      return new NatsMap(modules, bucket, timeoutMs);
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
      if (revision === 0) return await this.#bucket.create(key, value);
      return await this.#bucket.update(key, value, revision, this.#timeoutMs);
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
    const watch = new Watch(this.#bucket, prefix, onChange);
    void watch.run();
    return () => watch.end();
  }

  #outcomeOf(error: unknown): 'conflict' | 'unknown' {
    const isAnswer = error instanceof this.#modules.jetstream.JetStreamApiError;
    return isAnswer && CONFLICTS.includes(error.code) ? 'conflict' : 'unknown';
  }
}

/** One watch, which begins again when it breaks. */
class Watch {
  readonly #bucket: KV;
  readonly #prefix: string;
  readonly #onChange: MapListener;
  /** Revisions that were passed on, by key. */
  readonly #seen = new Map<string, number>();
  #isEnded = false;
  #stop = () => {};

  constructor(bucket: KV, prefix: string, onChange: MapListener) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#onChange = onChange;
  }

  async run(): Promise<void> {
    while (!this.#isEnded) {
      try {
        const entries = await this.#bucket.watch({ key: '>' });
        this.#stop = () => entries.stop();
        if (this.#isEnded) entries.stop();
        for await (const entry of entries) this.#pass(entry);
      } catch {
        // It begins again below, with the last value of each key.
      }
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, RETRY_MS);
        this.#stop = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#stop();
  }

  #pass({ key, operation, value, revision }: KvEntry): void {
    if (this.#isEnded || !key.startsWith(this.#prefix)) return;
    const seen = this.#seen.get(key);
    if (seen !== undefined && seen >= revision) return;
    if (operation === 'PUT') {
      this.#seen.set(key, revision);
      this.#onChange(key, value, revision);
    } else if (seen !== undefined) {
      this.#seen.set(key, revision);
      this.#onChange(key, null, revision);
    }
  }
}
