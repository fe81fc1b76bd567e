import type { Ban } from '@promptmq/auth';
import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Journal } from '../storage/journal.ts';

/** What bans need of the house. */
export interface BansHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow' | 'defer'>;
  readonly stats: Pick<BrokerStats, 'bansCurrent' | 'flappingBans'>;
  readonly log: Logger;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
  /** Disconnects the clients that a ban is on. */
  disconnectBanned(ban: Ban): void;
}
