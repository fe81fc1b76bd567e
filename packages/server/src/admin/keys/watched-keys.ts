import { type Config, ConfigError, WatchedFiles } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import { readKeyFile } from './key-file.ts';
import type { KeyRing } from './key-ring.ts';

/** Timers can't be set further ahead. */
const TIMER_MS_MAX = 2_147_483_647;

/**
 * Keeps the keys that are in force those of the file: it is looked at when it changes, and when it is asked to. A file
 * that can't be used leaves the keys as they were.
 */
export class WatchedKeys {
  readonly #ring: KeyRing;
  readonly #config: Config;
  readonly #path: string | null;
  readonly #log: Logger;
  readonly #onChanged: () => void;
  readonly #files: WatchedFiles;
  #expiry: NodeJS.Timeout | null;

  /**
   * @param config - live: its keys are those of the last reload
   * @param onChanged - called whenever keys may have come, or gone or expired
   */
  constructor(
    ring: KeyRing,
    config: Config,
    path: string | null,
    log: Logger,
    onChanged: () => void,
  ) {
    this.#ring = ring;
    this.#config = config;
    this.#path = path;
    this.#log = log;
    this.#onChanged = onChanged;
    this.#expiry = null;
    this.#files = new WatchedFiles(path === null ? [] : [path]);
    this.read();
    this.#files.start(() => this.read());
  }

  /** Reads the file again. */
  read(): void {
    let file = this.#ring.listed;
    try {
      file = this.#path === null ? [] : readKeyFile(this.#path);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { source, message } of error.problems) {
        this.#log.error('admin-keys-refused', { path: source, why: message });
      }
    }
    this.#ring.set(file, this.#config.admin.keys);
    this.#changed();
  }

  close(): void {
    this.#files.close();
    if (this.#expiry !== null) clearTimeout(this.#expiry);
  }

  #changed(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    const { nextExpiry } = this.#ring;
    if (nextExpiry !== Number.POSITIVE_INFINITY) {
      const left = Math.min(Math.max(nextExpiry - Date.now(), 0) + 1, TIMER_MS_MAX);
      this.#expiry = setTimeout(() => this.#changed(), left);
      this.#expiry.unref();
    }
    this.#onChanged();
  }
}
