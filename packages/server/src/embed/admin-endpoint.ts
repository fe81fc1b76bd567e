import type { Config } from '../config/index.ts';

export type { AdminStats } from '../runtime/stats.ts';

/** The admin API of a broker, as the broker sees it: it is told of reloads, and closed with it. */
export interface AdminEndpoint {
  /** Such as `http://127.0.0.1:18083`; null while it isn't open. */
  readonly url: string | null;
  /**
   * Reads what another configuration names.
   *
   * @returns puts it in force
   * @throws {ConfigError} when it can't be used
   */
  load(next: Config): () => void;
  close(): Promise<void>;
}
