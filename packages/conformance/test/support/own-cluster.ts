import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsCluster } from '../../../cluster/test/support/nats-cluster.ts';
import { engineArgs, type TestNode, TestNodes } from '../../../server/test/cluster/node-cluster.ts';
import { type OwnBroker, parseTarget, type StartBroker } from '../../src/index.ts';

const CELLS = 3;

/** What a message may take from one node to another on a busy machine, in milliseconds. */
const SETTLE_MS = 300;

/** Starts clusters, each of nodes with a configuration of its own, over servers of NATS that they share. */
export class OwnClusters {
  readonly #servers: NatsCluster;
  readonly #nodeIds: readonly string[];
  readonly #running = new Set<TestNodes>();
  #isStopped = false;
  #count = 0;
  /** Clusters with settings of their own are there one at a time: each is several processes a node. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(servers: NatsCluster, size: number) {
    this.#servers = servers;
    this.#nodeIds = Array.from({ length: size }, (_, index) => `node-${index + 1}`);
  }

  /**
   * @param natsServer - the program
   * @param size - nodes of each cluster
   */
  static async prepare(natsServer: readonly string[], size: number): Promise<OwnClusters> {
    return new OwnClusters(await NatsCluster.start({ command: natsServer }), size);
  }

  /** Ends all that runs, the servers as well. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running].map((nodes) => nodes.stop()));
    await this.#servers.stop();
  }

  /** Resolves when a cluster serves all clients, and each of its nodes has cells. */
  readonly start: StartBroker = async (mqtt) => {
    // The first one is there for all cases that need none of their own.
    if (this.#count === 0) return this.#startNow(mqtt, () => {});
    const former = this.#last;
    const { promise, resolve } = promiseOf();
    this.#last = promise;
    await former;
    try {
      return await this.#startNow(mqtt, resolve);
    } catch (error) {
      resolve();
      throw error;
    }
  };

  async #startNow(
    mqtt: Readonly<Record<string, unknown>>,
    onStopped: () => void,
  ): Promise<OwnBroker> {
    if (this.#isStopped) throw new Error('no cluster is started any more');
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-conformance-'));
    const file = join(folder, 'promptmq.json');
    writeFileSync(file, JSON.stringify({ mqtt: dashed(mqtt) }));
    const cluster = await TestNodes.prepare({
      cells: CELLS,
      nodes: this.#nodeIds,
      hasWebSocket: true,
      args: [
        ...engineArgs(this.#servers),
        ...['--config', file, '--cluster-name', `conformance${++this.#count}`],
        // The servers reserve it for each cell of each cluster.
        ...['--cluster-log-max', '256MiB'],
        // No node is to be given up because the machine is busy.
        ...['--cluster-late-after', '30s', '--cluster-hold-time', '60s'],
        ...['--cluster-fence-time', '90s'],
      ],
    });
    this.#running.add(cluster);
    const { all: nodes } = cluster;
    const stop = async () => {
      await Promise.all(nodes.map((node) => stopNode(node)));
      await cluster.stop();
      this.#running.delete(cluster);
      rmSync(folder, { recursive: true, force: true });
      onStopped();
    };
    try {
      await Promise.all(nodes.map((node) => node.start().waitFor(/"event":"ready"/)));
      await Promise.all(nodes.map((node) => untilItServes(node, CELLS / nodes.length)));
    } catch (error) {
      await stop();
      throw error;
    }
    const [first, ...others] = nodes.map((node) =>
      parseTarget(node.url, {
        wsUrl: `ws://127.0.0.1:${node.wsPort}/mqtt`,
        settleMs: SETTLE_MS,
      }),
    );
    if (first === undefined) throw new Error('a cluster without nodes');
    return {
      target: { ...first, others },
      hasChallenge: false,
      clients: { disconnect: (clientId) => disconnect(nodes.at(-1) as TestNode, clientId) },
      stop,
    };
  }
}

function promiseOf(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** As the options of a configuration file are called. */
function dashed(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(options);
  const nameOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.fromEntries(entries.map(([name, value]) => [nameOf(name), value]));
}

/** Its process is asked to end, and does. */
async function stopNode({ command }: TestNode): Promise<void> {
  if (command === null || command.child.exitCode !== null) return;
  const exited = once(command.child, 'exit');
  command.child.kill('SIGTERM');
  await exited;
}

async function untilItServes({ metricsPort }: TestNode, cells: number): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const [, here = '0'] = /^promptmq_cluster_cells_here (\d+)$/m.exec(metrics) ?? [];
    if (Number(here) >= Math.floor(cells) && Number(here) <= Math.ceil(cells)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Asks one node, whichever the client is connected to. */
async function disconnect({ adminSocket }: TestNode, clientId: string): Promise<boolean> {
  const asked = request({
    socketPath: adminSocket,
    method: 'POST',
    path: '/api/v5/clients/kickout/bulk?report=true',
    headers: { 'content-type': 'application/json' },
    agent: false,
  }).end(JSON.stringify([clientId]));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${text}`);
  return (JSON.parse(text) as { readonly data: readonly unknown[] }).data.length > 0;
}
