import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { MqttClient } from 'mqtt';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { clientIdOf } from '../support/client-ids.ts';
import type { Command } from '../support/command.ts';
import { connected, endClients, STORED, until, untilItServes } from './node-clients.ts';
import { NodeCluster, type TestNode } from './node-cluster.ts';

// Elections and lateness take seconds, and the machine may be busy.
jest.setTimeout(240_000);

const CELLS = 3;
const program = otherProgram('nats-server');
const withServers = program.missing === null ? describe : describe.skip;

/** @returns an identifier that begins so, of a client of the cell */
function idOf(cell: number, name: string): string {
  return clientIdOf(cell, CELLS, name);
}

/** @returns when the processes of a node have started, in seconds since 1970, each with its label */
async function processStarts(node: TestNode): Promise<[string, number][]> {
  const metrics = await (await fetch(`http://127.0.0.1:${node.metricsPort}/metrics`)).text();
  const found = metrics.matchAll(/^\S*process_start_time_seconds\{worker="(.*?)"\} (\S+)/gm);
  return Array.from(found, ([, label = '', seconds]) => [label, Number(seconds)]);
}

withServers('three nodes and three servers of NATS', () => {
  let cluster: NodeCluster;
  let one: TestNode;
  let two: TestNode;
  let three: TestNode;

  beforeAll(async () => {
    cluster = await NodeCluster.prepare({
      nats: { command: program.command },
      cells: CELLS,
      nodes: ['one', 'two', 'three'],
      args: [
        ...['--shutdown-timeout', '1s', '--cluster-hold-time', '6s'],
        ...['--cluster-fence-time', '8s'],
      ],
    });
    [one, two, three] = cluster.nodes as [TestNode, TestNode, TestNode];
    const commands = cluster.nodes.map((node) => node.start());
    await Promise.all(commands.map((command) => command.waitFor(/"event":"ready"/)));
    // Until then cells move, and clients whose sessions end with their connections miss what is published meanwhile.
    await Promise.all(cluster.nodes.map((node) => untilItServes(node, 1)));
  });

  afterAll(async () => {
    endClients();
    await cluster.stop();
  });

  test('clients of any cell are served by any node, and each message reaches all once', async () => {
    const subscribers: { readonly client: MqttClient; readonly got: string[] }[] = [];
    for (const [index, node] of [one, two, three].entries()) {
      for (let cell = 0; cell < CELLS; cell++) {
        const subscriber = await connected(node, idOf(cell, `sub-${index}`));
        await subscriber.client.subscribeAsync('all/#', { qos: 1 });
        subscribers.push(subscriber);
      }
    }
    const expected: string[] = [];
    for (const [index, node] of [one, two, three].entries()) {
      for (let cell = 0; cell < CELLS; cell++) {
        const { client } = await connected(node, idOf(cell, `pub-${index}`));
        for (const qos of [0, 1, 2] as const) {
          const payload = `${index}-${cell}-${qos}`;
          await client.publishAsync(`all/${qos}`, payload, { qos });
          expected.push(payload);
        }
      }
    }
    await until(() => subscribers.every(({ got }) => got.length >= expected.length));
    for (const { got } of subscribers) expect([...got].sort()).toEqual([...expected].sort());
  });

  test('a node that is stopped gives its cells away first, and takes some again when it is back', async () => {
    const stored = idOf(0, 'waiting');
    const { client } = await connected(one, stored, STORED);
    await client.subscribeAsync('waiting', { qos: 1 });
    await client.endAsync(true);
    for (const node of [one, two]) {
      const command = node.command as Command;
      const from = command.output.length;
      command.child.kill('SIGTERM');
      expect(await command.exitCode()).toBe(0);
      expect(command.output.slice(from)).not.toContain('"cell-ended"');
      const { client: publisher } = await connected(three, idOf(1, `while-${node.id}`));
      await publisher.publishAsync('waiting', node.id, { qos: 1 });
      await node.start().waitFor(/"event":"cell-serving"/);
    }
    const { got } = await connected(two, stored, STORED);
    await until(() => got.length === 2);
    expect(got).toEqual(['one', 'two']);
  });

  test('while no node has the engine, QoS 0 goes on and what is stored waits; nothing is lost', async () => {
    const { client: subscriber, got } = await connected(one, idOf(0, 'live'));
    await subscriber.subscribeAsync('live/#', { qos: 1 });
    const { client: publisher } = await connected(two, idOf(1, 'live'));
    const froms = cluster.nodes.map(({ command }) => (command as Command).output.length);
    for (const index of [0, 1, 2]) await cluster.servers.signal(index, 'SIGSTOP');
    for (const [index, { command }] of cluster.nodes.entries()) {
      await (command as Command).waitFor(/"event":"node-not-active"/, froms[index]);
    }
    let isAcknowledged = false;
    const stored = publisher.publishAsync('live/stored', 'stored', { qos: 1 }).then(() => {
      isAcknowledged = true;
    });
    // Well beyond the times after which a node that is cut off alone serves nothing any more.
    for (let number = 0; number < 10; number++) {
      await publisher.publishAsync('live/0', `${number}`, { qos: 0 });
      await until(() => got.includes(`${number}`));
      const health = await fetch(`http://127.0.0.1:${one.metricsPort}/health`);
      expect([health.status, await health.json()]).toMatchObject([
        503,
        { problems: ['engine-down'] },
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    expect(isAcknowledged).toBe(false);
    for (const index of [0, 1, 2]) await cluster.servers.signal(index, 'SIGCONT');
    await stored;
    await until(() => got.includes('stored'));
    for (const [index, { command }] of cluster.nodes.entries()) {
      const { output } = command as Command;
      await (command as Command).waitFor(/"event":"node-active"/, froms[index]);
      expect(output.slice(froms[index])).not.toContain('"cell-ended"');
    }
  });

  test('what a killed node has served is served elsewhere, and nothing is lost', async () => {
    const subscribers: { readonly id: string; readonly got: string[] }[] = [];
    for (let cell = 0; cell < CELLS; cell++) {
      const id = idOf(cell, 'stored');
      const { client } = await connected(one, id, STORED);
      await client.subscribeAsync('kept/#', { qos: 1 });
      await client.endAsync(true);
      subscribers.push({ id, got: [] });
    }
    const acknowledged: string[] = [];
    let isOver = false;
    const publishing = Promise.all(
      Array.from({ length: CELLS }, async (_, cell) => {
        const { client } = await connected(two, idOf(cell, 'publisher'), STORED);
        for (let number = 0; !isOver; number++) {
          const payload = `${cell}-${number}`;
          await client.publishAsync('kept/t', payload, { qos: 1 });
          acknowledged.push(payload);
        }
      }),
    );
    await until(() => acknowledged.length > 100);
    await three.kill();
    three.wipe();
    const before = acknowledged.length;
    const killedAt = Date.now() / 1000;
    // All publishers go on: those, too, whose cell the node had.
    const isEachHeard = () =>
      Array.from({ length: CELLS }, (_, cell) =>
        acknowledged.slice(before + CELLS).some((payload) => payload.startsWith(`${cell}-`)),
      ).every(Boolean);
    await until(isEachHeard);
    isOver = true;
    await publishing;
    for (const { id, got } of subscribers) {
      const { client, got: now } = await connected(one, id, STORED);
      await until(() => new Set(now).size >= acknowledged.length);
      got.push(...now);
      await client.endAsync(true);
      expect(new Set(got)).toEqual(new Set(acknowledged));
    }
    for (const node of [one, two]) {
      const origin = `http://127.0.0.1:${node.metricsPort}`;
      expect((await fetch(`${origin}/ready`)).status).toBe(200);
      const metrics = await (await fetch(`${origin}/metrics`)).text();
      expect(metrics).toContain('promptmq_cluster_node_active 1');
      expect(metrics).toContain('promptmq_cluster_nodes{state="late"} 1');
      expect(metrics).toContain(`promptmq_cluster_cells{state="serving"} ${CELLS}`);
      // Of its front and of each cell to each node that is alive, and of the node itself to the other one.
      const linksUp = metrics.match(/^promptmq_cluster_link_up\{.*/gm) ?? [];
      expect(linksUp.length).toBeGreaterThan(2);
      expect(linksUp.filter((line) => !line.endsWith(' 1'))).toEqual([]);
      expect(linksUp.filter((line) => !line.includes('worker='))).toHaveLength(1);
      // Each process has said what it has in force.
      const mismatches = metrics.match(/^promptmq_cluster_config_mismatch\{.*/gm) ?? [];
      expect(mismatches.sort()).toEqual(
        [one, two].map(({ id }) => `promptmq_cluster_config_mismatch{node="${id}"} 0`).sort(),
      );
    }
    // One cell for each of the two, at most, was taken over by a process that had waited for it.
    const starts = await Promise.all([one, two].map(processStarts));
    for (const [cell, startedAt] of starts.flat()) {
      if (cell !== 'front') expect(startedAt).toBeLessThan(killedAt);
    }
  });

  test('a node stops also while the engine is away', async () => {
    const froms = [one, two].map(({ command }) => (command as Command).output.length);
    await cluster.servers.stop();
    for (const [index, node] of [one, two].entries()) {
      const command = node.command as Command;
      await command.waitFor(/"event":"node-not-active"/, froms[index]);
      command.child.kill('SIGTERM');
      expect(await command.exitCode()).toBe(0);
    }
  });
});
