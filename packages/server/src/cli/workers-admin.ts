import { Admin, AdminServer, adminSocketOf } from '../admin/index.ts';
import {
  followTargetIn,
  mergedOperations,
  reloadProcesses,
  type ServingProcesses,
} from '../admin/processes/index.ts';
import { type Config, type LoadedConfig, WatchedFiles } from '../config/index.ts';
import { takeOver } from '../embed/reconfigure.ts';
import { noopLogger } from '../log/index.ts';
import type { AdminStats } from '../runtime/stats.ts';
import { followLog, type ProcessLog } from './process-log.ts';
import { Reloader, watchedPaths } from './reloader.ts';

/** What has several processes, and isn't asked by the API. */
interface ReloadedHouse {
  /** Has processes read the configuration again that serve no clients. */
  reloadOthers(cause: string): void;
  /** This process has read it. */
  onReloaded(next: Config): void;
}

/** The admin API, the console and the operator's socket of a broker that is several processes: this one has them, and asks the others. */
export class WorkersAdmin {
  readonly #admin: Admin;
  readonly #server: AdminServer | null;
  readonly #reloader: Reloader;

  private constructor(admin: Admin, server: AdminServer | null, reloader: Reloader) {
    this.#admin = admin;
    this.#server = server;
    this.#reloader = reloader;
  }

  /**
   * Begins to serve it.
   *
   * @param load - reads the configuration again
   * @param stats - counted up here
   * @param house - what else has to know of a new configuration
   * @throws {ConfigError} when certificate and key can't be used
   */
  static async start(
    loaded: LoadedConfig,
    load: () => LoadedConfig,
    processes: ServingProcesses,
    { logger, output, logTail }: ProcessLog,
    stats: AdminStats,
    house: ReloadedHouse,
  ): Promise<WorkersAdmin> {
    const { config } = loaded;
    const admin = await Admin.startOf(
      {
        config,
        stats,
        followTarget: followTargetIn(processes),
        serve: (host) => ({ operations: mergedOperations(processes), host }),
      },
      logger,
      {
        logTail,
        configuration: {
          get loaded() {
            return reloader.loaded;
          },
          reload: async () => {
            const reconfiguration = await reloadProcesses(processes);
            reloader.reload('API');
            house.reloadOthers('API');
            return reconfiguration;
          },
        },
      },
    );
    // The processes say what is wrong with a configuration, and what has changed.
    const reloader: Reloader = new Reloader(loaded, {
      broker: {
        reconfigure: (next) => {
          const useAdmin = admin.load(next);
          const reconfiguration = takeOver(config, next);
          useAdmin();
          return reconfiguration;
        },
      },
      logger: noopLogger,
      load,
      files: new WatchedFiles(watchedPaths(loaded)),
      onReloaded: (next) => {
        followLog(next.log, logger, output);
        house.onReloaded(next);
      },
    });
    const path = adminSocketOf(config);
    const server =
      path === null
        ? null
        : await AdminServer.serve(admin, path, (error) =>
            logger.error('admin-failed', { error: String(error) }),
          ).catch((error: Error) => {
            logger.warn('admin-socket-failed', { path, why: error.message });
            return null;
          });
    return new WorkersAdmin(admin, server, reloader);
  }

  /** Such as `http://127.0.0.1:18083`; null while there is no key. */
  get url(): string | null {
    return this.#admin.url;
  }

  /** Reads the configuration of this process again; the others do so by themselves. */
  reload(cause: string): void {
    this.#reloader.reload(cause);
  }

  async close(): Promise<void> {
    this.#reloader.close();
    await Promise.all([this.#server?.close(), this.#admin.close()]);
  }
}
