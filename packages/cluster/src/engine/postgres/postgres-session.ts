import type { QueryResultRow } from 'pg';
import { EngineError } from '../engine.ts';
import type { SetPostgresOptions } from './postgres-options.ts';
import {
  connectToPrimary,
  isLastingState,
  type PostgresModule,
  type Primary,
  type Succession,
  type WhyUnfit,
} from './primary.ts';

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
  readonly #succession: Succession;
  #primary: Promise<Primary> | null = null;
  /** What was asked last: the next one waits for it. */
  #asked: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  readonly #whyUnfit: WhyUnfit;

  /**
   * @param succession - one for all connections of the process
   * @param whyUnfit - asked of each server that is connected to
   */
  constructor(
    module: PostgresModule,
    options: SetPostgresOptions,
    succession: Succession,
    whyUnfit: WhyUnfit = async () => null,
  ) {
    this.#module = module;
    this.#options = options;
    this.#succession = succession;
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
    const primary = await this.#primary?.catch(() => null);
    this.#primary = null;
    await primary?.client.end().catch(() => {});
  }

  async #ask<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    if (this.#isClosed) throw new EngineError('closed', 'the engine is closed');
    this.#primary ??= this.#connect();
    const connecting = this.#primary;
    try {
      const { client, branch } = await connecting;
      const why = this.#succession.whyOutdated(branch);
      if (why !== null) throw new Error(why);
      const { rows } = await client.query<Row>(text, [...values]);
      return rows;
    } catch (cause) {
      if (this.#primary === connecting) this.#drop();
      if (cause instanceof EngineError) throw cause;
      const { message, code } = cause as Error & { readonly code?: string };
      const isLasting = isLastingState(code);
      const remedy = isLasting ? `; see to the database, and start again (SQLSTATE ${code})` : '';
      const text = `PostgreSQL: ${message}${remedy}`;
      throw new EngineError(isLasting ? 'unsuitable' : 'unavailable', text, { cause });
    }
  }

  #connect(): Promise<Primary> {
    return connectToPrimary(this.#module, this.#options, this.#succession, this.#whyUnfit);
  }

  #drop(): void {
    const broken = this.#primary;
    this.#primary = null;
    // Not in order: a server that doesn't answer wouldn't hear of it.
    broken?.then(({ client }) => client.connection.stream.destroy()).catch(() => {});
  }
}
