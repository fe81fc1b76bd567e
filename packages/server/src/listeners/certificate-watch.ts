import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import { Deadline, type DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import { type LoadedListener, logTlsWarnings, tlsFilesOf } from './loaded-listener.ts';
import type { TlsFiles } from './tls/tls-files.ts';

const DAY_MS = 86_400_000;

/** What watching certificates needs of the house. */
export interface CertificateWatchHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow'>;
  readonly deadlines: DeadlineQueue;
  readonly log: Logger;
  readonly stats: Pick<BrokerStats, 'admin'>;
}

/** Warns of certificates that have expired, or will soon: when they are read, and once a day. Those of the admin listener are among them. */
export class CertificateWatch {
  readonly #host: CertificateWatchHost;
  readonly #next: Deadline;
  #files: readonly TlsFiles[];

  /** @param admin - of the admin listener; null where it has no certificate */
  constructor(
    host: CertificateWatchHost,
    listeners: readonly LoadedListener[],
    admin: TlsFiles | null,
  ) {
    this.#host = host;
    this.#files = [];
    this.#next = new Deadline(() => this.#warn());
    this.set(listeners, admin);
  }

  /** They were read, or read again. */
  set(listeners: readonly LoadedListener[], admin: TlsFiles | null): void {
    this.#files = [...tlsFilesOf(listeners), ...(admin === null ? [] : [admin])];
    this.#host.stats.admin.certificates = admin?.certificates ?? [];
    this.#host.deadlines.cancel(this.#next);
    this.#warn();
  }

  #warn(): void {
    const { log, runtime, config, deadlines } = this.#host;
    logTlsWarnings(log, this.#files, runtime.wallNow(), config.server.tls.expiryWarning);
    if (this.#files.length === 0) return;
    deadlines.schedule(this.#next, runtime.now() + DAY_MS);
  }
}
