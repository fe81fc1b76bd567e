import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import mqtt from 'mqtt';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { clientIdOf } from '../support/client-ids.ts';
import type { Command } from '../support/command.ts';
import { connected, endClients, STORED, until, untilItServes } from './node-clients.ts';
import { NodeCluster, type TestNode } from './node-cluster.ts';

// Processes start in seconds on a busy machine.
jest.setTimeout(240_000);

const CELLS = 2;
const program = otherProgram('nats-server');
const withServers = program.missing === null ? describe : describe.skip;

/** Each has a cell. */
withServers('nodes of which each has the logs of its cells alone', () => {
  let cluster: NodeCluster;
  let one: TestNode;
  let two: TestNode;

  const idOf = (cell: number, name: string) => clientIdOf(cell, CELLS, name);

  beforeAll(async () => {
    cluster = await NodeCluster.prepare({
      nats: { command: program.command, size: 1 },
      cells: CELLS,
      nodes: ['one', 'two'],
      args: [
        ...['--cluster-replicas', '1', '--cluster-durability', 'node'],
        ...['--cluster-peers', 'one,two', '--cluster-connect-patience', '500ms'],
        ...['--cluster-subscribe-patience', '1s', '--shutdown-timeout', '1s'],
      ],
    });
    [one, two] = cluster.nodes as [TestNode, TestNode];
    for (const node of cluster.nodes) node.start();
    await Promise.all(cluster.nodes.map((node) => ready(node)));
  });

  afterAll(async () => {
    endClients();
    await cluster.stop();
  });

  async function ready(node: TestNode): Promise<void> {
    await (node.command as Command).waitFor(/"event":"ready"/);
    await untilItServes(node, 1);
  }

  /** Has a stored session of a cell subscribe, and go. */
  async function subscribe(cell: number, name: string, topic: string): Promise<void> {
    const { client } = await connected(two, idOf(cell, name), STORED);
    await client.subscribeAsync(topic, { qos: 1 });
    await client.endAsync(true);
  }

  /** What CONNECT of a client is answered with. */
  async function answerTo(node: TestNode, clientId: string): Promise<number> {
    const client = mqtt.connect(node.url, {
      ...{ clientId, protocolVersion: 5, reconnectPeriod: 0 },
      ...{ clean: false, properties: { sessionExpiryInterval: 3600 } },
    });
    try {
      return await new Promise<number>((resolve) => {
        client.on('error', (error) => resolve((error as { code?: number }).code ?? -1));
        client.on('connect', () => resolve(0));
      });
    } finally {
      client.end(true);
    }
  }

  async function healthOf(node: TestNode) {
    const answer = await fetch(`http://127.0.0.1:${node.metricsPort}/health`);
    return [answer.status, await answer.json()];
  }

  const metricsOf = async (node: TestNode) =>
    (await fetch(`http://127.0.0.1:${node.metricsPort}/metrics`)).text();

  async function cellLines(): Promise<object[]> {
    const command = two.runCluster('cells', '--json');
    await command.exitCode();
    return command.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  test('a node that is killed has its cells again, with all that was acknowledged; meanwhile nobody serves them', async () => {
    await subscribe(0, 'kept', 'kept/#');
    const { client: publisher } = await connected(two, idOf(1, 'publisher'), STORED);
    await publisher.publishAsync('kept/t', 'before', { qos: 1 });
    await publisher.publishAsync('kept/retained', 'retained', { qos: 1, retain: true });
    await one.kill();
    await (two.command as Command).waitFor(/"event":"node-late","node":"one"/);
    // What is for a cell that is away waits for it in the log of the publisher's.
    await publisher.publishAsync('kept/t', 'while', { qos: 2 });
    const { client: other, got: otherGot } = await connected(two, idOf(1, 'other'));
    await other.subscribeAsync('kept/#', { qos: 1 });
    await publisher.publishAsync('kept/t', 'after', { qos: 1 });
    await until(() => otherGot.includes('after'));
    expect(await answerTo(two, idOf(0, 'kept'))).toBe(0x88);
    expect(await metricsOf(two)).toContain('promptmq_cluster_cells{state="away"} 1\n');
    expect(await cellLines()).toMatchObject([
      { cell: 0, home: 'one', served: false, logLost: false },
      { cell: 1, home: 'two', served: true },
    ]);

    // One that starts while the other is away does not wait for it.
    await two.kill();
    two.start();
    await ready(two);
    expect((two.command as Command).output).not.toContain('"event":"cell-claimed","cell":0');
    const { client: again } = await connected(two, idOf(1, 'publisher'), STORED);
    await again.publishAsync('kept/t', 'later', { qos: 1 });

    one.start();
    await ready(one);
    const { got } = await connected(two, idOf(0, 'kept'), STORED);
    await until(() => got.length >= 5);
    expect([...got].sort()).toEqual(['after', 'before', 'later', 'retained', 'while']);
    const streams = await (await fetch(`${cluster.servers.monitors[0]}/jsz?streams=1`)).text();
    expect(streams).not.toContain('CELL');
  });

  test('where its disk is lost, it says so, and waits for the log to be brought back', async () => {
    await subscribe(0, 'waiting', 'waiting');
    await one.kill();
    renameSync(one.folder, `${one.folder}.away`);
    one.start();
    const [line] = await (one.command as Command).waitFor(/\{.*"event":"cell-log-lost".*\}/);
    expect(JSON.parse(line)).toMatchObject({
      ...{ cell: 0, node: 'one', remedy: expect.stringContaining('on-node-loss to reset') },
    });
    expect(await healthOf(one)).toMatchObject([
      503,
      { problems: ['log-lost'], remedies: [expect.stringContaining('bring log')] },
    ]);
    expect(await metricsOf(one)).toContain('promptmq_cluster_lost_logs 1\n');
    expect((await cellLines())[0]).toMatchObject({ cell: 0, home: 'one', logLost: true });
    expect(await answerTo(one, idOf(0, 'waiting'))).toBe(0x88);
    // The others go on, and nothing can be moved from it or to it.
    const { client } = await connected(one, idOf(1, 'publisher'));
    await client.publishAsync('waiting', 'meanwhile', { qos: 1 });
    for (const args of [['move', '0', 'two'], ['drain', 'one'], ['forget', 'one'], ['verify']]) {
      const command = two.runCluster(...args);
      expect([args, await command.exitCode(), command.errors]).toEqual([
        ...[args, 1],
        expect.stringMatching(/disk alone has|home of cell 0|on the disk of its home/),
      ]);
    }
    await one.kill();
    rmSync(one.folder, { recursive: true });
    renameSync(`${one.folder}.away`, one.folder);
    one.start();
    await ready(one);
    expect((await healthOf(one))[0]).toBe(200);
    const { got } = await connected(two, idOf(0, 'waiting'), STORED);
    await until(() => got.includes('meanwhile'));
  });

  test('another log in the folder is not opened but set aside, and the cell begins empty only where it is to', async () => {
    await subscribe(0, 'gone', 'gone');
    await one.kill();
    const own = join(one.walFolder, 'cell-0');
    rmSync(own, { recursive: true });
    await two.kill();
    const isCopied = (path: string) => !path.endsWith('.sock');
    cpSync(join(two.walFolder, 'cell-1'), own, { recursive: true, filter: isCopied });
    two.start();
    await ready(two);
    one.start();
    await (one.command as Command).waitFor(/"event":"cell-log-set-aside"/);
    await (one.command as Command).waitFor(/"event":"cell-log-lost"/);
    const aside = readdirSync(one.walFolder).filter((name) => name.includes('stale'));
    expect(aside).toEqual([expect.stringMatching(/^cell-0\.stale-\d+$/)]);
    await one.kill();

    one.start('--cluster-on-node-loss', 'reset');
    await (one.command as Command).waitFor(/"level":"error".*"event":"cell-reset"/);
    await ready(one);
    const { client, got } = await connected(two, idOf(0, 'gone'), STORED);
    await client.subscribeAsync('again', { qos: 1 });
    const { client: publisher } = await connected(one, idOf(1, 'publisher'));
    await publisher.publishAsync('gone', 'to nobody', { qos: 1 });
    await publisher.publishAsync('again', 'to the new session', { qos: 1 });
    await until(() => got.length > 0);
    expect(got).toEqual(['to the new session']);
    await one.kill();
    one.start();
    await ready(one);
    const { got: later } = await connected(two, idOf(0, 'gone'), STORED);
    await publisher.publishAsync('again', 'kept', { qos: 1 });
    await until(() => later.includes('kept'));
  });

  test('a node that has no say in it is refused where it is configured otherwise', async () => {
    await two.kill();
    const command = two.start('--cluster-durability', 'replicated');
    expect(await command.exitCode()).toBe(1);
    expect(command.output + command.errors).toContain(
      'the cluster was made with durability node, as have one',
    );
    two.command = null;
  });
});
