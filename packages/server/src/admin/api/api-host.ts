import type { Config } from '../../config/index.ts';
import type { AdminStats } from '../../embed/admin-endpoint.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { LogTail } from '../../log/index.ts';
import type { AuditLog } from '../gate/audit-log.ts';
import type { ConsoleSessions } from '../gate/console-sessions.ts';
import type { KeyRing, UsableKey } from '../keys/key-ring.ts';
import type { EventFeeds } from '../streams/event-feeds.ts';
import type { OpenStreams } from '../streams/open-streams.ts';
import type { WaitingRequests } from '../streams/waiting-requests.ts';
import type { NamedTraces } from '../traces/named-traces.ts';
import type { Configuration } from './configuration.ts';

/** What serves the API, whether this process has the clients or others have. */
export interface ApiBase {
  /** The one in force: a reload changes it. */
  readonly config: Readonly<Config>;
  readonly stats: AdminStats;
  /** Milliseconds since 1970, when the process began to serve. */
  readonly startedAt: number;
  readonly access: ApiAccess;
  /** Answers that continue. */
  readonly streams: OpenStreams;
  /** Of them, streams of events. */
  readonly feeds: EventFeeds;
  readonly traces: NamedTraces;
  /** Null where the program has it, in which the broker is embedded. */
  readonly configuration: Configuration | null;
  /** The same. */
  readonly logTail: LogTail | null;
}

/** What the operations of the API use where the broker is in this process. */
export interface ApiHost extends ApiBase {
  readonly broker: RunningBroker;
  readonly waitingRequests: WaitingRequests;
}

/** Who may use the API, and who did. */
export interface ApiAccess {
  readonly keys: KeyRing;
  readonly sessions: ConsoleSessions;
  readonly audit: AuditLog;
  /**
   * Checks a name and a secret that came from an address.
   *
   * @throws {ApiError} 401 and 429
   */
  verify(name: string, secret: string, address: string): UsableKey;
  /** Reads the file of the keys again. */
  readKeys(): void;
}
