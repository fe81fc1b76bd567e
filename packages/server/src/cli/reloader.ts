import { unwatchFile, watchFile } from 'node:fs';
import { type Config, ConfigError, type LoadedConfig } from '../config/index.ts';
import type { RunningBroker } from '../create-broker.ts';
import type { Logger } from '../log/index.ts';

/** How often files are looked at. Notifications don't work for files that are mounted or replaced. */
const POLL_MS = 1000;

export interface ReloaderOptions {
  readonly broker: RunningBroker;
  readonly logger: Logger;
  /** Reads the configuration again, from all its sources. */
  readonly load: () => LoadedConfig;
  /** Told of a configuration that is in force. */
  readonly onReloaded?: (config: Config) => void;
}

/**
 * Puts a changed configuration in force: when it is told to, and when the configuration file or one that
 * it names changes. A configuration that is wrong changes nothing.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #watched: readonly string[];
  readonly #onChanged: () => void;

  constructor(loaded: LoadedConfig, options: ReloaderOptions) {
    this.#options = options;
    this.#watched = [];
    this.#onChanged = () => this.reload('file');
    this.#watch(loaded);
  }

  /** @param cause - for the log: a signal, or `file` */
  reload(cause: string): void {
    const { broker, logger, load, onReloaded } = this.#options;
    try {
      const loaded = load();
      const { changed, needRestart } = broker.reconfigure(loaded.config);
      onReloaded?.(loaded.config);
      this.#watch(loaded);
      logger.info('config-reloaded', { cause, changed });
      for (const key of needRestart) logger.warn('config-needs-restart', { key });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { key, source, message } of error.problems) {
        logger.error('config-refused', { cause, key, source, why: message });
      }
    }
  }

  close(): void {
    for (const path of this.#watched) unwatchFile(path, this.#onChanged);
    this.#watched = [];
  }

  #watch({ config, file }: LoadedConfig): void {
    const { cert, key, ca } = config.server.tls;
    const { passwordFile, aclFile } = config.auth;
    const paths = [file, cert, key, ca, passwordFile, aclFile].filter((path) => path !== null);
    for (const path of this.#watched) {
      if (!paths.includes(path)) unwatchFile(path, this.#onChanged);
    }
    for (const path of paths) {
      if (this.#watched.includes(path)) continue;
      watchFile(path, { interval: POLL_MS, persistent: false }, this.#onChanged);
    }
    this.#watched = paths;
  }
}
