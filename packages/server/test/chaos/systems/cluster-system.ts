import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientIdOf } from '../../support/client-ids.ts';
import { bin } from '../../support/command.ts';
import { freePort } from '../../support/free-port.ts';
import { freeRange } from '../../support/free-range.ts';
import { ChaosClient } from '../chaos-client.ts';
import type { ChaosSystem } from '../chaos-system.ts';
import { Network } from '../network.ts';
import { Program } from '../program.ts';
import { ServedAgain } from '../served-again.ts';
import { clusterFaults } from './cluster-faults.ts';
import type { EngineServers } from './engine-servers.ts';
import { NatsServers } from './nats-servers.ts';
import { PostgresServers } from './postgres-servers.ts';

const SIZE = 3;

/** Users of the servers of NATS. */
const APP = { user: 'app', password: 'app' };
const SYSTEM = { user: 'sys', password: 'sys' };

/** What a cluster of this kind may stand on: three servers of NATS, or two of PostgreSQL. */
export const chaosEngines = ['nats', 'postgres'] as const;

export interface ClusterSystemOptions {
  readonly engine?: (typeof chaosEngines)[number];
  /** By default as many as a cluster has. */
  readonly cells?: number;
  /**
   * Whatever connects does so without a proxy between: nothing can be cut, nothing costs, and nobody listens where a node was that has ended. Measured is
   * when what a killed node served is served again.
   */
  readonly isDirect?: boolean;
}

export interface ClusterSystem extends ChaosSystem {
  /** The files of the nodes' configuration, as commands take them. */
  readonly configs: readonly string[];
}

/** A node of the cluster, as faults harm it. */
export interface ClusterNode {
  readonly name: string;
  readonly program: Program;
  /** It has been harmed on purpose: it may be down. */
  isHarmed: boolean;
  /** Of one that doesn't run: it has lost its disk. */
  wipe(): void;
}

/** Three nodes of PromptMQ on the servers of an engine; each connection between any two of all these can be cut. */
export async function clusterSystem(
  folder: string,
  { engine: kind = 'nats', cells = 6, isDirect = false }: ClusterSystemOptions = {},
): Promise<ClusterSystem> {
  mkdirSync(folder, { recursive: true });
  const indexes = Array.from({ length: SIZE }, (_, index) => index);
  const nodes: ClusterNode[] = [];
  const servers: EngineServers[] = [];
  const serverIndexes = kind === 'nats' ? indexes : [0, 1];
  const configs: string[] = [];
  const network = new Network([
    ...indexes.map((index) => ({
      name: `b${index + 1}`,
      group: () => nodes[index]?.program.group ?? 0,
    })),
    ...serverIndexes.map((index) => ({
      name: `e${index + 1}`,
      group: () => servers[0]?.nodes[index]?.group ?? 0,
    })),
  ]);
  const [portOf, metricsOf] = (await Promise.all(
    [0, 1].map(() => Promise.all(indexes.map(freePort))),
  )) as [number[], number[]];
  /** The ports at which one party reaches all servers of the engine. */
  const through = (from: string, ports: readonly number[]) =>
    isDirect
      ? ports
      : Promise.all(ports.map((port, index) => network.open(0, `e${index + 1}`, port, from)));
  const {
    engine,
    ports: clientOf,
    options,
  } = await (kind === 'nats' ? onNats : onPostgres)(folder, serverIndexes, through);
  servers.push(engine);
  for (const index of indexes) {
    const name = `b${index + 1}`;
    // The ports of all cells and the two of the node, as they are, and as others reach them.
    const own = await freeRange(cells + 2);
    const shown = isDirect ? own : await freeRange(cells + 2);
    for (let index = 0; index <= cells + 1 && !isDirect; index++) {
      await network.open(shown + index, name, own + index);
    }
    const engineOf = await through(name, clientOf);
    const data = join(folder, name);
    const config = join(folder, `${name}.yaml`);
    configs.push(config);
    mkdirSync(data);
    writeFileSync(
      config,
      JSON.stringify({
        server: { bind: `127.0.0.1:${portOf[index]}`, 'ws-bind': 'none' },
        admin: { bind: 'none' },
        metrics: { bind: `127.0.0.1:${metricsOf[index]}` },
        storage: { 'data-dir': join(data, 'data'), 'wal-dir': join(data, 'wal') },
        log: { format: 'json', level: 'info' },
        cluster: {
          enabled: true,
          'node-id': name,
          name: 'chaos',
          ...options(engineOf),
          cells,
          bind: `127.0.0.1:${own}`,
          advertise: `127.0.0.1:${shown}`,
          secret: 'a secret of the nodes',
        },
      }),
    );
    nodes.push({
      name,
      program: new Program(
        [process.execPath, bin, '--config', config],
        join(folder, `${name}.log`),
        { HOME: folder },
      ),
      isHarmed: false,
      wipe() {
        rmSync(data, { recursive: true, force: true });
        mkdirSync(data);
      },
    });
  }

  let wrong: string | null = null;
  const servedAgain = isDirect
    ? new ServedAgain({
        ...{ cells, ports: portOf, metricsPorts: metricsOf },
        onWrong: (what) => {
          wrong ??= what;
        },
      })
    : null;

  async function untilWell(signal?: AbortSignal): Promise<void> {
    await engine.untilWell(signal);
    await untilReady(signal);
    await untilServed(signal);
    await servedAgain?.untilDone(signal);
  }

  async function untilReady(signal?: AbortSignal): Promise<void> {
    for (const [index, node] of nodes.entries()) {
      while (!(await isReady(metricsOf[index] as number))) {
        if (!node.program.isRunning && !node.isHarmed) {
          throw new Error(`${node.name} ended:\n${node.program.tail()}`);
        }
        if (signal?.aborted) return;
        await sleep(100);
      }
    }
  }

  async function untilServed(signal?: AbortSignal): Promise<void> {
    for (let cell = 0; cell < cells; cell++) {
      // Of any client of the cell, by any node.
      const clientId = clientIdOf(cell, cells, 'probe');
      while (!(await isServed(portOf, clientId))) {
        if (signal?.aborted) return;
        await sleep(100);
      }
    }
  }

  return {
    name: `PromptMQ, 3 nodes, ${cells} cells, on ${engine.name}`,
    configs,
    ports: portOf,
    maximumQoS: 2,
    versions: [5, 4],
    faults: clusterFaults({
      ...{ nodes, engine, network: isDirect ? null : network, servedAgain, untilWell },
    }),
    ...(servedAgain === null ? {} : { servedAgainMs: servedAgain.timesMs }),
    programs: { brokers: nodes.map(({ program }) => program), engine: engine.nodes },
    async start() {
      await engine.start();
      await engine.untilWell();
      for (const { program } of nodes) program.start();
      await untilWell();
      await servedAgain?.start();
    },
    untilWell,
    whatEnded() {
      if (wrong !== null) return wrong;
      const ended = nodes.find(({ program, isHarmed }) => !program.isRunning && !isHarmed);
      return ended === undefined ? null : `${ended.name} ended:\n${ended.program.tail()}`;
    },
    async stop() {
      servedAgain?.close();
      network.close();
      await Promise.all(
        [...nodes.map(({ program }) => program), ...engine.nodes].map((program) => program.kill()),
      );
    },
  };
}

type Through = (from: string, ports: readonly number[]) => Promise<number[]> | readonly number[];

/** Servers of an engine, the ports of which nodes connect to, and what a node's configuration says of it, by the ports at which it reaches these. */
interface Engine {
  readonly engine: EngineServers;
  readonly ports: readonly number[];
  options(ports: readonly number[]): Record<string, unknown>;
}

async function onNats(
  folder: string,
  indexes: readonly number[],
  through: Through,
): Promise<Engine> {
  const [ports, routeOf, monitorOf] = (await Promise.all(
    [0, 1, 2].map(() => Promise.all(indexes.map(freePort))),
  )) as [number[], number[], number[]];
  const viaRouteOf = await Promise.all(indexes.map((index) => through(`e${index + 1}`, routeOf)));
  const engine = await NatsServers.make(
    folder,
    indexes.map((index) => ({
      client: ports[index] as number,
      route: routeOf[index] as number,
      monitor: monitorOf[index] as number,
    })),
    (index) => viaRouteOf[index] as readonly number[],
    () => `accounts {
  SYS { users: [${JSON.stringify(SYSTEM)}] }
  APP { jetstream: enabled, users: [${JSON.stringify(APP)}] }
}
system_account: SYS`,
  );
  return {
    ...{ engine, ports },
    options: (reached) => ({
      engine: 'nats',
      'engine-url': reached.map((port) => `nats://127.0.0.1:${port}`),
      'engine-credentials': `${APP.user}:${APP.password}`,
      'engine-system-credentials': `${SYSTEM.user}:${SYSTEM.password}`,
    }),
  };
}

async function onPostgres(
  folder: string,
  indexes: readonly number[],
  through: Through,
): Promise<Engine> {
  const ports = await Promise.all(indexes.map(freePort));
  const via = await Promise.all(indexes.map((index) => through(`e${index + 1}`, ports)));
  const engine = new PostgresServers(folder, ports, (index) => via[index] as readonly number[]);
  return {
    ...{ engine, ports },
    options: (reached) => ({
      engine: 'postgres',
      'engine-url': reached.map((port) => `postgres://promptmq@127.0.0.1:${port}/postgres`),
    }),
  };
}

/** Whether a client is served by one of the nodes within a second. */
async function isServed(ports: readonly number[], clientId: string): Promise<boolean> {
  let count = 0;
  return new Promise((resolve) => {
    const client = new ChaosClient({
      ...{ clientId, version: 5, isClean: true, patienceMs: 60_000 },
      pickPort: () => ports[count++ % ports.length] as number,
      onServed: () => end(true),
    });
    const end = (isServed: boolean) => {
      clearTimeout(timer);
      client.leave('disconnect');
      resolve(isServed);
    };
    const timer = setTimeout(() => end(false), 1_000);
    client.start();
  });
}

async function isReady(metricsPort: number): Promise<boolean> {
  try {
    const url = `http://127.0.0.1:${metricsPort}/ready`;
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
