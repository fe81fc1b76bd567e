import type { JetStreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import {
  type AppendOutcome,
  type EngineBounds,
  type EngineEntry,
  EngineError,
  type EngineLog,
} from '../engine.ts';
import { NatsAppends } from './nats-appends.ts';
import type { NatsModules } from './nats-modules.ts';
import type { SetNatsOptions } from './nats-options.ts';

/** The code with which JetStream's API says that there is no such stream. */
const STREAM_NOT_FOUND = 10059;

/** What of a stream's configuration has to be so; a log of another kind is not used. */
const STREAM = {
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  max_age: 0,
  max_msgs: -1,
  deny_delete: true,
  allow_direct: true,
} as const;

/** Status of a message that ends a batch, or says that there is nothing. */
const END_OF_BATCH = 204;
const NOT_FOUND = 404;

/** How long is waited for who leads a stream to say how that is, in milliseconds: while one is elected, nobody answers. */
const INFO_TIMEOUT_MS = 2_000;

/** The same for a new stream, which several servers have to make. */
const ADD_TIMEOUT_MS = 10_000;

/** Entries asked for at once, at most. */
const BATCH = 1_000;

/**
 * The log of a cell as a stream with one subject, whose entries only the last one's successor can follow.
 */
export class NatsLog implements EngineLog {
  readonly #modules: NatsModules;
  readonly #connection: NatsConnection;
  readonly #appends: NatsAppends;
  readonly #manager: JetStreamManager;
  readonly #stream: string;
  readonly #timeoutMs: number;

  private constructor(
    modules: NatsModules,
    connection: NatsConnection,
    manager: JetStreamManager,
    names: { readonly stream: string; readonly subject: string },
    timeoutMs: number,
  ) {
    this.#modules = modules;
    this.#connection = connection;
    this.#manager = manager;
    this.#appends = new NatsAppends(modules, connection, names, timeoutMs);
    this.#stream = names.stream;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Opens a cell's log, and makes it unless it is there.
   *
   * @param connection - closed with the log
   * @throws {EngineError} `unavailable`, `unsuitable`
   */
  static async open(
    modules: NatsModules,
    connection: NatsConnection,
    { name, replicas, logBytesMax, timeoutMs }: SetNatsOptions,
    cell: number,
  ): Promise<NatsLog> {
    const stream = `PMQ_${name}_CELL_${cell}`;
    const subject = `pmq.${name}.cell.${cell}`;
    const wanted = { name: stream, subjects: [subject], num_replicas: replicas, ...STREAM };
    const { JetStreamApiError, jetstreamManager } = modules.jetstream;
    const managerOf = (timeout: number) =>
      jetstreamManager(connection, { checkAPI: false, timeout });
    const manager = await managerOf(INFO_TIMEOUT_MS);
    try {
      const { config } = await manager.streams.info(stream).catch(async (error) => {
        if (error?.code !== STREAM_NOT_FOUND) throw error;
        const { streams } = await managerOf(ADD_TIMEOUT_MS);
        return streams.add({ ...wanted, max_bytes: logBytesMax });
      });
      const faults = Object.entries(wanted)
        .filter(([key, value]) => `${config[key as keyof typeof config]}` !== `${value}`)
        .map(([key, value]) => `${key} is ${config[key as keyof typeof config]}, not ${value}`);
      if (faults.length > 0) {
        throw new EngineError('unsuitable', `stream ${stream}: ${faults.join(', ')}`);
      }
      if (config.max_bytes !== logBytesMax) {
        await manager.streams.update(stream, { max_bytes: logBytesMax });
      }
    } catch (error) {
      if (error instanceof EngineError) throw error;
      const { message } = error as Error;
      const isAnswer = error instanceof JetStreamApiError;
      const code = isAnswer && error.status !== 503 ? 'unsuitable' : null;
      throw new EngineError(code ?? 'unavailable', `stream ${stream}: ${message}`, {
        cause: error,
      });
    }
    return new NatsLog(modules, connection, manager, { stream, subject }, timeoutMs);
  }

  append(after: number, parts: readonly Uint8Array[]): Promise<AppendOutcome> {
    return this.#appends.append(after, parts);
  }

  async *read(from: number, bytesMax: number): AsyncIterable<EngineEntry> {
    const { first, last } = await this.bounds();
    let next = Math.max(from, first);
    while (next <= last) {
      let found = 0;
      for await (const entry of this.#batch(next, bytesMax)) {
        // Lost on the way: it is asked for again.
        if (entry.sequence !== next) break;
        found++;
        next++;
        yield entry;
        if (next > last) return;
      }
      if (found > 0) continue;
      const bounds = await this.bounds();
      // A server that is behind has answered, which some time it won't be.
      if (next >= bounds.first) throw this.#unavailable('it does not give what it says it has');
      next = bounds.first;
    }
  }

  async bounds(): Promise<EngineBounds> {
    try {
      const { state } = await this.#manager.streams.info(this.#stream);
      const { first_seq, last_seq, messages } = state;
      this.#appends.patience.onAnswer();
      return { first: messages === 0 ? last_seq + 1 : first_seq, last: last_seq };
    } catch (error) {
      throw this.#unavailable((error as Error).message, error);
    }
  }

  async trim(before: number): Promise<void> {
    if (before <= 1) return;
    try {
      await this.#manager.streams.purge(this.#stream, { seq: before });
    } catch (error) {
      throw this.#unavailable((error as Error).message, error);
    }
  }

  async close(): Promise<void> {
    this.#appends.close();
    await this.#connection.close();
  }

  /** Asks for entries from one on, which come as long as they are taken soon enough. */
  async *#batch(from: number, bytesMax: number): AsyncIterable<EngineEntry> {
    const waiting: Msg[] = [];
    let wake = () => {};
    let failure: Error | null = null;
    const inbox = this.#modules.transport.createInbox();
    const subscription = this.#connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) failure = error;
        else waiting.push(message);
        wake();
      },
    });
    const request = JSON.stringify({ seq: from, batch: BATCH, max_bytes: bytesMax });
    try {
      this.#connection.publish(`$JS.API.DIRECT.GET.${this.#stream}`, request, { reply: inbox });
      for (;;) {
        const message = waiting.shift();
        if (message === undefined) {
          if (failure !== null) throw failure;
          await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error('no answer')), this.#timeoutMs);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
          continue;
        }
        const code = message.headers?.code ?? 0;
        if (code === END_OF_BATCH || code === NOT_FOUND) return;
        if (code !== 0) throw new Error(message.headers?.description || 'no responders');
        const sequence = Number(message.headers?.get('Nats-Sequence'));
        yield { sequence, data: message.data };
      }
    } catch (error) {
      throw this.#unavailable((error as Error).message, error);
    } finally {
      subscription.unsubscribe();
    }
  }

  #unavailable(why: string, cause?: unknown): EngineError {
    this.#appends.patience.onNoAnswer();
    return new EngineError('unavailable', `stream ${this.#stream}: ${why}`, { cause });
  }
}
