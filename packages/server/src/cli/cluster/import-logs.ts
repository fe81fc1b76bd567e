import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterEngine, cellOf, claimUnusedCell, Shipper } from '@promptmq/cluster';
import { ReasonCode } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import { nodeClock, nodeFiles } from '@promptmq/wal';
import { backupLog, statLog } from '@promptmq/wal/tools';
import { Broker } from '../../broker.ts';
import type { Config } from '../../config/index.ts';
import { noopLogger } from '../../log/index.ts';
import { nodeRuntime } from '../../runtime/runtime.ts';

/** What a cell was given. */
export interface ImportedCell {
  readonly cell: number;
  readonly sessions: number;
  readonly retained: number;
  /** Of its log. */
  readonly bytes: number;
}

export interface LogImport {
  /** The log of one broker, or the folder in which workers have theirs, `cell-0` and so on; nobody uses it meanwhile. */
  readonly directory: string;
  /** Where the cells' logs are made before the engine gets them: empty, or made. Room for the log as often as there are cells. */
  readonly workDirectory: string;
  /** Connected. */
  readonly engine: ClusterEngine;
  /** Of a node of the cluster. */
  readonly config: Config;
  readonly onCell: (imported: ImportedCell) => void;
}

/** Retained messages that are looked at in a turn. */
const NODES_MAX = 10_000;

/**
 * Gives the cells of a cluster that no node has ever served what a broker, or the workers of one, have in their logs: each session and
 * each retained message goes to the cell that it falls to. What is there stays as it is.
 *
 * The log of one broker is copied for each cell, and what falls to other cells is removed from the copy.
 *
 * @throws {LogError} `locked`, `not-found`, `newer-version`; {EngineError}; Error when a cell has a log already, or there are as many logs
 * of workers as there are not cells
 */
export async function importLogs(options: LogImport): Promise<void> {
  const { directory, workDirectory, engine, config } = options;
  const { cells } = config.cluster;
  await mkdir(workDirectory, { recursive: true });
  if ((await readdir(workDirectory)).length > 0) {
    throw new Error(`${workDirectory} is not empty: the logs of the cells are made there`);
  }
  const workerLogs = await workerLogsOf(directory);
  if (workerLogs.length > 0 && workerLogs.length !== cells) {
    throw new Error(
      `${directory} has the logs of ${workerLogs.length} workers, and the cluster has ${cells} cells: only as many can be imported`,
    );
  }
  for (let cell = 0; cell < cells; cell++) await refuseIfUsed(engine, cell);
  for (let cell = 0; cell < cells; cell++) {
    const target = join(workDirectory, `cell-${cell}`);
    const own = workerLogs[cell];
    if (own === undefined) await copyForCell(directory, target, cell, config);
    else await copyLog(own, target);
    options.onCell(await bring(engine, target, cell, config));
    await rm(target, { recursive: true });
  }
}

async function workerLogsOf(directory: string): Promise<string[]> {
  const names = new Set(await readdir(directory));
  const logs: string[] = [];
  while (names.has(`cell-${logs.length}`)) logs.push(join(directory, `cell-${logs.length}`));
  return logs;
}

async function refuseIfUsed(engine: ClusterEngine, cell: number): Promise<void> {
  const log = await engine.openLog(cell);
  const { last } = await log.bounds();
  await log.close();
  if (last > 0) throw new Error(`the engine has a log of cell ${cell} already`);
}

/** A log with the identity that it has: other workers know it by that. */
async function copyLog(directory: string, target: string): Promise<void> {
  const unlock = await nodeFiles.lock(directory);
  try {
    await cp(directory, target, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  } finally {
    await unlock();
  }
}

/** A copy with an identity of its own, without what falls to other cells. */
async function copyForCell(
  directory: string,
  target: string,
  cell: number,
  config: Config,
): Promise<void> {
  const unlock = await nodeFiles.lock(directory);
  try {
    await backupLog(directory, target);
  } finally {
    await unlock();
  }
  await withBroker(target, config, {}, async (broker, { log }) => {
    cutSessions(broker, cell, config.cluster.cells);
    clearRetained(broker, cell, config.cluster.cells);
    await log.flush();
    log.setCompaction({ maxSize: 0, maxAge: 0, checkInterval: 0 });
    await log.compact();
  });
}

function cutSessions({ sessions }: Broker, cell: number, cells: number): void {
  for (const entry of [...sessions.after(0)]) {
    if (cellOf(entry.session.clientId, cells) !== cell) sessions.cut(entry);
  }
}

function clearRetained({ router, runtime }: Broker, cell: number, cells: number): void {
  const walk = router.retained.walk('#');
  try {
    while (!walk.isDone) {
      const found: Message[] = [];
      router.retained.step(walk, NODES_MAX, found, runtime.now());
      for (const message of found) {
        if (cellOf(message.topic, cells) !== cell) router.clearRetained(message);
      }
    }
  } finally {
    router.retained.end(walk);
  }
}

/** Has the engine have the log of a cell. */
async function bring(
  engine: ClusterEngine,
  directory: string,
  cell: number,
  config: Config,
): Promise<ImportedCell> {
  const { logId, bytes: size } = await statLog(directory);
  if (size > config.cluster.logMax) {
    throw new Error(`the log of cell ${cell} has ${size} bytes, more than cluster.log-max`);
  }
  if (logId === null) throw new Error(`${directory}: a log without identity can't be imported`);
  const engineLog = await engine.openLog(cell);
  let failure: Error | null = null;
  const fenced = await claimUnusedCell({
    ...{ log: engineLog, clock: nodeClock, identity: logId },
    onFailed: (error) => {
      failure = error;
    },
  });
  try {
    const resources = { replica: new Shipper(fenced), logId };
    return await withBroker(directory, config, resources, async (broker, { log }) => {
      // Who takes the cell over reads the log from there on, and knows by it which segments there are.
      await log.writeSnapshot();
      await log.flush();
      if (failure !== null) throw failure;
      const { sessions, router } = broker;
      return { cell, sessions: sessions.count, retained: router.retained.count, bytes: log.size };
    });
  } finally {
    fenced.close();
    await engineLog.close();
  }
}

/** A broker without listeners, on a log. */
async function withBroker<T>(
  directory: string,
  config: Config,
  resources: Parameters<Broker['recover']>[0],
  use: (broker: Broker, storage: NonNullable<Broker['storage']>) => Promise<T>,
): Promise<T> {
  const storage = { ...config.storage, walDir: directory, dataDir: directory };
  const broker = new Broker({ ...config, storage }, nodeRuntime, noopLogger);
  try {
    await broker.recover(resources);
    if (broker.storage === null) throw new Error(`${directory} could not be opened`);
    return await use(broker, broker.storage);
  } finally {
    await broker.stop(0, ReasonCode.ServerShuttingDown);
  }
}
