import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { CommandModule } from 'yargs';
import { Admin, type AdminProcess, AdminServer, ApiError, adminSocketOf } from '../admin/index.ts';
import { type Config, type LoadedConfig, WatchedFiles, WORKERS_MAX } from '../config/index.ts';
import { openBroker } from '../embed/create-broker.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import { naming } from '../embed/start-errors.ts';
import type { ConfigurableLogger } from '../log/index.ts';
import { reportReady, startDaemon } from '../service/daemon.ts';
import { exposedFiles } from '../service/exposed-files.ts';
import { openFilesWarning } from '../service/open-files.ts';
import { claimPidFile } from '../service/pid-file.ts';
import { SystemdNotifier } from '../service/systemd.ts';
import { keepsSomeLocal, LOCAL_ONLY, risksOf, risksOfReload, startBanner } from './banner.ts';
import { addServerOptions, loadFromProcess } from './options.ts';
import { followLog, LAST_LINES_MS, openLog } from './process-log.ts';
import { Reloader, watchedPaths } from './reloader.ts';
import { becomeService } from './standard-streams.ts';

/** `promptmq [server]`: runs the broker until SIGINT or SIGTERM. */
export const serverCommand: CommandModule = {
  command: ['server', '$0'],
  describe: 'run the broker',
  builder: (args) => addServerOptions(args),
  handler: async (args) => {
    const load = () => loadFromProcess(args);
    const loaded = load();
    if (loaded.config.server.daemon) {
      if (loaded.config.log.file === null) {
        process.stderr.write('promptmq: nothing will be logged: log.file is not set\n');
      }
      const pid = await startDaemon();
      process.stdout.write(`the broker runs in the background as process ${pid}\n`);
    } else {
      await serveAs(loaded, load);
    }
  },
};

/** What it takes to be one of several processes, or to have them, is loaded there only. */
async function serveAs(loaded: LoadedConfig, load: () => LoadedConfig): Promise<void> {
  const { config } = loaded;
  const workers = workersOf(config);
  if (cluster.isWorker) {
    const { serveWorker } = await import('./serve-worker.ts');
    await serveWorker(loaded, load);
  } else if (config.cluster.enabled) {
    const { serveNode } = await import('./serve-workers.ts');
    await serveNode(loaded, load);
  } else if (workers > 1) {
    const { serveWorkers } = await import('./serve-workers.ts');
    await serveWorkers(loaded, load, workers);
  } else {
    await serve(loaded, load);
  }
}

/** How many processes are to share the clients. */
function workersOf({ server }: Config): number {
  return server.workers === 'auto' ? Math.min(availableParallelism(), WORKERS_MAX) : server.workers;
}

async function serve(loaded: LoadedConfig, load: () => LoadedConfig): Promise<void> {
  const { config } = loaded;
  const files = new WatchedFiles(watchedPaths(loaded));
  becomeService();
  const { logger, output, logTail } = await openLog(config);
  const { pidFile } = config.server;
  const releasePidFile =
    pidFile === null
      ? () => {}
      : await naming('server.pid-file', null, () => claimPidFile(pidFile));
  const systemd = new SystemdNotifier(process.env, (why) => logger.warn('notify-failed', { why }));
  let broker: EmbeddedBroker | null = null;
  let admin: AdminServer | null = null;
  let reloader: Reloader | null = null;
  let isStopping = false;

  const finish = async () => {
    reloader?.close();
    await admin?.close();
    systemd.stopping();
    await broker?.stop();
    releasePidFile();
    if (process.connected) process.disconnect();
    // What nobody reads would keep the process alive.
    if (!(await output.finish(LAST_LINES_MS))) process.exit();
  };
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1); // The second signal doesn't wait for the clients.
    isStopping = true;
    logger.info('stopping', { signal });
    if (broker !== null) void finish();
  };
  // Before it listens: whoever sees that it does may stop it at once.
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => {
    output.reopen();
    reloader?.reload('SIGHUP');
  });
  try {
    // What can't be kept isn't acknowledged any more: a process that is started again may find a way.
    const onStorageFailed = () => {
      process.exitCode = 1;
      if (isStopping) return;
      isStopping = true;
      if (broker !== null) void finish();
    };
    const opened = await openBroker(
      config,
      { logger, onStorageFailed },
      { heedsWithoutUsers: true },
    );
    broker = opened.running;
  } catch (error) {
    releasePidFile();
    await output.finish(LAST_LINES_MS);
    throw error;
  }
  if (isStopping) {
    await finish();
    return;
  }
  const serving = broker;
  const isLocal = keepsSomeLocal(config);
  // Whoever is connected stays so: it is noted. A log that can't be written ends the process by itself, see above.
  process.on('uncaughtException', (error) => serving.noteUncaught(error));
  process.on('unhandledRejection', (reason) => serving.noteUncaught(reason));
  admin = await startAdmin(broker, config, logger, {
    logTail,
    configuration: {
      get loaded() {
        return reloader?.loaded ?? loaded;
      },
      reload: () => {
        if (reloader === null) throw new ApiError(503, 'STARTING', 'the broker still starts');
        return reloader.reloadNow('API');
      },
    },
  });
  if (isStopping) {
    // A signal came meanwhile, and has ended all but this.
    await admin?.close();
    return;
  }
  reloader = new Reloader(loaded, {
    broker,
    logger,
    load,
    files,
    onReloaded: (next) => {
      followLog(next.log, logger, output);
      for (const risk of risksOfReload(next, isLocal)) logger.warn('unsafe', risk);
    },
  });
  const isForPeople = config.log.format === 'console' && config.log.file === null;
  if (isForPeople) {
    output.write(startBanner(loaded, broker));
  } else {
    if (isLocal) logger.warn('local-only', LOCAL_ONLY);
    for (const risk of risksOf(config)) logger.warn('unsafe', risk);
  }
  for (const exposed of exposedFiles(config)) logger.warn('files-exposed', exposed);
  for (const one of loaded.leftBehind) logger.warn('data-elsewhere', { ...one });
  const openFiles = openFilesWarning(config);
  if (openFiles !== null) logger.warn('open-files-limited', openFiles);
  logger.info('ready', { pid: process.pid, config: loaded.file });
  systemd.ready();
  reportReady();
}

/** Without it the broker serves its clients all the same. */
async function startAdmin(
  broker: EmbeddedBroker,
  config: LoadedConfig['config'],
  logger: ConfigurableLogger,
  process: AdminProcess,
): Promise<AdminServer | null> {
  const api = await Admin.start(broker, logger, process);
  broker.serveAdmin(api);
  const path = adminSocketOf(config);
  if (path === null) return null;
  try {
    const onError = (error: unknown) => logger.error('admin-failed', { error: String(error) });
    return await AdminServer.start(broker, path, onError, api);
  } catch (error) {
    logger.warn('admin-socket-failed', { path, why: (error as Error).message });
    return null;
  }
}
