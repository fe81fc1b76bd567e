import type { AuthenticationMethod } from '@promptmq/auth';
import type { Access } from '../access/index.ts';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { BrokerHooks } from '../hooks/broker-hooks.ts';
import type { Limits } from '../limits/limits.ts';
import type { Overload } from '../limits/overload/overload.ts';
import type { Logger } from '../log/index.ts';
import type { RetainedReplays } from '../routing/retained-replays.ts';
import type { Router } from '../routing/router.ts';
import type { Faults } from '../runtime/faults.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { Turns } from '../runtime/turns.ts';
import type { BrokerBans } from '../security/broker-bans.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { PendingWill } from '../sessions/pending-will.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Announcements } from '../sessions/subscriptions.ts';
import type { Journal } from '../storage/journal.ts';
import type { ClientEvents } from '../tracing/client-events.ts';
import type { ClientTraces } from '../tracing/client-traces.ts';

/** What those who answer packets need of the house. */
export interface ProtocolHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow' | 'uniqueId'>;
  readonly stats: BrokerStats;
  readonly memory: MemoryLedger;
  readonly turns: Turns;
  /** How much clients may do in a time. */
  readonly limits: Limits;
  /** Whether the process has more than it can cope with. */
  readonly overload: Overload;
  readonly faults: Faults;
  readonly log: Logger;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  readonly clientEvents: ClientEvents;
  readonly traces: ClientTraces;
  /** Who may connect and do what; replaced by a reload. */
  readonly access: Access;
  /** Who isn't let in, whoever it is. */
  readonly bans: BrokerBans;
  /** By name. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>;
  /** What the program is asked; null when nothing is. */
  readonly hooks: BrokerHooks | null;
  readonly router: Router;
  readonly retainedReplays: RetainedReplays;
  readonly sessions: Sessions;
  /** Says to other cells what clients have subscribed to; null where there are none. */
  readonly announcements: Announcements | null;
  /** Where what outlives the process is written. */
  readonly journal: Journal;
  /** Whether a client may connect: there is room, or it takes over its own session. */
  hasRoomFor(clientId: string): boolean;
  /**
   * CONNACK is on its way: connects the session and sends what it is owed.
   *
   * @param sendQuota - QoS 1 and 2 messages that may be under way to it
   * @param dependsOn - position of the record that CONNACK depends on, beside that of the session; -1 when there is none
   */
  join(
    connection: Peer,
    session: BrokerSession,
    will: PendingWill | null,
    sendQuota: number,
    dependsOn: number,
  ): void;
}
