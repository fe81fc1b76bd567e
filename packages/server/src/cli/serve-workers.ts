import { join } from 'node:path';
import { Admin, AdminServer, ApiError } from '../admin/index.ts';
import {
  adminSocket,
  type FromWorker,
  MetricsHub,
  metricsSocket,
  Supervisor,
  type ToWorker,
  Worker,
  type WorkerLabel,
  WorkerRefusal,
  type WorkerStart,
} from '../cluster/index.ts';
import { type Config, ConfigError, type LoadedConfig, WatchedFiles } from '../config/index.ts';
import { lockDataDir, openBroker } from '../embed/create-broker.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import { naming } from '../embed/start-errors.ts';
import type { BoundListener } from '../listeners/listener.ts';
import type { ConfigurableLogger } from '../log/index.ts';
import { nodeRuntime } from '../runtime/runtime.ts';
import { reportReady } from '../service/daemon.ts';
import { cellFolders, claimLayout } from '../service/data-layout.ts';
import { exposedFiles } from '../service/exposed-files.ts';
import { openFilesWarning } from '../service/open-files.ts';
import { claimPidFile } from '../service/pid-file.ts';
import { SystemdNotifier } from '../service/systemd.ts';
import { keepsSomeLocal, LOCAL_ONLY, risksOf, startBanner } from './banner.ts';
import { followLog, LAST_LINES_MS, openLog } from './process-log.ts';
import { Reloader, watchedPaths } from './reloader.ts';
import { becomeService } from './standard-streams.ts';
import { UsageError } from './usage.ts';

// -------------------------------------------------------------------- supervisor

/** Runs the broker as several processes until SIGINT or SIGTERM: this one has the others run, and serves no client. */
export async function serveWorkers(
  loaded: LoadedConfig,
  load: () => LoadedConfig,
  count: number,
): Promise<void> {
  const { config } = loaded;
  becomeService();
  const { logger, output } = await openLog(config);
  const releases: (() => void | Promise<void>)[] = [];
  const release = async () => {
    for (const one of releases.reverse()) await one();
  };
  const systemd = new SystemdNotifier(process.env, (why) => logger.warn('notify-failed', { why }));
  let isStopping = false;
  let isServing = false;
  let hub: MetricsHub | null = null;

  const supervisor = new Supervisor({
    count,
    log: logger,
    isColoured: output.isTerminal,
    writeLine: (line) => output.write(line),
    onGivenUp: () => {
      process.exitCode = 1;
      if (!isStopping) stop('worker-given-up');
    },
  });
  const finish = async (signal: string) => {
    systemd.stopping();
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
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => {
    output.reopen();
    reload(load, logger, output);
    supervisor.reload('SIGHUP');
  });

  try {
    const { pidFile } = config.server;
    if (pidFile !== null) {
      releases.push(await naming('server.pid-file', null, () => claimPidFile(pidFile)));
    }
    if (config.storage.enabled) {
      claimLayout(config.storage, count);
      releases.push(await lockDataDir(config.storage));
    }
    if (config.metrics.enabled) {
      const opened = await MetricsHub.open(supervisor, config.metrics, logger);
      releases.push(() => opened.close());
      hub = opened;
    }
    const listeners = await supervisor.start();
    isServing = true;
    if (isStopping) {
      await finish('SIGTERM');
      return;
    }
    if (config.log.format === 'console' && config.log.file === null) {
      const shown = { listeners, metricsUrl: hub?.url ?? null, adminUrl: null };
      output.write(startBanner(loaded, shown));
    } else {
      if (keepsSomeLocal(config)) logger.warn('local-only', LOCAL_ONLY);
      for (const risk of risksOf(config)) logger.warn('unsafe', risk);
    }
  } catch (error) {
    await release();
    await output.finish(LAST_LINES_MS);
    throw error instanceof WorkerRefusal && error.isUsage ? new UsageError(error.message) : error;
  }
  for (const exposed of exposedFiles(config)) logger.warn('files-exposed', exposed);
  for (const one of loaded.leftBehind) logger.warn('data-elsewhere', { ...one });
  const openFiles = openFilesWarning(config);
  if (openFiles !== null) logger.warn('open-files-limited', openFiles);
  logger.info('ready', { pid: process.pid, config: loaded.file, workers: count });
  systemd.ready();
  reportReady();
}

/** The log of the supervisor follows the configuration; all else is the workers'. */
function reload(
  load: () => LoadedConfig,
  logger: ConfigurableLogger,
  output: Parameters<typeof followLog>[2],
): void {
  try {
    followLog(load().config.log, logger, output);
  } catch {
    // The workers say what is wrong with it, and keep the former one.
  }
}

// ------------------------------------------------------------------------ worker

/** Runs one of several processes of a broker until its supervisor ends it, or is gone. */
export async function serveWorker(given: LoadedConfig, load: () => LoadedConfig): Promise<void> {
  // The supervisor says when to stop, also where a terminal signals all processes.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('SIGHUP', () => {});
  becomeService();
  const early: [ToWorker, unknown][] = [];
  // What follows the first message may come before it is dealt with.
  let keep = (_message: ToWorker, _handle: unknown) => {};
  const started = new Promise<WorkerStart>((resolve) => {
    keep = (message, handle) => {
      if (message.kind === 'start') resolve(message);
      else early.push([message, handle]);
    };
  });
  process.on('message', keep);
  tell({ kind: 'hello' });
  const start = await started;
  const ofWorker = (loaded: LoadedConfig): LoadedConfig => ({
    ...loaded,
    config: configOfWorker(loaded.config, start),
  });
  const loaded = ofWorker(given);
  const { config } = loaded;
  const files = new WatchedFiles(watchedPaths(loaded));
  const { logger: plain, output, logTail } = await openLog(config, start.isColoured);
  const logger = numbered(plain, start.label);
  let broker: EmbeddedBroker | null = null;
  let admin: AdminServer | null = null;
  let reloader: Reloader | null = null;
  /** Of a reload that came before that. */
  let reloadCause: string | null = null;
  let isStopping = false;

  const worker = new Worker(
    start,
    {
      giveSocket: (to, facts, read, handle, onSent) => {
        const message = { kind: 'give', to, facts, read: Buffer.from(read).toString('base64') };
        tell(message as FromWorker, handle, onSent);
      },
      onReplaced: (why) => tell({ kind: 'taken', why }),
    },
    nodeRuntime.uniqueId(),
    (error) => broker?.noteUncaught(error),
  );
  const finish = async () => {
    reloader?.close();
    await admin?.close();
    await broker?.stop();
    await worker.stop();
    await output.finish(LAST_LINES_MS);
    process.exit();
  };
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    if (broker !== null) void finish();
  };
  const onMessage = (message: ToWorker, handle: unknown) => {
    switch (message.kind) {
      case 'start':
        return;
      case 'socket':
        worker.takeSocket(handle as object, message.facts, Buffer.from(message.read, 'base64'));
        return;
      case 'reload':
        if (reloader === null) reloadCause = message.cause;
        else reloader.reload(message.cause);
        return;
      case 'cells':
        worker.onCells(message.cells);
        return;
      case 'stop':
        stop();
        return;
      default:
        message satisfies never;
    }
  };

  process.off('message', keep);
  process.on('message', onMessage);
  for (const [message, handle] of early) onMessage(message, handle);

  try {
    const opened = await openBroker(
      config,
      {
        logger,
        onStorageFailed: () => {
          process.exitCode = 1;
          stop();
        },
      },
      {
        heedsWithoutUsers: true,
        runtime: worker.runtime,
        isMachine: true,
        intercept: (transport, accept) => worker.front.intercept(transport, accept),
        beforeRecovery: (one) => worker.prepare(one),
        beforeListening: (one) => worker.begin(one),
        beforeStop: () => worker.release(),
        beforeCut: () => worker.drained(config.server.shutdownTimeout),
      },
    );
    broker = opened.running;
  } catch (error) {
    const isUsage = error instanceof ConfigError;
    const { message: why } = error as Error;
    await new Promise<void>((resolve) => tell({ kind: 'refused', why, isUsage }, null, resolve));
    await output.finish(LAST_LINES_MS);
    process.exit(1);
  }
  const serving = broker;
  process.on('uncaughtException', (error) => serving.noteUncaught(error));
  process.on('unhandledRejection', (reason) => serving.noteUncaught(reason));
  worker.serve(serving.listeners as readonly BoundListener[]);
  const api = await Admin.start(serving, logger, {
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
  serving.serveAdmin(api);
  admin = await AdminServer.start(
    serving,
    join(start.directory, adminSocket(start.label)),
    (error) => logger.error('admin-failed', { error: String(error) }),
    api,
  );
  reloader = new Reloader(loaded, {
    broker: serving,
    logger,
    load: () => ofWorker(load()),
    files,
    onReloaded: (next) => followLog(next.log, plain, output),
  });
  if (reloadCause !== null) reloader.reload(reloadCause);
  if (isStopping) {
    await finish();
    return;
  }
  await worker.whole();
  const listeners = serving.listeners.map(({ name, protocol, address, url, urls }) => ({
    name,
    protocol,
    address,
    url,
    urls,
  }));
  tell({ kind: 'ready', listeners });
}

/** @param onSent - called when it has left, or can't */
function tell(message: FromWorker, handle: object | null = null, onSent = () => {}): void {
  process.send?.(message, (handle ?? undefined) as never, {}, onSent);
}

/**
 * What of the configuration is another for a worker: its data lie in folders of its own, what operators and scrapers ask goes to the
 * supervisor, and so do its lines of the log.
 */
function configOfWorker(config: Config, { label, cell, directory }: WorkerStart): Config {
  const { storage, metrics, admin, log, server } = config;
  return {
    ...config,
    server: { ...server, daemon: false, pidFile: null },
    storage: { ...storage, ...cellFolders(storage, cell ?? 0) },
    metrics: {
      ...metrics,
      bind: metrics.enabled ? [{ kind: 'unix', path: join(directory, metricsSocket(label)) }] : [],
    },
    admin: { ...admin, bind: [], keyFile: 'none' },
    log: { ...log, file: null },
  };
}

/** Its lines say which worker they are of. */
function numbered(logger: ConfigurableLogger, worker: WorkerLabel): ConfigurableLogger {
  const add = (fields?: object) => ({ ...fields, worker });
  return {
    trace: (event, fields) => logger.trace(event, add(fields)),
    debug: (event, fields) => logger.debug(event, add(fields)),
    info: (event, fields) => logger.info(event, add(fields)),
    warn: (event, fields) => logger.warn(event, add(fields)),
    error: (event, fields) => logger.error(event, add(fields)),
    fatal: (event, fields) => logger.fatal(event, add(fields)),
    isEnabled: (level) => logger.isEnabled?.(level) ?? true,
    droppedCount: () => logger.droppedCount?.() ?? 0,
    setStyle: (style) => logger.setStyle(style),
  };
}
