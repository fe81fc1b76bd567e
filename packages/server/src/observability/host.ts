import type { Config } from '../config/index.ts';
import type { ConnectionPlaces } from '../limits/connection-places.ts';
import type { Overload } from '../limits/overload/overload.ts';
import type { Logger } from '../log/index.ts';
import type { Router } from '../routing/router.ts';
import type { BrokerClock } from '../runtime/broker-clock.ts';
import type { Faults } from '../runtime/faults.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { SessionEntry } from '../sessions/session-entry.ts';
import type { PresenceNotes } from '../tracing/client-events.ts';
import type { ObservedPeers } from './links/link-metrics.ts';

/** Figures for the topics below `$SYS`, by name. */
export type SystemFigures = Readonly<Record<string, number>>;

/** Other processes of the same broker: what it says of itself is of all of them. */
export interface FiguresOfOthers {
  /**
   * Tells the others the figures of this process.
   *
   * @param onOthers - called with the latest of each of the others, now or later
   */
  exchange(own: SystemFigures, onOthers: (others: readonly SystemFigures[]) => void): void;
}

/** What is read of a broker to be seen from outside. */
export interface ObservedBroker {
  readonly config: Config;
  readonly runtime: BrokerClock;
  readonly stats: BrokerStats;
  readonly memory: MemoryLedger;
  readonly overload: Pick<Overload, 'level' | 'memoryPart' | 'text'>;
  readonly places: Pick<ConnectionPlaces, 'pending'>;
  readonly router: Router;
  readonly sessions: {
    all(): Iterable<BrokerSession>;
    find(clientId: string): SessionEntry | null;
    /** What waits for other cells. */
    readonly cells: { readonly totals: { readonly messages: number; readonly bytes: number } };
  };
  readonly clientEvents: { presence: PresenceNotes | null };
  /** What happened to clients lately; null when that isn't kept. */
  readonly history: {
    readonly bytes: number;
    readonly length: number;
    readonly forgotten: number;
  } | null;
  readonly faults: Faults;
  readonly log: Logger;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  /** Null where this process is the whole broker. */
  readonly figuresOfOthers: FiguresOfOthers | null;
  /** The same. */
  readonly observedPeers: ObservedPeers | null;
  /** Whether it takes new connections. */
  readonly isServing: boolean;
}
