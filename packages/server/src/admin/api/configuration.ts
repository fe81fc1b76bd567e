import type { LoadedConfig } from '../../config/index.ts';
import type { Reconfiguration } from '../../embed/reconfigure.ts';

/** Where the broker's configuration comes from, for who shows it and has it read again. */
export interface Configuration {
  /** What is in force, with where each value comes from. */
  readonly loaded: LoadedConfig;
  /**
   * Reads it again and puts it in force.
   *
   * @throws {ConfigError} perhaps by rejection, when something is wrong with it; nothing was changed
   */
  reload(): Reconfiguration | Promise<Reconfiguration>;
}
