import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import { otherProgram } from '../../support/other-programs.ts';
import { Program } from '../program.ts';
import { type EngineServers, refuseEnded } from './engine-servers.ts';

/** How the others and clients reach a server. */
export interface NatsAddresses {
  readonly client: number;
  readonly route: number;
  readonly monitor: number;
}

/** Three servers of NATS that sync before they acknowledge, each with a folder of its own. */
export class NatsServers implements EngineServers {
  readonly name: string;
  readonly nodes: readonly Program[];
  readonly #folders: readonly string[];
  readonly #monitors: readonly number[];

  private constructor(
    name: string,
    nodes: readonly Program[],
    folders: readonly string[],
    monitors: readonly number[],
  ) {
    this.name = name;
    this.nodes = nodes;
    this.#folders = folders;
    this.#monitors = monitors;
  }

  /**
   * @param routesOf - the ports at which one of them reaches all
   * @param more - lines of the configuration of one of them
   */
  static async make(
    folder: string,
    addresses: readonly NatsAddresses[],
    routesOf: (index: number) => readonly number[],
    more: (index: number) => string,
  ): Promise<NatsServers> {
    const { name, command, missing } = otherProgram('nats-server 2.15.1');
    if (missing !== null) throw new Error(`${name}: ${missing}`);
    const folders: string[] = [];
    // Else they tell one another where they listen, and pass by the routes that are given.
    const nowhere = await freePort();
    const nodes = addresses.map(({ client, route, monitor }, index) => {
      const own = join(folder, `e${index + 1}`);
      const config = join(folder, `e${index + 1}.conf`);
      const routes = routesOf(index).map((port) => `nats://127.0.0.1:${port}`);
      folders.push(own);
      mkdirSync(own, { recursive: true });
      writeFileSync(
        config,
        `server_name: e${index + 1}
listen: "127.0.0.1:${client}"
http: "127.0.0.1:${monitor}"
max_payload: 8MB
jetstream { store_dir: ${JSON.stringify(own)}, max_file_store: 40GB, sync_interval: always }
cluster {
  name: chaos, listen: "127.0.0.1:${route}", advertise: "127.0.0.1:${nowhere}", no_advertise: true
  routes: ${JSON.stringify(routes)}
}
${more(index)}
`,
      );
      return new Program([...command, '-c', config], join(folder, `e${index + 1}.log`));
    });
    const monitors = addresses.map(({ monitor }) => monitor);
    return new NatsServers(name, nodes, folders, monitors);
  }

  async start(): Promise<void> {
    for (const node of this.nodes) node.start();
  }

  /**
   * Each has all that it should have, and there is a leader.
   *
   * @throws {Error} when one could not start
   */
  async untilWell(signal?: AbortSignal): Promise<void> {
    for (const monitor of this.#monitors) {
      const url = `http://127.0.0.1:${monitor}`;
      while (!((await isHealthy(url)) && (await hasLeader(url)))) {
        refuseEnded(this.name, this.nodes);
        if (signal?.aborted) return;
        await sleep(100);
      }
    }
  }

  async lose(index: number): Promise<void> {
    const folder = this.#folders[index] as string;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }

  async bringBack(index: number): Promise<void> {
    this.nodes[index]?.start();
  }
}

async function isHealthy(url: string): Promise<boolean> {
  return (await answerOf(`${url}/healthz`)) !== null;
}

async function hasLeader(url: string): Promise<boolean> {
  const answer = await answerOf(`${url}/jsz`);
  const { leader = '' } = answer?.meta_cluster ?? {};
  return leader !== '';
}

async function answerOf(url: string): Promise<{ meta_cluster?: { leader?: string } } | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? ((await response.json()) as { meta_cluster?: { leader?: string } }) : null;
  } catch {
    return null;
  }
}
