import {
  type ClusterEngine,
  EngineError,
  type EngineFacts,
  type EngineLog,
  type EngineMap,
} from '../engine.ts';
import { PostgresLog } from './postgres-log.ts';
import { PostgresMap } from './postgres-map.ts';
import { PostgresNotices } from './postgres-notices.ts';
import {
  POSTGRES_DEFAULTS,
  type PostgresOptions,
  type SetPostgresOptions,
} from './postgres-options.ts';
import { loadPostgres, PostgresSession } from './postgres-session.ts';
import { makeTables, type PostgresTables, tablesOf, whyRelaxed } from './postgres-tables.ts';
import { type Ask, type PostgresModule, Succession } from './primary.ts';

/** The oldest version whose reading of settings and texts is tested. */
const LEAST = 14;

const APPEND_BYTES_MAX = 64 << 20;

const SETTINGS = ['fsync', 'full_page_writes', 'synchronous_standby_names', 'server_version'];

/** PostgreSQL as an engine: tables for logs and map. Each log has a connection of its own. */
export class PostgresEngine implements ClusterEngine {
  readonly #options: SetPostgresOptions;
  readonly #succession = new Succession();
  #module: PostgresModule | null = null;
  #tables: PostgresTables | null = null;
  #session: PostgresSession | null = null;
  #notices: PostgresNotices | null = null;
  #map: PostgresMap | null = null;
  readonly #logs = new Set<EngineLog>();

  constructor(options: PostgresOptions) {
    this.#options = { ...POSTGRES_DEFAULTS, ...options };
  }

  async connect(): Promise<EngineFacts> {
    const { name, replicas, pollMs } = this.#options;
    const tables = tablesOf(name);
    const module = await loadPostgres();
    const session = new PostgresSession(module, this.#options, this.#succession);
    try {
      const settings = await settingsOf(async (text, values) => ({
        rows: await session.query(text, values),
      }));
      const version = settings['server_version'] ?? '0';
      if (Number.parseInt(version, 10) < LEAST) {
        throw new EngineError(
          'unsuitable',
          `PostgreSQL ${version} is too old; use ${LEAST} or newer`,
        );
      }
      const why = whyRelaxed(settings, replicas);
      if (why !== null) throw new EngineError('unsuitable', why);
      await makeTables(session, tables);
      this.#module = module;
      this.#tables = tables;
      this.#session = session;
      const { notices: channel } = tables;
      const notices = new PostgresNotices(module, this.#options, this.#succession, channel);
      this.#notices = notices;
      this.#map = new PostgresMap(session, notices, tables, pollMs);
      return {
        name: 'postgres',
        version,
        replicas,
        syncsBeforeAck: true,
        appendBytesMax: APPEND_BYTES_MAX,
      };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async openLog(cell: number): Promise<EngineLog> {
    if (this.#module === null || this.#tables === null || this.#session === null) {
      throw notConnected();
    }
    const text = `insert into ${this.#tables.cells} (cell) values ($1) on conflict do nothing`;
    await this.#session.query(text, [cell]);
    const { replicas } = this.#options;
    // Another server may have taken the place of the one that was asked at first.
    const session = new PostgresSession(
      this.#module,
      this.#options,
      this.#succession,
      async (ask) => whyRelaxed(await settingsOf(ask), replicas),
    );
    const log = new PostgresLog(session, this.#tables, cell, this.#options.logBytesMax);
    this.#logs.add(log);
    return log;
  }

  get map(): EngineMap {
    if (this.#map === null) throw notConnected();
    return this.#map;
  }

  async close(): Promise<void> {
    this.#notices?.close();
    await Promise.all([...this.#logs].map((log) => log.close()));
    await this.#session?.close();
  }
}

/** The settings of a server that matter, by name. */
async function settingsOf(ask: Ask): Promise<Record<string, string>> {
  const text = 'select name, setting from pg_settings where name = any($1)';
  const { rows } = await ask(text, [SETTINGS]);
  return Object.fromEntries(rows.map(({ name = '', setting = '' }) => [name, setting]));
}

function notConnected(): EngineError {
  return new EngineError('closed', 'the engine is not connected');
}
