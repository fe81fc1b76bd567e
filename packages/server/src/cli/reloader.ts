import {
  type Config,
  ConfigError,
  type LoadedConfig,
  listedPaths,
  type WatchedFiles,
} from '../config/index.ts';
import type { Reconfiguration } from '../embed/reconfigure.ts';
import type { Logger } from '../log/index.ts';

/** How long files have to be as they are before they are read. */
const SETTLING_MS = 1000;

export interface ReloaderOptions {
  /** Puts a configuration in force. */
  readonly broker: { reconfigure(config: Config): Reconfiguration };
  readonly logger: Logger;
  /** Reads the configuration again, from all its sources. */
  readonly load: () => LoadedConfig;
  /** Those of `watchedPaths`, from before they were read. */
  readonly files: WatchedFiles;
  /** Told of a configuration that is in force. */
  readonly onReloaded?: (config: Config) => void;
}

/**
 * Puts a changed configuration in force: when `reload` is called, and when the configuration file or one that
 * it names changes. A configuration that is wrong changes nothing.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  /** What is in force. */
  #loaded: LoadedConfig;
  #settling: NodeJS.Timeout | null;

  constructor(loaded: LoadedConfig, options: ReloaderOptions) {
    this.#options = options;
    this.#loaded = loaded;
    this.#settling = null;
    options.files.start(() => this.#settle());
  }

  /**
   * Whatever is wrong with the new configuration, the former stays in force, and the log says what.
   *
   * @param cause - for the log: a signal, or `file`
   */
  reload(cause: string): void {
    try {
      this.reloadNow(cause);
    } catch {
      // It is in the log.
    }
  }

  /**
   * The same, for who wants to know what came of it.
   *
   * @throws {ConfigError} what is wrong
   */
  reloadNow(cause: string): Reconfiguration {
    const { broker, logger, load, files, onReloaded } = this.#options;
    files.refresh();
    try {
      const loaded = load();
      this.#refuseVanished(loaded);
      const reconfiguration = broker.reconfigure(loaded.config);
      onReloaded?.(loaded.config);
      this.#loaded = loaded;
      files.follow(watchedPaths(loaded));
      const { changed, needRestart } = reconfiguration;
      logger.info('config-reloaded', { cause, changed });
      for (const key of needRestart) logger.warn('config-needs-restart', { key });
      return reconfiguration;
    } catch (error) {
      for (const { key, source, message } of problemsOf(error)) {
        logger.error('config-refused', { cause, key, source, why: message });
      }
      throw error;
    }
  }

  get loaded(): LoadedConfig {
    return this.#loaded;
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
    this.#settling = setTimeout(() => this.reload('file'), SETTLING_MS);
    this.#settling.unref();
  }

  close(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#options.files.close();
  }
}

/** The files of which a change has the configuration read again: its own, and those that it names. */
export function watchedPaths({ config, file }: LoadedConfig): string[] {
  const { cert, key, ca } = config.server.tls;
  const { passwordFile, aclFile } = config.auth;
  const { tlsCert, tlsKey } = config.admin;
  const named = [file, cert, key, ca, tlsCert, tlsKey, passwordFile, aclFile].filter(
    (path) => path !== null,
  );
  return [...new Set([...named, ...listedPaths(config)])];
}

/** What is wrong; an error that is no ConfigError is a mistake of ours, and still no reason to end the process. */
function problemsOf(error: unknown): ConfigError['problems'] {
  if (error instanceof ConfigError) return error.problems;
  return [{ key: '--config', source: 'broker', message: String(error) }];
}
