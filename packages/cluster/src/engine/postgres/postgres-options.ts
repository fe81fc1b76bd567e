export interface PostgresOptions {
  /** Addresses such as `postgres://user:password@127.0.0.1:5432/promptmq`; the one that takes writes is used. At least one. */
  readonly urls: readonly string[];
  /** Name of the cluster, `a` to `z`, digits and `_`: tables are named by it. */
  readonly name?: string;
  /** Servers that keep a copy: 1, or more with synchronous standbys. */
  readonly replicas?: number;
  /** Size of a cell's log, in bytes: more is refused until it is trimmed. */
  readonly logBytesMax?: number;
  /** An append or a question that isn't answered by then is given up, in milliseconds. */
  readonly timeoutMs?: number;
  /** The map is asked for changes this often, in milliseconds. */
  readonly pollMs?: number;
}

export const POSTGRES_DEFAULTS = {
  name: 'promptmq',
  replicas: 2,
  logBytesMax: 4 * 2 ** 30,
  timeoutMs: 2_000,
  pollMs: 200,
} as const;

export type SetPostgresOptions = Required<PostgresOptions>;
