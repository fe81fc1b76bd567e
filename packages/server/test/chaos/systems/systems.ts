import type { ChaosSystem } from '../chaos-system.ts';
import { natsMqttSystem } from './nats-mqtt-system.ts';
import { rabbitmqSystem } from './rabbitmq-system.ts';
import { workersSystem } from './workers-system.ts';

/** By name: each makes its system, with its files in a folder. */
export const chaosSystems: Readonly<
  Record<string, ((folder: string) => Promise<ChaosSystem>) | undefined>
> = {
  workers: (folder) => workersSystem(folder),
  'nats-mqtt': natsMqttSystem,
  rabbitmq: rabbitmqSystem,
};
