import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APP,
  NatsCluster,
  type NatsClusterOptions,
} from '../../../cluster/test/support/nats-cluster.ts';
import { Command } from '../support/command.ts';
import { freeRange } from '../support/free-range.ts';

const SECRET = 'what only the nodes of the test know';

/** A node of a cluster: its command, its ports and its folders. */
export class TestNode {
  readonly id: string;
  readonly port: number;
  /** Of its WebSocket; 0: it has none. */
  readonly wsPort: number;
  readonly metricsPort: number;
  /** Where other nodes ask what operators want to know. */
  readonly doorPort: number;
  /** Of operators on this machine. */
  readonly adminSocket: string;
  readonly #folder: string;
  readonly #args: readonly string[];
  command: Command | null = null;

  constructor(
    id: string,
    folder: string,
    ports: {
      readonly mqtt: number;
      readonly ws: number;
      readonly metrics: number;
      readonly links: number;
      readonly door: number;
    },
    more: readonly string[],
  ) {
    this.id = id;
    this.port = ports.mqtt;
    this.wsPort = ports.ws;
    this.metricsPort = ports.metrics;
    this.#folder = join(folder, id);
    this.doorPort = ports.door;
    this.adminSocket = join(folder, `${id}.sock`);
    this.#args = [
      ...['--bind', `127.0.0.1:${ports.mqtt}`, '--admin-bind', 'none'],
      ...['--ws-bind', ports.ws === 0 ? 'none' : `127.0.0.1:${ports.ws}`],
      ...['--metrics-bind', `127.0.0.1:${ports.metrics}`, '--admin-socket', this.adminSocket],
      ...['--data-dir', join(this.#folder, 'data'), '--wal-dir', join(this.#folder, 'wal')],
      ...['--log-format', 'json', '--log-level', 'debug', '--cluster-enabled'],
      ...['--cluster-node-id', id, '--cluster-bind', `127.0.0.1:${ports.links}`, ...more],
    ];
  }

  /** @param more - further options, or others in the place of those it has, each with its value */
  start(...more: readonly string[]): Command {
    const isReplaced = (arg: string | undefined) => arg?.startsWith('--') && more.includes(arg);
    const kept = this.#args.filter(
      (arg, index) => !isReplaced(arg) && !isReplaced(this.#args[index - 1]),
    );
    const args = [...kept, ...more];
    this.command = new Command(args, tmpdir(), { PROMPTMQ_CLUSTER_SECRET: SECRET });
    return this.command;
  }

  /** A command with the configuration of this node. */
  run(command: readonly string[]): Command {
    return new Command([...command, ...this.#args], tmpdir(), { PROMPTMQ_CLUSTER_SECRET: SECRET });
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Of what it has on its disk. */
  get folder(): string {
    return this.#folder;
  }

  /** Of the logs of its cells. */
  get walFolder(): string {
    return join(this.#folder, 'wal');
  }

  /** Runs `promptmq cluster`, with the configuration of the node. */
  runCluster(...args: readonly string[]): Command {
    const own = this.#args.slice(this.#args.indexOf('--cluster-enabled'));
    return new Command(['cluster', ...args, ...own], tmpdir(), { PROMPTMQ_CLUSTER_SECRET: SECRET });
  }

  /** Its processes: that of the node first. */
  get pids(): number[] {
    const pid = this.command?.child.pid as number;
    const found = execFileSync('sh', ['-c', `pgrep -P ${pid} || true`], { encoding: 'utf8' });
    return [pid, ...found.split('\n').filter(Boolean).map(Number)];
  }

  /** Ends all of its processes at once. */
  async kill(): Promise<void> {
    const { command } = this;
    if (command === null) return;
    this.command = null;
    for (const pid of this.#pidsOf(command)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await command.exitCode();
  }

  /** Has it lose what is on its disk. */
  wipe(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #pidsOf(command: Command): number[] {
    const { pid } = command.child;
    const found = execFileSync('sh', ['-c', `pgrep -P ${pid} || true`], { encoding: 'utf8' });
    return [pid as number, ...found.split('\n').filter(Boolean).map(Number)];
  }
}

export interface NodesOptions {
  readonly cells: number;
  readonly nodes: readonly string[];
  /** Whether clients can connect by WebSocket; by default not. */
  readonly hasWebSocket?: boolean;
  /** Further options of each node. */
  readonly args?: readonly string[];
}

/** Nodes of a cluster, all on this machine, none of which is started. */
export class TestNodes {
  readonly all: readonly TestNode[];
  readonly #folder: string;

  private constructor(all: readonly TestNode[], folder: string) {
    this.all = all;
    this.#folder = folder;
  }

  static async prepare({
    cells,
    nodes,
    hasWebSocket = false,
    args = [],
  }: NodesOptions): Promise<TestNodes> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-nodes-'));
    const ports = await freePorts(3 * nodes.length);
    const all: TestNode[] = [];
    for (const [index, id] of nodes.entries()) {
      const [mqtt = 0, metrics = 0, free = 0] = ports.slice(3 * index);
      const ws = hasWebSocket ? free : 0;
      const links = await freeRange(cells + 2);
      const door = links + cells + 1;
      all.push(
        new TestNode(id, folder, { mqtt, ws, metrics, links, door }, [
          ...['--cluster-cells', `${cells}`, ...args],
        ]),
      );
    }
    return new TestNodes(all, folder);
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((node) => node.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface NodeClusterOptions extends NodesOptions {
  readonly nats: NatsClusterOptions;
}

/** @returns options of nodes whose engine the servers are */
export function engineArgs(servers: NatsCluster): readonly string[] {
  return [
    ...['--cluster-engine-url', servers.urls.join(',')],
    ...['--cluster-engine-credentials', `${APP.user}:${APP.password}`],
    ...['--cluster-engine-monitors', servers.monitors.join(',')],
  ];
}

/** Nodes of a cluster over three servers of NATS, all on this machine. */
export class NodeCluster {
  readonly servers: NatsCluster;
  readonly nodes: readonly TestNode[];
  readonly #nodes: TestNodes;

  private constructor(servers: NatsCluster, nodes: TestNodes) {
    this.servers = servers;
    this.nodes = nodes.all;
    this.#nodes = nodes;
  }

  /** Nothing is started but the servers. */
  static async prepare({ nats, args = [], ...options }: NodeClusterOptions) {
    const servers = await NatsCluster.start(nats);
    const all = [...engineArgs(servers), ...args];
    const nodes = await TestNodes.prepare({ ...options, args: all });
    return new NodeCluster(servers, nodes);
  }

  async stop(): Promise<void> {
    await this.#nodes.stop();
    await this.servers.stop();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
