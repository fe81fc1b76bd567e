import type { Message } from '@promptmq/session';
import type { RetainedStore } from '@promptmq/topics';
import type { LogEvent } from '@promptmq/wal';
import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import type { BrokerClock } from '../runtime/broker-clock.ts';
import type { Faults } from '../runtime/faults.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { RecoveryHost } from './replay/recovery.ts';

/** What the storage needs of the house. */
export interface StorageHost {
  readonly config: Config;
  readonly runtime: BrokerClock;
  readonly faults: Faults;
  readonly stats: Pick<BrokerStats, 'publishersHeldBack'>;
  readonly log: Logger;
  /** Where retained messages are; the storage fills it at the start. */
  readonly router: { readonly retained: RetainedStore<Message> };
  /** Takes up the sessions that are read at the start. */
  readonly sessions: RecoveryHost;
  /** The log reports something. */
  onStorageEvent(event: LogEvent): void;
}
