import { unwatchFile, watchFile } from 'node:fs';
import { type Config, ConfigError, type LoadedConfig, listedPaths } from '../config/index.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
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
 * Puts a changed configuration in force: when `reload` is called, and when the configuration file or one that
 * it names changes. A configuration that is wrong changes nothing.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #watched: readonly string[];
  /** What is in force. */
  #loaded: LoadedConfig;
  #settling: NodeJS.Timeout | null;
  readonly #onChanged: () => void;

  constructor(loaded: LoadedConfig, options: ReloaderOptions) {
    this.#options = options;
    this.#watched = [];
    this.#loaded = loaded;
    this.#settling = null;
    this.#onChanged = () => this.#settle();
    this.#watch(loaded);
  }

  /**
   * Whatever is wrong with the new configuration, the former stays in force, and the log says what.
   *
   * @param cause - for the log: a signal, or `file`
   */
  reload(cause: string): void {
    const { broker, logger, load, onReloaded } = this.#options;
    try {
      const loaded = load();
      this.#refuseVanished(loaded);
      const { changed, needRestart } = broker.reconfigure(loaded.config);
      onReloaded?.(loaded.config);
      this.#loaded = loaded;
      this.#watch(loaded);
      logger.info('config-reloaded', { cause, changed });
      for (const key of needRestart) logger.warn('config-needs-restart', { key });
    } catch (error) {
      for (const { key, source, message } of problemsOf(error)) {
        logger.error('config-refused', { cause, key, source, why: message });
      }
    }
  }

  /**
   * A file that was removed, or is empty because it is being written, would set everything to its default, such as who may
   * connect.
   */
  #refuseVanished({ file, isFileEmpty }: LoadedConfig): void {
    const { file: former, isFileEmpty: wasEmpty } = this.#loaded;
    const refuse = (source: string, message: string) =>
      new ConfigError([{ key: '--config', source, message }]);
    if (former !== null && file !== former) {
      throw refuse(former, "it isn't there any more: all options would get their defaults");
    }
    if (file !== null && isFileEmpty && !wasEmpty) {
      throw refuse(file, 'it is empty now: all options would get their defaults; {} has that');
    }
  }

  /** Reads files only when they have not changed for a while: one that changes may be half written. */
  #settle(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.reload('file'), POLL_MS);
    this.#settling.unref();
  }

  close(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    for (const path of this.#watched) unwatchFile(path, this.#onChanged);
    this.#watched = [];
  }

  #watch({ config, file }: LoadedConfig): void {
    const { cert, key, ca } = config.server.tls;
    const { passwordFile, aclFile } = config.auth;
    const named = [file, cert, key, ca, passwordFile, aclFile].filter((path) => path !== null);
    const paths = [...new Set([...named, ...listedPaths(config)])];
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

/** What is wrong; an error that is no ConfigError is a mistake of ours, and still no reason to end the process. */
function problemsOf(error: unknown): ConfigError['problems'] {
  if (error instanceof ConfigError) return error.problems;
  return [{ key: '--config', source: 'broker', message: String(error) }];
}
