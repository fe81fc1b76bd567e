import type { Config } from '../config/index.ts';
import type { Router } from '../routing/router.ts';
import type { Faults } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Turns } from '../runtime/turns.ts';
import type { Journal } from '../storage/journal.ts';

/** What is needed of the house by what the program does in which the broker is embedded. */
export interface InsideHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly stats: BrokerStats;
  readonly turns: Turns;
  readonly faults: Faults;
  readonly router: Router;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
}
