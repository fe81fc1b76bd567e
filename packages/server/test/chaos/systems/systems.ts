import type { ChaosSystem } from '../chaos-system.ts';
import { type ClusterSystemOptions, clusterSystem } from './cluster-system.ts';
import { natsMqttSystem } from './nats-mqtt-system.ts';
import { rabbitmqSystem } from './rabbitmq-system.ts';
import { workersSystem } from './workers-system.ts';

/** Of ours: how many cells, on what, and whether with proxies. */
export type ChaosSystemOptions = Required<
  Pick<ClusterSystemOptions, 'cells' | 'engine' | 'isDirect'>
>;

/** By name: each makes its system, with its files in a folder. */
export const chaosSystems: Readonly<
  Record<
    string,
    ((folder: string, options: ChaosSystemOptions) => Promise<ChaosSystem>) | undefined
  >
> = {
  cluster: clusterSystem,
  workers: (folder, { cells }) => workersSystem(folder, cells),
  'nats-mqtt': natsMqttSystem,
  rabbitmq: rabbitmqSystem,
};
