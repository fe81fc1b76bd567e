import { type ServingProcesses, UsersChanges } from '../admin/processes/index.ts';
import {
  ClusterNode,
  engineOf,
  MetricsHub,
  type ObservedWorkers,
  Supervisor,
  type SupervisorOptions,
  type WorkerListener,
  WorkerRefusal,
} from '../cluster/index.ts';
import { type Config, type LoadedConfig, nodeIdOf } from '../config/index.ts';
import { lockDataDir } from '../embed/create-broker.ts';
import { naming } from '../embed/start-errors.ts';
import type { ConfigurableLogger } from '../log/index.ts';
import { createStats } from '../runtime/stats.ts';
import { reportReady } from '../service/daemon.ts';
import { claimLayout } from '../service/data-layout.ts';
import { exposedFiles } from '../service/exposed-files.ts';
import { openFilesWarning } from '../service/open-files.ts';
import { claimPidFile } from '../service/pid-file.ts';
import { SystemdNotifier } from '../service/systemd.ts';
import { keepsSomeLocal, LOCAL_ONLY, risksOf, type ShownBroker, startBanner } from './banner.ts';
import { LAST_LINES_MS, openLog, type ProcessLog } from './process-log.ts';
import { becomeService } from './standard-streams.ts';
import { UsageError } from './usage.ts';
import { WorkersAdmin } from './workers-admin.ts';

/** Has the processes of a broker run. */
interface House extends ObservedWorkers {
  start(): Promise<readonly WorkerListener[]>;
  reload(cause: string): void;
  stop(signal: string): Promise<void>;
  kill(): void;
  /** Has a start that waits for something be rejected. */
  abort(): void;
  /** Those that have clients, for the admin API. */
  readonly processes: ServingProcesses;
  /** Another configuration is in force. */
  onReloaded?(next: Config): void;
  /** Has processes read the configuration again that are none of those. */
  reloadFront?(cause: string): void;
}

/** What the house needs of the process. */
type HouseOptions = Pick<
  SupervisorOptions,
  'log' | 'isColoured' | 'writeLine' | 'stopMs' | 'changeUsers' | 'onGivenUp'
>;

/** Beside what clients are given (`server.shutdown-timeout`), in milliseconds: for logs that are closed, and links. */
const STOP_MS = 10_000;

/** Runs the broker as several processes until SIGINT or SIGTERM: this one has the others run, and serves no client. */
export function serveWorkers(
  loaded: LoadedConfig,
  load: () => LoadedConfig,
  count: number,
): Promise<void> {
  const { config } = loaded;
  const { storage } = config;
  return serveHouse(loaded, load, {
    claimFolders: () => claimLayout(storage, { workers: count }),
    open: (options) => new Supervisor({ ...options, node: nodeIdOf(config), count }),
    facts: { workers: count },
  });
}

/** Runs a node of a cluster in the same way. */
export function serveNode(loaded: LoadedConfig, load: () => LoadedConfig): Promise<void> {
  const { config } = loaded;
  const { name: cluster, cells } = config.cluster;
  return serveHouse(loaded, load, {
    claimFolders: () => claimLayout(config.storage, { cluster, cells }),
    open: (options) => new ClusterNode({ ...options, config, engine: engineOf(config) }),
    facts: { node: nodeIdOf(config), cluster },
  });
}

interface HousePlan {
  /** Makes sure that the folders are those of such a broker. */
  claimFolders(): void;
  open(options: HouseOptions): House;
  /** For the line that says that it is ready. */
  readonly facts: object;
}

async function serveHouse(
  loaded: LoadedConfig,
  load: () => LoadedConfig,
  { claimFolders, open, facts }: HousePlan,
): Promise<void> {
  const { config } = loaded;
  becomeService();
  const processLog = await openLog(config);
  const { logger, output } = processLog;
  const releases: (() => void | Promise<void>)[] = [];
  const release = async () => {
    for (const one of releases.reverse()) await one();
  };
  const systemd = new SystemdNotifier(process.env, (why) => logger.warn('notify-failed', { why }));
  let isStopping = false;
  let isServing = false;
  const adminStats = createStats().admin;
  let hub: MetricsHub | null = null;
  let admin: WorkersAdmin | null = null;

  const supervisor = open({
    log: logger,
    isColoured: output.isTerminal,
    stopMs: config.server.shutdownTimeout + STOP_MS,
    writeLine: (line) => output.write(line),
    changeUsers: (request) => usersChanges.ask(request),
    onGivenUp: () => {
      process.exitCode = 1;
      if (!isStopping) stop('worker-given-up');
    },
  });
  const usersChanges = new UsersChanges(supervisor.processes);
  const finish = async (signal: string) => {
    systemd.stopping();
    await admin?.close();
    await supervisor.stop(signal);
    await release();
    logger.info('stopped');
    if (process.connected) process.disconnect();
    if (!(await output.finish(LAST_LINES_MS))) process.exit();
  };
  const stop = (signal: string) => {
    if (isStopping) {
      // The second signal doesn't wait for the clients.
      supervisor.kill();
      process.exit(1);
    }
    isStopping = true;
    logger.info('stopping', { signal });
    if (isServing) void finish(signal);
    else supervisor.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => {
    output.reopen();
    admin?.reload('SIGHUP');
    supervisor.reload('SIGHUP');
  });

  try {
    const { pidFile } = config.server;
    if (pidFile !== null) {
      releases.push(await naming('server.pid-file', null, () => claimPidFile(pidFile)));
    }
    if (config.storage.enabled) {
      claimFolders();
      releases.push(await lockDataDir(config.storage));
    }
    if (config.metrics.enabled) {
      const opened = await MetricsHub.open(
        supervisor,
        { node: supervisor instanceof ClusterNode ? supervisor : null, admin: adminStats },
        config.metrics,
        logger,
      );
      releases.push(() => opened.close());
      hub = opened;
    }
    const listeners = await supervisor.start();
    isServing = true;
    admin = await WorkersAdmin.start(loaded, load, supervisor.processes, processLog, adminStats, {
      reloadOthers: (cause) => supervisor.reloadFront?.(cause),
      onReloaded: (next) => supervisor.onReloaded?.(next),
    });
    if (isStopping) {
      await finish('SIGTERM');
      return;
    }
    const urls = { metricsUrl: hub?.url ?? null, adminUrl: admin.url };
    sayWhatIsServed(loaded, { listeners, ...urls }, processLog);
  } catch (error) {
    await release();
    if (isStopping) logger.info('stopped');
    await output.finish(LAST_LINES_MS);
    if (isStopping) process.exit();
    throw error instanceof WorkerRefusal && error.isUsage ? new UsageError(error.message) : error;
  }
  warnOfMachine(loaded, logger);
  logger.info('ready', { pid: process.pid, config: loaded.file, ...facts });
  systemd.ready();
  reportReady();
}

function sayWhatIsServed(
  loaded: LoadedConfig,
  shown: ShownBroker,
  { logger, output }: ProcessLog,
): void {
  const { config } = loaded;
  if (config.log.format === 'console' && config.log.file === null) {
    output.write(startBanner(loaded, shown));
    return;
  }
  if (keepsSomeLocal(config)) logger.warn('local-only', LOCAL_ONLY);
  for (const risk of risksOf(config)) logger.warn('unsafe', risk);
}

function warnOfMachine({ config, leftBehind }: LoadedConfig, logger: ConfigurableLogger): void {
  for (const exposed of exposedFiles(config)) logger.warn('files-exposed', exposed);
  for (const one of leftBehind) logger.warn('data-elsewhere', { ...one });
  const openFiles = openFilesWarning(config);
  if (openFiles !== null) logger.warn('open-files-limited', openFiles);
}
