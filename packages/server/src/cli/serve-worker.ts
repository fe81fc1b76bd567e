import { join } from 'node:path';
import { Admin, AdminServer, ApiError } from '../admin/index.ts';
import { changeUsersOperation, PROCESS_OPERATIONS } from '../admin/processes/index.ts';
import {
  AskedQuestions,
  adminSocket,
  comparedSettings,
  EngineAhead,
  type FromWorker,
  linkTermsOf,
  metricsSocket,
  type ToWorker,
  Worker,
  type WorkerClaim,
  type WorkerLabel,
  type WorkerStart,
} from '../cluster/index.ts';
import { type Config, ConfigError, type LoadedConfig, WatchedFiles } from '../config/index.ts';
import { type BrokerSeams, openBroker } from '../embed/create-broker.ts';
import type { EmbeddedBroker } from '../embed/embedded-broker.ts';
import type { BoundListener } from '../listeners/listener.ts';
import type { ConfigurableLogger } from '../log/index.ts';
import { nodeRuntime } from '../runtime/runtime.ts';
import { cellFolders } from '../service/data-layout.ts';
import { CellTaken, HostedCell, type HostedCellOptions } from './hosted-cell.ts';
import { cellLossOf, OwnCell } from './own-cell.ts';
import { followLog, LAST_LINES_MS, openLog } from './process-log.ts';
import { Reloader, watchedPaths } from './reloader.ts';
import { becomeService } from './standard-streams.ts';

/** How long a cell that stops waits for the engine once its clients are gone, in milliseconds. */
const ENGINE_LAST_MS = 5000;

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
  let engineAhead: EngineAhead | null = null;
  const started = new Promise<WorkerStart>((resolve) => {
    keep = (message, handle) => {
      if (message.kind === 'start') resolve(message);
      else if (message.kind === 'spare') engineAhead = new EngineAhead(given.config);
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
  const loaded = ofWorker(latest(given, load));
  const { config } = loaded;
  const files = new WatchedFiles(watchedPaths(loaded));
  const { logger: plain, output, logTail } = await openLog(config, start.isColoured);
  const logger = numbered(plain, start.label);
  const refuse = async (error: unknown) => {
    const isUsage = error instanceof ConfigError;
    const { message: why } = error as Error;
    const loss = cellLossOf(error);
    const said: FromWorker =
      error instanceof CellTaken
        ? { kind: 'taken', why }
        : { kind: 'refused', why, isUsage, ...(loss === null ? {} : { loss }) };
    await new Promise<void>((resolve) => tell(said, null, resolve));
    await output.finish(LAST_LINES_MS);
    process.exit(1);
  };
  const isOfCluster = start.node !== null && start.cell !== null;
  const spare = engineAhead as EngineAhead | null;
  if (!isOfCluster) void spare?.close();
  const connected = isOfCluster ? ((await spare?.take(config)) ?? null) : null;
  let onClaimed = (_claim: WorkerClaim) => {};
  const claimed = new Promise<WorkerClaim>((resolve) => {
    onClaimed = resolve;
  });
  let broker: EmbeddedBroker | null = null;
  let admin: AdminServer | null = null;
  let reloader: Reloader | null = null;
  /** Of a reload that came before that. */
  let reloadCause: string | null = null;
  let isStopping = false;

  const incarnation = nodeRuntime.uniqueId();
  /** Of a cell of a cluster. */
  let hosted: HostedCell | OwnCell | null = null;

  const usersQuestions = new AskedQuestions();
  const worker = new Worker(
    start,
    {
      giveSocket: (to, facts, read, handle, onSent) => {
        const message = { kind: 'give', to, facts, read: Buffer.from(read).toString('base64') };
        tell(message as FromWorker, handle, onSent);
      },
      onReplaced: (why) => hosted?.end(why),
      changeUsers: (request) =>
        usersQuestions.ask((number) => tell({ kind: 'users', number, request })),
      tellFigures: (figures) => tell({ kind: 'figures', figures }),
    },
    incarnation,
    (error) => broker?.noteUncaught(error),
    linkTermsOf(config, start, logger),
  );
  const stopBroker = async () => {
    // What the engine doesn't take in all that time was acknowledged to nobody.
    const waitMs = config.server.shutdownTimeout + ENGINE_LAST_MS;
    const why = 'this node stops, and the engine takes nothing';
    const timer = setTimeout(() => hosted?.end(why), waitMs);
    try {
      await (hosted ?? broker)?.stop();
    } catch (error) {
      logger.error('stop-failed', { why: (error as Error).message });
      process.exitCode = 1;
    }
    clearTimeout(timer);
  };
  const finish = async () => {
    reloader?.close();
    await admin?.close();
    await stopBroker();
    tell({ kind: 'left' });
    await worker.stop();
    await output.finish(LAST_LINES_MS);
    process.exit();
  };
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    if (broker !== null) void finish();
    // Nobody has been served yet, and the cell may wait for others for long.
    else if (isOfCluster) process.exit();
  };
  const onMessage = (message: ToWorker, handle: unknown) => {
    switch (message.kind) {
      case 'start':
      case 'spare':
        return;
      case 'claim':
        worker.claim(message.epoch);
        onClaimed(message);
        return;
      case 'socket':
        worker.takeSocket(handle as object, message.facts, Buffer.from(message.read, 'base64'));
        return;
      case 'reload':
        if (reloader === null) reloadCause = message.cause;
        else reloader.reload(message.cause);
        return;
      case 'figures':
        worker.onFigures(message.others);
        return;
      case 'users':
        usersQuestions.answer(message.number, message.response, message.why);
        return;
      case 'cells':
        worker.onCells(message.cells, message.isClosed);
        return;
      case 'abandon':
        hosted?.end(message.why);
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

  const seams: BrokerSeams = {
    heedsWithoutUsers: true,
    runtime: worker.runtime,
    isMachine: true,
    intercept: (transport, accept) => worker.front.intercept(transport, accept),
    beforeRecovery: (one) => worker.prepare(one),
    beforeListening: async (one) => {
      await worker.begin(one);
      // What is published before might miss subscribers elsewhere.
      if (isOfCluster) await worker.whole();
    },
    beforeStop: () => worker.release(),
    beforeCut: () => worker.drained(config.server.shutdownTimeout),
  };
  try {
    if (isOfCluster) {
      const claim = start.isAhead ? claimed : start;
      const options: HostedCellOptions = {
        openBroker: (storage, onStorageFailed) =>
          openBroker(config, { logger, storage, onStorageFailed }, seams),
        onEnded: (why) => {
          tell({ kind: 'taken', why });
          stop();
        },
        onWitness: (witness) => tell({ kind: 'witness', witness }),
        onWaiting: (why) => logger.warn('cell-waiting', { why }),
        onPrepared: (position) => {
          logger.info('cell-prepared', { position });
          tell({ kind: 'prepared' });
        },
      };
      hosted =
        config.cluster.durability === 'node'
          ? await OwnCell.open(start, config, connected, logger, options)
          : await HostedCell.open(start, claim, config, incarnation, connected, options);
      broker = hosted.running;
    } else {
      const onStorageFailed = () => {
        process.exitCode = 1;
        stop();
      };
      const opened = await openBroker(config, { logger, onStorageFailed }, seams);
      broker = opened.running;
    }
  } catch (error) {
    await refuse(error);
  }
  const serving = broker as EmbeddedBroker;
  process.on('uncaughtException', (error) => serving.noteUncaught(error));
  process.on('unhandledRejection', (reason) => serving.noteUncaught(reason));
  worker.serve(serving.listeners as readonly BoundListener[]);
  const api = await Admin.start(serving, logger, {
    logTail,
    furtherOperations: [
      ...PROCESS_OPERATIONS,
      changeUsersOperation((request) => worker.carryOutUsers(request)),
    ],
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
  const tellSettings = (next: Config) => {
    if (start.node !== null) tell({ kind: 'settings', settings: comparedSettings(next, config) });
  };
  tellSettings(config);
  admin = await AdminServer.serveProcess(
    api,
    join(start.directory, adminSocket(start.label)),
    (error) => logger.error('admin-failed', { error: String(error) }),
  );
  reloader = new Reloader(loaded, {
    broker: serving,
    logger,
    load: () => ofWorker(load()),
    files,
    onReloaded: (next) => {
      followLog(next.log, plain, output);
      tellSettings(next);
    },
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

/** It may have waited for its work for long, and the configuration be another one; what is wrong with that, the supervisor says. */
function latest(given: LoadedConfig, load: () => LoadedConfig): LoadedConfig {
  try {
    return load();
  } catch {
    return given;
  }
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
  const { metrics, admin, log, server } = config;
  // A front keeps nothing.
  const storage =
    cell === null
      ? { ...config.storage, enabled: false }
      : { ...config.storage, ...cellFolders(config.storage, cell) };
  return {
    ...config,
    server: { ...server, daemon: false, pidFile: null },
    storage,
    metrics: {
      ...metrics,
      bind: metrics.enabled ? [{ kind: 'unix', path: join(directory, metricsSocket(label)) }] : [],
    },
    admin: {
      ...admin,
      bind: [],
      keyFile: 'none',
      // What is open there is counted there; traces are streams here.
      maxStreams: admin.maxStreams + admin.maxTraces,
      maxConnections: 2 * (admin.maxConnections + admin.maxTraces),
    },
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
