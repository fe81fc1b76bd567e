import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import { otherProgram } from '../../support/other-programs.ts';
import type { ChaosSystem } from '../chaos-system.ts';
import { Program } from '../program.ts';
import { nodeFaults } from './node-faults.ts';

const SIZE = 3;

/** The MQTT of nats-server itself: three servers, three replicas, synced before anything is acknowledged. */
export async function natsMqttSystem(folder: string): Promise<ChaosSystem> {
  const program = otherProgram('nats-server 2.15.1');
  if (program.missing !== null) throw new Error(`${program.name}: ${program.missing}`);
  const ports = await Promise.all(Array.from({ length: 4 * SIZE }, freePort));
  const routes = ports.slice(0, SIZE).map((port) => `nats://127.0.0.1:${port}`);
  const nodes = Array.from({ length: SIZE }, (_, index) => {
    const name = `n${index + 1}`;
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    const [route, port, monitor, mqtt] = [0, 1, 2, 3].map((kind) => ports[kind * SIZE + index]);
    const config = join(own, 'nats.conf');
    writeFileSync(
      config,
      `server_name: ${name}
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitor}"
jetstream { store_dir: ${JSON.stringify(own)}, sync_interval: always }
cluster { name: mqtt, listen: "127.0.0.1:${route}", routes: ${JSON.stringify(routes)} }
mqtt { listen: "127.0.0.1:${mqtt}", stream_replicas: 3, consumer_replicas: 3 }
`,
    );
    return new Program([...program.command, '-c', config], join(own, 'log'));
  });

  async function untilWell(): Promise<void> {
    for (const monitor of ports.slice(2 * SIZE, 3 * SIZE)) {
      for (;;) {
        try {
          if ((await fetch(`http://127.0.0.1:${monitor}/healthz`)).ok) break;
        } catch {
          // It doesn't listen yet.
        }
        await sleep(100);
      }
    }
  }

  return {
    name: `${program.name} MQTT, R3, sync always`,
    ports: ports.slice(3 * SIZE),
    maximumQoS: 2,
    versions: [4],
    faults: nodeFaults(nodes),
    async start() {
      for (const node of nodes) node.start();
      await untilWell();
      // A leader for what is made by the first client.
      await sleep(5_000);
    },
    untilWell,
    whatEnded: () => null,
    async stop() {
      await Promise.all(nodes.map((node) => node.kill()));
    },
  };
}
