import type { ChaosSystem } from '../chaos-system.ts';
import { clusterSystem } from './cluster-system.ts';
import { natsMqttSystem } from './nats-mqtt-system.ts';
import { rabbitmqSystem } from './rabbitmq-system.ts';
import { workersSystem } from './workers-system.ts';

/** By name: each makes its system, with its files in a folder; ours with a number of cells. */
export const chaosSystems: Readonly<
  Record<string, ((folder: string, cells: number) => Promise<ChaosSystem>) | undefined>
> = {
  cluster: (folder, cells) => clusterSystem(folder, { cells }),
  workers: workersSystem,
  'nats-mqtt': natsMqttSystem,
  rabbitmq: rabbitmqSystem,
};
