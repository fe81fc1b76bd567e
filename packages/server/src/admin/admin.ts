import type { SecureContextOptions } from 'node:tls';
import type { Config } from '../config/index.ts';
import type { AdminEndpoint, AdminStats } from '../embed/admin-endpoint.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
import { loadAdminTls } from '../listeners/tls/admin-tls.ts';
import type { TlsFiles } from '../listeners/tls/tls-files.ts';
import { type Logger, type LogTail, rateLimited } from '../log/index.ts';
import { createApi } from './api/admin-api.ts';
import type { ApiBase } from './api/api-host.ts';
import type { Configuration } from './api/configuration.ts';
import type { Operation } from './api/operation.ts';
import { AdminGate } from './gate/admin-gate.ts';
import { AuditLog } from './gate/audit-log.ts';
import { ConsoleSessions } from './gate/console-sessions.ts';
import { keyFileOf } from './keys/key-file.ts';
import { KeyRing } from './keys/key-ring.ts';
import { WatchedKeys } from './keys/watched-keys.ts';
import { OPERATIONS } from './routes/index.ts';
import { EventFeeds } from './streams/event-feeds.ts';
import { OpenStreams } from './streams/open-streams.ts';
import { WaitingRequests } from './streams/waiting-requests.ts';
import { type FollowTarget, NamedTraces } from './traces/named-traces.ts';
import { followTarget } from './traces/trace-sources.ts';
import { ApiFront } from './web/api-front.ts';
import { WebFront } from './web/web-front.ts';
import { WebListener } from './web/web-listener.ts';
import { WebPages } from './web/web-pages.ts';

/** What the process of a broker has, where that is its own. */
export interface AdminProcess {
  readonly configuration?: Configuration;
  readonly logTail?: LogTail;
  /** Operations beside those that are documented: for other processes of the broker. */
  readonly furtherOperations?: readonly Operation[];
}

/** What the API is of. */
export interface AdminSubject {
  /** The one in force: a reload changes it. */
  readonly config: Config;
  readonly stats: AdminStats;
  readonly followTarget: FollowTarget;
  /** What can be asked, of a host that has what all of that needs. */
  serve(base: ApiBase): ServedOperations<ApiBase>;
}

/** Operations, and what they need. */
export interface ServedOperations<H extends ApiBase> {
  readonly operations: readonly Operation<H>[];
  readonly host: H;
}

/** What operators and programs ask of a broker over HTTP: keys, sessions and audit, the API, and the listener for them. */
export class Admin implements AdminEndpoint {
  /** Serves the API, for whoever has requests of another listener, such as the Unix domain socket. */
  readonly front: ApiFront;
  readonly host: ApiBase;
  readonly #keys: WatchedKeys;
  readonly #listener: WebListener;
  /** The listener follows the keys. */
  #following: Promise<void>;

  private constructor(
    subject: AdminSubject,
    log: Logger,
    tls: SecureContextOptions | null,
    { configuration, logTail }: AdminProcess,
  ) {
    const { config, stats } = subject;
    const { admin } = config;
    const ring = new KeyRing(() => Date.now());
    const sessions = new ConsoleSessions(
      admin,
      ring,
      () => performance.now(),
      (name, why) => {
        log.info('admin-session-ended', { name, why });
        this.front.endRefused();
      },
    );
    const now = () => performance.now();
    const warnings = rateLimited(log, { perSecond: WARNINGS_PER_SECOND, now });
    const audit = new AuditLog(() => admin.auditEntries);
    const gate = new AdminGate(admin, ring, sessions, audit, log, stats);
    const onError = (error: unknown) => log.error('admin-failed', { error: String(error) });
    const streams = new OpenStreams(admin, warnings, stats);
    this.host = {
      config,
      stats,
      startedAt: Date.now(),
      access: {
        keys: ring,
        sessions,
        audit,
        verify: (name, secret, address) => gate.verify(name, secret, address),
        readKeys: () => this.#keys.read(),
      },
      streams,
      feeds: new EventFeeds(admin, streams, stats),
      traces: new NamedTraces(subject.followTarget, admin, warnings),
      configuration: configuration ?? null,
      logTail: logTail ?? null,
    };
    const { operations, host } = subject.serve(this.host);
    const open = (api: Parameters<typeof createApi>[2]) => createApi(operations, host, api);
    this.front = new ApiFront(this.host, gate, open, onError);
    const web = new WebFront(admin, this.front, new WebPages(admin), log, stats);
    this.#listener = new WebListener(
      admin,
      tls,
      (request, response, keepOpen) => web.answer(request, response, keepOpen),
      log,
    );
    this.#following = Promise.resolve();
    this.#keys = new WatchedKeys(ring, config, keyFileOf(config), log, () => {
      sessions.endIdle();
      this.front.endRefused();
      this.#following = this.#listener.want(admin.bind.length > 0 && ring.isUsable);
    });
    if (admin.bind.length > 0 && !ring.isUsable) {
      log.info('admin-without-keys', { make: 'promptmq admin key create NAME --scope read' });
    }
  }

  /**
   * Begins to serve the API of a broker in this process; the listener is open when this resolves, if there is a key.
   *
   * @throws {ConfigError} when certificate and key can't be used
   */
  static start(broker: RunningBroker, log: Logger, process: AdminProcess = {}): Promise<Admin> {
    // Whoever can be asked has something to say.
    broker.monitor.start();
    const { config, stats } = broker;
    const { admin } = config;
    const warnings = rateLimited(log, {
      perSecond: WARNINGS_PER_SECOND,
      now: () => performance.now(),
    });
    const subject: AdminSubject = {
      config,
      stats: stats.admin,
      followTarget: (target, note) => followTarget(broker, target, note),
      serve: (base) => {
        const waitingRequests = new WaitingRequests(admin, warnings);
        const operations = [...OPERATIONS, ...(process.furtherOperations ?? [])];
        return { operations, host: { ...base, broker, waitingRequests } };
      },
    };
    return Admin.startOf(subject, log, process);
  }

  /**
   * The same, of whatever has what the operations need.
   *
   * @throws {ConfigError} when certificate and key can't be used
   */
  static async startOf(
    subject: AdminSubject,
    log: Logger,
    process: AdminProcess = {},
  ): Promise<Admin> {
    const admin = new Admin(subject, log, optionsOf(loadAdminTls(subject.config)), process);
    await admin.settled();
    return admin;
  }

  get url(): string | null {
    return this.#listener.url;
  }

  /** Why an address could not be opened; null when all are that should be. */
  get problem(): Error | null {
    return this.#listener.problem;
  }

  /** Resolves when the listener is what the keys have it be. */
  settled(): Promise<void> {
    return this.#following;
  }

  load(next: Config): () => void {
    const tls = optionsOf(loadAdminTls(next));
    return () => {
      this.#listener.setTls(tls);
      this.#keys.read();
    };
  }

  async close(): Promise<void> {
    this.#keys.close();
    this.host.access.sessions.close();
    this.host.traces.clear();
    this.host.feeds.close();
    this.host.streams.endAll();
    await this.#listener.close();
  }
}

/** Lines that those who read streams can cause. */
const WARNINGS_PER_SECOND = 5;

function optionsOf(tls: TlsFiles | null): SecureContextOptions | null {
  return tls?.identities[0]?.options ?? null;
}
