import type { Client, QueryResultRow } from 'pg';
import { EngineError } from '../engine.ts';
import type { SetPostgresOptions } from './postgres-options.ts';

export type PostgresModule = typeof import('pg').default;

/** @throws {EngineError} `not-installed` */
export async function loadPostgres(): Promise<PostgresModule> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    const text = 'the engine PostgreSQL needs a package that is not installed: npm install pg';
    throw new EngineError('not-installed', text, { cause });
  }
}

/**
 * A connection to the server that takes writes, made again when it breaks. A query that isn't answered in time breaks it: what became of that
 * query nobody knows.
 */
export class PostgresSession {
  readonly #module: PostgresModule;
  readonly #options: SetPostgresOptions;
  #client: Promise<Client> | null = null;
  /** What was asked last: the next one waits for it. */
  #asked: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(module: PostgresModule, options: SetPostgresOptions) {
    this.#module = module;
    this.#options = options;
  }

  /**
   * Asks the server, after what was asked before.
   *
   * @throws {EngineError} `unavailable`, `closed`: it may have happened or not
   */
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const answer = this.#asked.then(() => this.#ask<Row>(text, values));
    this.#asked = answer.catch(() => {});
    return answer;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #ask<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    if (this.#isClosed) throw new EngineError('closed', 'the engine is closed');
    this.#client ??= this.#connect();
    const connecting = this.#client;
    try {
      const client = await connecting;
      const { rows } = await client.query<Row>(text, [...values]);
      return rows;
    } catch (cause) {
      if (this.#client === connecting) this.#drop();
      if (cause instanceof EngineError) throw cause;
      throw new EngineError('unavailable', `PostgreSQL: ${(cause as Error).message}`, { cause });
    }
  }

  async #connect(): Promise<Client> {
    let failure: unknown = null;
    for (const connectionString of this.#options.urls) {
      const client = new this.#module.Client({
        connectionString,
        connectionTimeoutMillis: this.#options.timeoutMs,
        query_timeout: this.#options.timeoutMs,
        keepAlive: true,
        application_name: 'promptmq',
      });
      // A connection that breaks between two queries; the next one finds out.
      client.on('error', () => {});
      try {
        await client.connect();
        const { rows } = await client.query('show transaction_read_only');
        if (rows[0]?.transaction_read_only === 'on') throw new Error('it takes no writes');
        await client.query('set synchronous_commit = on');
        return client;
      } catch (error) {
        failure = error;
        client.end().catch(() => {});
      }
    }
    throw failure;
  }

  #drop(): void {
    const broken = this.#client;
    this.#client = null;
    // Not in order: a server that doesn't answer wouldn't hear of it.
    broken?.then((client) => client.connection.stream.destroy()).catch(() => {});
  }
}
