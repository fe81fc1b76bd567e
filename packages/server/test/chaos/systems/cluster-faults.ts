import type { Random } from '@promptmq/wal/testing';
import type { Fault } from '../chaos-system.ts';
import type { Network } from '../network.ts';
import type { ServedAgain } from '../served-again.ts';
import type { ClusterNode } from './cluster-system.ts';
import type { EngineServers } from './engine-servers.ts';

/** What there is to harm. */
export interface ClusterParts {
  readonly nodes: readonly ClusterNode[];
  readonly engine: EngineServers;
  /** Null: nothing is between them. */
  readonly network: Network | null;
  /** Who measures when what a node served is served again; null: nobody. */
  readonly servedAgain: ServedAgain | null;
  untilWell(): Promise<void>;
}

/** Long enough for what is measured to be over. */
const MEASURED_MS = [14_000, 18_000] as const;

/** Everything that may happen to nodes, to the engine's servers, and to what is between them, where something is. */
export function clusterFaults(parts: ClusterParts): Fault[] {
  const { network } = parts;
  const ofNetwork = network === null ? [] : networkFaultsOf(parts, network);
  return [...nodeFaultsOf(parts), ...engineFaultsOf(parts), ...ofNetwork];
}

/** How long a kill lasts, and what it needs: what is measured is not to be mixed with what else goes wrong. */
function killsOf({ servedAgain }: ClusterParts): Pick<Fault, 'lastsMs' | 'needsWell'> {
  if (servedAgain === null) return { lastsMs: [500, 12_000] };
  return { lastsMs: MEASURED_MS, needsWell: true };
}

/** @param fault - of which this is a part */
async function killNode(
  { nodes, servedAgain }: ClusterParts,
  fault: string,
  node: ClusterNode,
): Promise<void> {
  const onKilled = await servedAgain?.before(fault, nodes.indexOf(node));
  node.isHarmed = true;
  onKilled?.();
  await node.program.kill();
}

function startNode(node: ClusterNode): void {
  node.program.start();
  node.isHarmed = false;
}

function nodeFaultsOf(parts: ClusterParts): Fault[] {
  const { nodes } = parts;
  const running = (random: Random) => {
    const found = nodes.filter(({ program, isHarmed }) => program.isRunning && !isHarmed);
    return found.length === 0 ? null : random.pick(found);
  };
  return [
    {
      name: 'node killed',
      weight: 6,
      ...killsOf(parts),
      async begin(random) {
        const node = running(random);
        if (node === null) return null;
        await killNode(parts, 'node killed', node);
        return async () => startNode(node);
      },
    },
    {
      name: 'node killed, its disk lost',
      weight: 1,
      ...killsOf(parts),
      async begin(random) {
        const node = running(random);
        if (node === null) return null;
        await killNode(parts, 'node killed, its disk lost', node);
        node.wipe();
        return async () => startNode(node);
      },
    },
    {
      name: 'node stopped',
      weight: 3,
      lastsMs: [1_000, 20_000],
      async begin(random) {
        const node = running(random);
        if (node === null) return null;
        node.program.signal('SIGSTOP');
        return async () => node.program.signal('SIGCONT');
      },
    },
    {
      name: 'process killed',
      weight: 3,
      lastsMs: [0, 0],
      async begin(random) {
        const node = running(random);
        const { processes = [], group = 0 } = node?.program ?? {};
        const children = processes.filter((pid) => pid !== group);
        if (children.length === 0) return null;
        signalOne(random.pick(children), 'SIGKILL');
        return async () => {};
      },
    },
    {
      name: 'process stopped',
      weight: 2,
      lastsMs: [500, 15_000],
      async begin(random) {
        const { processes = [] } = running(random)?.program ?? {};
        if (processes.length === 0) return null;
        const pid = random.pick(processes);
        signalOne(pid, 'SIGSTOP');
        return async () => signalOne(pid, 'SIGCONT');
      },
    },
    {
      name: 'node restarted in order',
      weight: 2,
      lastsMs: [0, 3_000],
      async begin(random) {
        const node = running(random);
        if (node === null) return null;
        node.isHarmed = true;
        const code = await node.program.terminate();
        if (code !== 0) throw new Error(`${node.name} ended with ${code}:\n${node.program.tail()}`);
        return async () => startNode(node);
      },
    },
  ];
}

function engineFaultsOf(parts: ClusterParts): Fault[] {
  const { nodes, engine, untilWell } = parts;
  const servers = engine.nodes;
  return [
    {
      name: 'engine server killed',
      weight: 3,
      lastsMs: [500, 12_000],
      async begin(random) {
        const server = random.pick(servers);
        await server.kill();
        return async () => server.start();
      },
    },
    {
      name: 'engine server stopped',
      weight: 2,
      lastsMs: [1_000, 20_000],
      async begin(random) {
        const server = random.pick(servers);
        server.signal('SIGSTOP');
        return async () => server.signal('SIGCONT');
      },
    },
    {
      name: 'engine server killed, its disk lost',
      weight: 0.5,
      lastsMs: [500, 5_000],
      // A second one that lacks something would be a majority without it.
      needsWell: true,
      async begin(random) {
        const index = random.below(servers.length);
        await servers[index]?.kill();
        await engine.lose(index);
        return async () => {
          await engine.bringBack(index);
          await untilWell();
        };
      },
    },
    {
      name: 'machine killed',
      weight: 2,
      ...killsOf(parts),
      async begin(random) {
        const index = random.below(servers.length);
        const node = nodes[index] as ClusterNode;
        const server = servers[index];
        await Promise.all([killNode(parts, 'machine killed', node), server?.kill()]);
        return async () => {
          server?.start();
          startNode(node);
        };
      },
    },
    {
      name: 'engine down',
      weight: 0.4,
      lastsMs: [5_000, 60_000],
      async begin() {
        await Promise.all(servers.map((server) => server.kill()));
        return async () => engine.start();
      },
    },
  ];
}

function networkFaultsOf({ nodes, engine }: ClusterParts, network: Network): Fault[] {
  const brokers = nodes.map(({ name }) => name);
  const servers = engine.nodes.map((_, index) => `e${index + 1}`);
  const all = [...brokers, ...servers];
  const heal = async () => network.heal();
  const cut = (random: Random, from: string, to: string) =>
    network.set(from, to, random.chance(0.7) ? 'silent' : 'refused');
  return [
    {
      name: 'partition',
      weight: 3,
      lastsMs: [1_000, 40_000],
      async begin(random) {
        const side = all.filter(() => random.chance(0.5));
        const others = all.filter((name) => !side.includes(name));
        const isOneWay = random.chance(0.2);
        const way = random.chance(0.7) ? 'silent' : 'refused';
        for (const one of side) {
          for (const other of others) {
            network.set(one, other, way);
            if (!isOneWay) network.set(other, one, way);
          }
        }
        return heal;
      },
    },
    {
      name: 'nodes cut off from one another',
      weight: 2,
      lastsMs: [500, 30_000],
      async begin(random) {
        for (const one of brokers) {
          for (const other of brokers) {
            if (one !== other && random.chance(0.3)) cut(random, one, other);
          }
        }
        return heal;
      },
    },
    {
      name: 'nodes cut off from the engine',
      weight: 2,
      lastsMs: [500, 40_000],
      async begin(random) {
        const isWhole = random.chance(0.5);
        const node = random.pick(brokers);
        for (const server of servers) {
          for (const broker of isWhole ? [node] : brokers) {
            if (isWhole || random.chance(0.3)) cut(random, broker, server);
          }
        }
        return heal;
      },
    },
    {
      name: 'slow network',
      weight: 1,
      lastsMs: [1_000, 10_000],
      async begin(random) {
        for (const one of all) {
          for (const other of all) {
            if (one !== other && random.chance(0.3)) network.delay(one, other, random.below(100));
          }
        }
        return heal;
      },
    },
  ];
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
