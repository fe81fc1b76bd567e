import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ClusterEngine, Member, NatsEngine, Shipper, takeCell } from '@promptmq/cluster';
import { Log, nodeClock } from '@promptmq/wal';
import { verifyLog } from '@promptmq/wal/tools';
import { APP, NatsCluster } from '../../../cluster/test/support/nats-cluster.ts';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { Command } from '../support/command.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-cluster-command-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs `promptmq cluster` to its end. */
async function cluster(...args: string[]) {
  const command = new Command(['cluster', ...args], folder, {
    PROMPTMQ_CLUSTER_SECRET: 'known to all nodes',
  });
  const exitCode = await command.exitCode();
  const { output, errors } = command;
  return { exitCode, output, errors, lines: output.trimEnd().split('\n') };
}

function configure(settings: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(folder, 'promptmq.yaml'), JSON.stringify({ cluster: settings }));
}

test('the configuration has to be that of a node', async () => {
  configure({ enabled: false });
  const { exitCode, errors } = await cluster('verify');
  expect([exitCode, errors]).toEqual([1, expect.stringContaining('cluster.enabled is false')]);
});

const { missing, command } = otherProgram('nats-server');
if (missing !== null) test.skip(`nats-server: ${missing}`, () => {});
else describe('on NATS', () => testOn(command));

function testOn(program: readonly string[]): void {
  let servers: NatsCluster;
  let engine: NatsEngine;

  beforeAll(async () => {
    servers = await NatsCluster.start({ command: program, size: 1 });
    configure({
      ...{ enabled: true, bind: '127.0.0.1:7000', cells: 2, replicas: 1, 'node-id': 'a' },
      ...{ heartbeat: '200ms', 'late-after': '2s' },
      'engine-url': servers.urls,
      'engine-monitors': servers.monitors,
      'engine-credentials': `${APP.user}:${APP.password}`,
    });
    engine = new NatsEngine({
      ...{ servers: servers.urls, credentials: APP, replicas: 1, monitors: servers.monitors },
      logBytesMax: 4_000_000_000,
    });
    await engine.connect();
    await write();
  }, 120_000);

  afterAll(async () => {
    await engine?.close();
    await servers?.stop();
  });

  /** Some records in cell 1. */
  async function write(): Promise<void> {
    const log = await engine.openLog(1);
    const directory = join(folder, 'cell-1');
    const taken = await takeCell({
      ...{ log, directory, clock: nodeClock, epoch: 1 },
      owner: { node: 'a', incarnation: '1', identity: 'ab'.repeat(16), level: 1, timeMs: 1000 },
      onFailed: () => {},
    });
    if (taken.kind !== 'claimed') throw new Error('taken');
    const replica = new Shipper(taken.log);
    const opened = await Log.open({ directory, id: taken.identity, replica });
    for (let index = 0; index < 10; index++) {
      opened.append(Buffer.from(`record ${index}`));
      await opened.flush();
    }
    await opened.close();
    taken.log.close();
  }

  test('verify says of each cell what the engine has, and whether it is sound', async () => {
    const { exitCode, lines, errors } = await cluster('verify');
    expect([exitCode, errors]).toEqual([0, '']);
    expect(lines).toEqual([
      'cell 0: nothing',
      '  sound',
      expect.stringMatching(
        /^cell 1: entries \d+ to \d+, 0 of them void, \d+ bytes, up to position \d+ and epoch 1$/,
      ),
      '  owned by "a" since 1970-01-01T00:00:01.000Z',
      '  sound',
    ]);
    const json = JSON.parse((await cluster('verify', '1', '--json')).output);
    expect(json).toMatchObject({ cell: 1, epoch: 1, problem: null, owners: [{ node: 'a' }] });
  });

  test('export makes a sound log of a cell', async () => {
    const out = join(folder, 'out');
    const { exitCode, output } = await cluster('export', '1', out);
    expect([exitCode, output]).toEqual([0, expect.stringMatching(/^cell 1: \d+ bytes, up to/)]);
    expect(await verifyLog(out)).toMatchObject({ isSound: true, problems: [] });
    const again = await cluster('export', '1', out);
    expect([again.exitCode, again.errors]).toEqual([1, expect.stringContaining('not empty')]);
  });

  test('repair brings the engine what it lacks of the log that a node has', async () => {
    const directory = join(folder, 'cell-1');
    const same = await cluster('repair', '1', '--from', directory);
    expect([same.exitCode, same.output]).toEqual([
      0,
      expect.stringContaining('nothing is missing'),
    ]);
    const log = await Log.open({ directory });
    log.append(Buffer.from('what the engine has lost'));
    await log.close();
    const { exitCode, output } = await cluster('repair', '1', '--from', directory);
    expect([exitCode, output]).toEqual([0, expect.stringMatching(/bytes brought.*epoch 2\n$/)]);
    expect((await cluster('verify', '1')).exitCode).toBe(0);
  });

  test('a cell that there is not is refused', async () => {
    const { exitCode, errors } = await cluster('verify', '2');
    expect([exitCode, errors]).toEqual([1, 'promptmq: CELL is a number from 0 to 1, not 2\n']);
  });

  test('status of a cluster that no node has started in yet', async () => {
    const { exitCode, errors } = await cluster('status');
    expect([exitCode, errors]).toEqual([1, 'promptmq: no node of this cluster has ever started\n']);
  });

  describe('with two nodes', () => {
    let members: Member[];

    beforeAll(async () => {
      members = [await joined(engine, 'a', 7000), await joined(engine, 'b', 7100)];
      await until(async () => (await cluster('status')).exitCode === 0);
    });

    afterAll(async () => {
      for (const member of members) await member.stop();
    });

    test('status, nodes and cells say who serves what', async () => {
      const { exitCode, lines } = await cluster('status');
      expect([exitCode, lines[0]]).toEqual([
        0,
        'cluster promptmq: 2 of 2 cells served, 2 of 2 nodes up',
      ]);
      const nodes = (await cluster('nodes', '--json')).lines.map((line) => JSON.parse(line));
      expect(nodes).toMatchObject([
        { node: 'a', status: 'up', address: '127.0.0.1:7000', differsOn: [] },
        { node: 'b', status: 'up', address: '127.0.0.1:7100', differsOn: ['mqtt.max-qos'] },
      ]);
      const cells = (await cluster('cells', '--json')).lines.map((line) => JSON.parse(line));
      expect(cells).toMatchObject([
        { cell: 0, state: 'serving', served: true },
        { cell: 1, state: 'serving', served: true },
      ]);
      for (const { cell, node } of cells) {
        expect(nodes.find((one) => one.node === node).cells).toContain(cell);
      }
      expect((await cluster('nodes')).lines[0]).toMatch(/^node +status +cells +links/);
    });

    test('drain has a node give its cells away, move gives one to a node, and each waits for it', async () => {
      expect(await cluster('drain', '--wait')).toMatchObject({
        exitCode: 0,
        lines: ['a has no cells'],
      });
      const nodes = (await cluster('nodes', '--json')).lines.map((line) => JSON.parse(line));
      expect(nodes).toMatchObject([
        { status: 'drained', cells: [] },
        { status: 'up', cells: [0, 1] },
      ]);
      const refused = await cluster('move', '0', 'a');
      expect([refused.exitCode, refused.errors]).toEqual([1, 'promptmq: node a is drained\n']);
      expect((await cluster('drain', 'a', '--cancel')).lines).toEqual(['a may have cells again']);
      expect(await cluster('move', '0', 'a', '--wait')).toMatchObject({
        lines: ['cell 0 is served by a'],
      });
      const unknown = await cluster('move', '0', 'c');
      expect([unknown.exitCode, unknown.errors]).toEqual([1, 'promptmq: there is no node c\n']);
    });

    test('a cell that is served and a node that runs are not forgotten', async () => {
      const cell = await cluster('forget', '0');
      expect([cell.exitCode, cell.errors]).toEqual([
        1,
        expect.stringMatching(/^promptmq: node [ab] serves cell 0\n$/),
      ]);
      const node = await cluster('forget', 'b');
      expect([node.exitCode, node.errors]).toEqual([1, 'promptmq: node b runs\n']);
    });

    test('a node that is gone is shown so, and can be forgotten', async () => {
      await members.pop()?.stop();
      await until(async () => (await cluster('status')).exitCode === 0);
      const nodes = () => cluster('nodes', '--json');
      expect((await nodes()).lines.map((line) => JSON.parse(line))).toMatchObject([
        { node: 'a', cells: [0, 1] },
        { node: 'b', status: 'silent', cells: [] },
      ]);
      expect((await cluster('forget', 'b')).lines).toEqual(['b is forgotten']);
      expect((await nodes()).lines).toHaveLength(1);
    });
  });

  test('import refuses a cluster of which a node has started', async () => {
    const { exitCode, errors } = await cluster('import', join(folder, 'cell-1'));
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('has started already')]);
  });

  test('verify ends with 3 where the engine has what does not follow the rules', async () => {
    const log = await engine.openLog(0);
    await log.append(0, [Buffer.from('no entry')]);
    const { exitCode, lines } = await cluster('verify', '0');
    expect([exitCode, lines[1]]).toEqual([3, "  damaged, corrupt: entry 1 can't be read"]);
  });
}

/** A node that says that it serves what falls to it. */
async function joined(engine: ClusterEngine, node: string, port: number): Promise<Member> {
  const member = new Member(
    {
      openCell: async () => 'serving',
      releaseCell: async () => {},
      onDirectory: () => {},
      onState: () => {},
    },
    {
      ...{ map: engine.map, clock: nodeClock, node, incarnation: `${node}-1`, cells: 2 },
      facts: {
        ...{ address: `127.0.0.1:${port}`, clients: [`mqtt://127.0.0.1:${port}`] },
        ...{ version: '1.2.3', level: 1, fingerprint: node },
        settings: { 'mqtt.max-qos': node, 'auth.acl-file': 'both' },
      },
      times: { heartbeatMs: 100, lateAfterMs: 2_000, gatherMs: 200, settleMs: 600_000 },
    },
  );
  await member.join();
  return member;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
