import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import type { DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Faults, Faulty } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';

/** What the hooks need of the house. */
export interface HooksHost {
  readonly config: Pick<Config, 'hooks' | 'mqtt'>;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly deadlines: DeadlineQueue;
  readonly faults: Faults;
  readonly stats: Pick<BrokerStats, 'hookFailures'>;
  /** For what clients can cause. */
  readonly clientLog: Logger;
  /** A hook has failed: for whoever listens for errors. */
  onFault(error: Error): void;
}

/** What the hooks see of the connection that they are asked for. */
export interface AskedConnection extends Faulty {
  /** Whether its CONNECT was accepted, and it isn't over. */
  readonly isConnected: boolean;
  /** Nothing more of it is read or processed until `resume`. */
  suspend(): void;
  resume(): void;
  disconnect(reasonCode: number, cause: string, reasonString?: string): void;
}
