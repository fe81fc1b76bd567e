import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsEngine } from '@promptmq/cluster';
import mqtt, { type MqttClient } from 'mqtt';
import { APP } from '../../../cluster/test/support/nats-cluster.ts';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import type { Command } from '../support/command.ts';
import { NodeCluster, type TestNode } from './node-cluster.ts';

// Elections and lateness take seconds, and the machine may be busy.
jest.setTimeout(240_000);

const program = otherProgram('nats-server');
const withServers = program.missing === null ? describe : describe.skip;

const LOG_MAX = 50_000_000;

withServers('a server of NATS that loses what it has acknowledged', () => {
  let cluster: NodeCluster;
  let engine: NatsEngine;

  beforeAll(async () => {
    cluster = await NodeCluster.prepare({
      nats: { command: program.command, size: 1 },
      cells: 1,
      nodes: ['one', 'two'],
      args: ['--cluster-replicas', '1', '--cluster-log-max', `${LOG_MAX}`],
    });
    const { urls, monitors } = cluster.servers;
    engine = new NatsEngine({
      ...{ servers: urls, credentials: APP, replicas: 1, monitors, logBytesMax: LOG_MAX },
    });
    await engine.connect();
    await Promise.all(cluster.nodes.map((node) => node.start().waitFor(/"event":"ready"/)));
  });

  afterAll(async () => {
    await engine.close();
    await cluster.stop();
  });

  test('is found out by the other node, and repaired from the log of the node that is lost', async () => {
    const [one, two] = cluster.nodes as [TestNode, TestNode];
    const owner = await ownerOf([one, two]);
    const other = owner === one ? two : one;
    await publish(owner, 20);
    await untilWitnessed(other);

    // Nobody takes the cell over meanwhile.
    for (const pid of other.pids) process.kill(pid, 'SIGSTOP');
    const pids = other.pids;
    await owner.kill();
    await loseTail(5);
    const from = (other.command as Command).output.length;
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    const [line] = await (other.command as Command).waitFor(
      /\{.*"event":"cluster-engine-lost-data".*\}/,
      from,
    );
    expect(JSON.parse(line)).toMatchObject({
      ...{ cell: 0, node: owner.id, remedy: expect.stringContaining('promptmq cluster repair 0') },
    });
    const health = await fetch(`http://127.0.0.1:${other.metricsPort}/health`);
    expect([health.status, await health.json()]).toMatchObject([
      503,
      {
        problems: ['witness'],
        remedies: [expect.stringContaining('promptmq cluster repair 0 --from')],
      },
    ]);
    const metrics = await (await fetch(`http://127.0.0.1:${other.metricsPort}/metrics`)).text();
    expect(metrics).toMatch(/^promptmq_cluster_witness_violations_total [1-9]/m);
    expect(metrics).toContain('promptmq_cluster_cells_here 0\n');

    await other.kill();
    const repair = other.runCluster('repair', '0', '--from', join(owner.walFolder, 'cell-0'));
    expect([await repair.exitCode(), repair.errors]).toEqual([0, '']);
    await other.start().waitFor(/"event":"cell-serving"/);
    const { client, got } = await connected(other, 'sub');
    while (got.length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(got).toEqual(Array.from({ length: 20 }, (_, number) => `${number}`));
    client.end(true);
  });

  async function ownerOf(nodes: readonly TestNode[]): Promise<TestNode> {
    return await Promise.any(
      nodes.map(async (node) => {
        await (node.command as Command).waitFor(/"event":"cell-serving"/);
        return node;
      }),
    );
  }

  /** Messages for a session that is away, each of which is in an entry of its own. */
  async function publish(node: TestNode, count: number): Promise<void> {
    const { client } = await connected(node, 'sub');
    await client.subscribeAsync('t', { qos: 1 });
    await client.endAsync(true);
    const { client: publisher } = await connected(node, 'pub');
    for (let number = 0; number < count; number++) {
      await publisher.publishAsync('t', `${number}`, { qos: 1 });
    }
    publisher.end(true);
  }

  /** Until the other node has been told of all that the engine has. */
  async function untilWitnessed(node: TestNode): Promise<void> {
    const log = await engine.openLog(0);
    for (;;) {
      const { last } = await log.bounds();
      const line = `"event":"cell-witnessed","cell":0,"sequence":${last},`;
      if ((node.command as Command).output.includes(line)) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await log.close();
  }

  /** The stream is made again, without its last entries. */
  async function loseTail(count: number): Promise<void> {
    const log = await engine.openLog(0);
    const entries: Uint8Array[] = [];
    for await (const { data } of log.read(1, 1 << 20)) entries.push(data);
    await log.close();
    const connection = await connect({ servers: [...cluster.servers.urls], ...USER });
    const manager = await jetstreamManager(connection);
    await manager.streams.delete('PMQ_promptmq_CELL_0');
    await connection.close();
    const again = await engine.openLog(0);
    for (const [after, entry] of entries.slice(0, -count).entries()) {
      expect(await again.append(after, [entry])).toMatchObject({ kind: 'appended' });
    }
    await again.close();
  }
});

const USER = { user: APP.user, pass: APP.password };

async function connected(
  node: TestNode,
  clientId: string,
): Promise<{ client: MqttClient; got: string[] }> {
  const client = mqtt.connect(node.url, {
    ...{ clientId, protocolVersion: 5, clean: false, reconnectPeriod: 200 },
    ...{ reconnectOnConnackError: true, properties: { sessionExpiryInterval: 3600 } },
  });
  client.on('error', () => {});
  const got: string[] = [];
  client.on('message', (_topic, payload) => got.push(`${payload}`));
  await new Promise((resolve) => client.once('connect', resolve));
  return { client, got };
}
