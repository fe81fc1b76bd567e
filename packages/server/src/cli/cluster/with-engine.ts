import type { ClusterEngine } from '@promptmq/cluster';
import type { Config } from '../../config/index.ts';
import { loadFromProcess } from '../options.ts';

/** A cell's number, as it was given. */
export function cellIn(value: unknown, { cluster }: Pick<Config, 'cluster'>): number {
  const cell = /^\d{1,2}$/.test(`${value}`) ? Number(value) : Number.NaN;
  if (cell < cluster.cells) return cell;
  throw new Error(`CELL is a number from 0 to ${cluster.cells - 1}, not ${value}`);
}

/** What asks an engine, loaded by the commands that do: the process of a broker without a cluster has nothing of it. */
export const clusterPackage = () => import('@promptmq/cluster');

/**
 * Connects to the engine of the cluster that the configuration of this process names, as its nodes do; nothing of it is kept.
 *
 * @param args - as parsed
 * @throws {EngineError} `unavailable`, `unsuitable`, `not-installed`; Error when the configuration is of no node of a cluster
 */
export async function withEngine<T>(
  args: Readonly<Record<string, unknown>>,
  ask: (engine: ClusterEngine, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = loadFromProcess(args);
  if (!config.cluster.enabled) {
    throw new Error('cluster.enabled is false: the configuration has to be that of a node');
  }
  const { engineOf } = await import('../../cluster/cell/cluster-engine.ts');
  const engine = engineOf(config);
  try {
    await engine.connect();
    return await ask(engine, config);
  } finally {
    await engine.close();
  }
}

/**
 * The same for a command about the logs that the engine has.
 *
 * @param instead - what to do where it has none
 */
export async function withEngineLogs<T>(
  args: Readonly<Record<string, unknown>>,
  instead: string,
  ask: (engine: ClusterEngine, config: Config) => Promise<T>,
): Promise<T> {
  const { cluster } = loadFromProcess(args).config;
  if (cluster.enabled && cluster.durability === 'node') {
    throw new Error(
      `with cluster.durability: node the engine has no logs: that of a cell is on the disk of its home alone, in cell-N of its storage.wal-dir. ${instead}`,
    );
  }
  return withEngine(args, ask);
}
