import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import type { ChaosSystem } from '../chaos-system.ts';
import { NatsServers } from './nats-servers.ts';
import { nodeFaults } from './node-faults.ts';

const SIZE = 3;

/** The MQTT of nats-server itself: three servers, three replicas, synced before anything is acknowledged. */
export async function natsMqttSystem(folder: string): Promise<ChaosSystem> {
  const ports = await Promise.all(Array.from({ length: 4 * SIZE }, freePort));
  const [client, route, monitor, mqtt] = [0, 1, 2, 3].map((kind) =>
    ports.slice(kind * SIZE, (kind + 1) * SIZE),
  ) as [number[], number[], number[], number[]];
  const addresses = client.map((port, index) => ({
    client: port,
    route: route[index] as number,
    monitor: monitor[index] as number,
  }));
  const servers = await NatsServers.make(
    folder,
    addresses,
    () => route,
    (index) =>
      `mqtt { listen: "127.0.0.1:${mqtt[index]}", stream_replicas: 3, consumer_replicas: 3 }`,
  );
  return {
    name: `${servers.name} MQTT, R3, sync always`,
    ports: mqtt,
    maximumQoS: 2,
    versions: [4],
    faults: nodeFaults(servers.nodes),
    programs: { brokers: servers.nodes },
    async start() {
      await servers.start();
      await servers.untilWell();
      // Until there is a leader for what the first client makes.
      await sleep(5_000);
    },
    untilWell: (signal) => servers.untilWell(signal),
    whatEnded: () => null,
    async stop() {
      await Promise.all(servers.nodes.map((node) => node.kill()));
    },
  };
}
