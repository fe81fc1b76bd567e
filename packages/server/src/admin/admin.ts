import type { SecureContextOptions } from 'node:tls';
import type { Config } from '../config/index.ts';
import type { AdminEndpoint } from '../embed/admin-endpoint.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
import { loadAdminTls } from '../listeners/tls/admin-tls.ts';
import type { TlsFiles } from '../listeners/tls/tls-files.ts';
import { type Logger, type LogTail, rateLimited } from '../log/index.ts';
import type { ApiHost } from './api/api-host.ts';
import type { Configuration } from './api/configuration.ts';
import { AdminGate } from './gate/admin-gate.ts';
import { AuditLog } from './gate/audit-log.ts';
import { ConsoleSessions } from './gate/console-sessions.ts';
import { keyFileOf } from './keys/key-file.ts';
import { KeyRing } from './keys/key-ring.ts';
import { WatchedKeys } from './keys/watched-keys.ts';
import { EventFeeds } from './streams/event-feeds.ts';
import { OpenStreams } from './streams/open-streams.ts';
import { WaitingRequests } from './streams/waiting-requests.ts';
import { NamedTraces } from './traces/named-traces.ts';
import { ApiFront } from './web/api-front.ts';
import { WebFront } from './web/web-front.ts';
import { WebListener } from './web/web-listener.ts';
import { WebPages } from './web/web-pages.ts';

/** What the process of a broker has, where that is its own. */
export interface AdminProcess {
  readonly configuration?: Configuration;
  readonly logTail?: LogTail;
}

/** What operators and programs ask of a broker over HTTP: keys, sessions and audit, the API, and the listener for them. */
export class Admin implements AdminEndpoint {
  /** Serves the API, for whoever has requests of another listener, such as the Unix domain socket. */
  readonly front: ApiFront;
  readonly host: ApiHost;
  readonly #keys: WatchedKeys;
  readonly #listener: WebListener;
  /** The listener follows the keys. */
  #following: Promise<void>;

  private constructor(
    broker: RunningBroker,
    log: Logger,
    tls: SecureContextOptions | null,
    { configuration, logTail }: AdminProcess,
  ) {
    const { config } = broker;
    const { admin } = config;
    const stats = broker.stats.admin;
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
      broker,
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
      waitingRequests: new WaitingRequests(admin, warnings),
      traces: new NamedTraces(broker, admin, warnings),
      configuration: configuration ?? null,
      logTail: logTail ?? null,
    };
    this.front = new ApiFront(this.host, gate, onError);
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
   * Begins to serve; the listener is open when this resolves, if there is a key.
   *
   * @throws {ConfigError} when certificate and key can't be used
   */
  static async start(
    broker: RunningBroker,
    log: Logger,
    process: AdminProcess = {},
  ): Promise<Admin> {
    const admin = new Admin(broker, log, optionsOf(loadAdminTls(broker.config)), process);
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
