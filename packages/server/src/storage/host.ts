import type { Message } from '@promptmq/session';
import type { RetainedStore, Subscription } from '@promptmq/topics';
import type { LogEvent } from '@promptmq/wal';
import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import type { BrokerClock } from '../runtime/broker-clock.ts';
import type { Faults } from '../runtime/faults.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { JournalEntry } from './journal.ts';
import type { SessionRecord } from './records/session-record.ts';

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

/** Who makes sessions and subscriptions of what the log holds. */
export interface RecoveryHost {
  /** Makes a session that nobody is connected to; its deadlines are set when all has been read. */
  restoreEntry(record: SessionRecord): JournalEntry;
  /** Takes over what a later record says of a session. */
  updateEntry(entry: JournalEntry, record: SessionRecord): void;
  /** Forgets a session that has ended. */
  dropEntry(entry: JournalEntry): void;
  restoreSubscription(entry: JournalEntry, subscription: Subscription): void;
  dropSubscription(entry: JournalEntry, topicFilter: string): void;
  /**
   * All has been read, and what time it is is known: sessions continue without a connection, or end.
   *
   * @param endings - by number, those that have ended for their clients, and up to which sequence QoS 2 isn't handed over
   */
  takeUp(entries: readonly JournalEntry[], endings: ReadonlyMap<number, number>): void;
}
