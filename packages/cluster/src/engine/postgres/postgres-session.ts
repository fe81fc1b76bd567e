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

/** Asks a server. */
export type Ask = (text: string, values: unknown[]) => Promise<{ rows: Record<string, string>[] }>;

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
  readonly #whyUnfit: (ask: Ask) => Promise<string | null>;

  /** @param whyUnfit - asked of each server that is connected to: why it is not to be used now; null when it may be */
  constructor(
    module: PostgresModule,
    options: SetPostgresOptions,
    whyUnfit: (ask: Ask) => Promise<string | null> = async () => null,
  ) {
    this.#module = module;
    this.#options = options;
    this.#whyUnfit = whyUnfit;
  }

  /**
   * Asks the server, after what was asked before.
   *
   * @throws {EngineError} `unavailable`, `closed`: it may have happened or not; `unsuitable`: it has not, and never will as things are
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
      const { message, code } = cause as Error & { readonly code?: string };
      const isLasting = isLastingState(code);
      const remedy = isLasting ? `; see to the database, and start again (SQLSTATE ${code})` : '';
      const text = `PostgreSQL: ${message}${remedy}`;
      throw new EngineError(isLasting ? 'unsuitable' : 'unavailable', text, { cause });
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
        const why = await this.#whyUnfit((text, values) => client.query(text, values));
        if (why !== null) throw new Error(why);
        return client;
      } catch (error) {
        // Where one of several may be there later, that is what counts.
        if (failure === null || !isLastingState((error as { code?: string }).code)) failure = error;
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

/**
 * The classes of SQLSTATE of what is refused however often it is tried: who isn't let in, a database, a table or a column that isn't there, no
 * permission, values that don't fit. All else may be different a while later: as where a server starts, stops, has no room or takes no writes.
 */
const LASTING_CLASSES = ['0A', '22', '23', '28', '3D', '3F', '42', '54'];

/** @param code - SQLSTATE; undefined for what is no answer of a server */
export function isLastingState(code: string | undefined): boolean {
  return code?.length === 5 && LASTING_CLASSES.includes(code.slice(0, 2));
}
