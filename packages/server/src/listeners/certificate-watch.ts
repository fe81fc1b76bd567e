import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import { Deadline, type DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type LoadedListener, logListenerWarnings } from './loaded-listener.ts';

const DAY_MS = 86_400_000;

/** What watching certificates needs of the house. */
export interface CertificateWatchHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'wallNow'>;
  readonly deadlines: DeadlineQueue;
  readonly log: Logger;
}

/** Warns of certificates that have expired, or will soon: when they are read, and once a day. */
export class CertificateWatch {
  readonly #host: CertificateWatchHost;
  readonly #next: Deadline;
  #listeners: readonly LoadedListener[];

  constructor(host: CertificateWatchHost, listeners: readonly LoadedListener[]) {
    this.#host = host;
    this.#listeners = listeners;
    this.#next = new Deadline(() => this.#warn());
    this.#warn();
  }

  /** They were read again. */
  set(listeners: readonly LoadedListener[]): void {
    this.#listeners = listeners;
    this.#host.deadlines.cancel(this.#next);
    this.#warn();
  }

  #warn(): void {
    const { log, runtime, config, deadlines } = this.#host;
    logListenerWarnings(log, this.#listeners, runtime.wallNow(), config.server.tls.expiryWarning);
    if (this.#listeners.every(({ tls }) => tls === null)) return;
    deadlines.schedule(this.#next, runtime.now() + DAY_MS);
  }
}
