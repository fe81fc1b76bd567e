import type { Delivery, Message } from '@promptmq/session';
import type { SubscriptionTrie } from '@promptmq/topics';
import type { Access } from '../access/index.ts';
import type { Config } from '../config/index.ts';
import type { DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Faults } from '../runtime/faults.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Journal } from '../storage/journal.ts';
import type { Origin } from '../storage/records/message-record.ts';
import type { ClientEvents } from '../tracing/client-events.ts';
import type { BrokerSession } from './broker-session.ts';
import type { Announcements } from './subscriptions.ts';

/** Who sends messages to sessions, as the sessions see it. */
export interface SessionRouter {
  readonly trie: SubscriptionTrie<BrokerSession>;
  readonly retained: { readonly historyBytes: number };
  /**
   * @param origin - what the log has to know with it
   * @returns `reasonCode` QuotaExceeded when the disk is full, and the message was not routed; the position of the record
   * that it was written in, -1 when there is none
   */
  publishMessage(
    message: Message,
    origin: Origin | null,
  ): { readonly reasonCode: number; readonly position: number };
  /** The will of a client, as it is published now. */
  stampedWill(message: Message, userName: string | null): Message;
  /**
   * Gives deliveries of shared subscriptions that are in memory only to other members.
   *
   * @returns those that nobody else can take
   */
  redeliver(deliveries: readonly Delivery[], except: BrokerSession): Delivery[];
}

/** Who looks for the retained messages of new subscriptions, as the sessions see it. */
export interface SessionReplays {
  /** The subscription is gone. */
  cancel(session: BrokerSession, topicFilter: string): void;
  /** The session has no connection any more. */
  onDetached(session: BrokerSession): void;
  /** The session is over. */
  forget(session: BrokerSession): void;
}

/** What the sessions need of the house. */
export interface SessionsHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow' | 'defer'>;
  readonly stats: BrokerStats;
  readonly memory: MemoryLedger;
  readonly deadlines: DeadlineQueue;
  readonly faults: Faults;
  readonly clientEvents: ClientEvents;
  /** Who may publish what; replaced by a reload. */
  readonly access: Access;
  readonly router: SessionRouter;
  readonly retainedReplays: SessionReplays;
  /** Says to other cells what clients have subscribed to; null where there are none. */
  readonly announcements: Announcements | null;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
}
