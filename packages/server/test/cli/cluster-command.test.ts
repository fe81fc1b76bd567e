import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { NatsEngine, Shipper, takeCell } from '@promptmq/cluster';
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

  test('a cell that there is not is refused', async () => {
    const { exitCode, errors } = await cluster('verify', '2');
    expect([exitCode, errors]).toEqual([1, 'promptmq: CELL is a number from 0 to 1, not 2\n']);
  });

  test('verify ends with 3 where the engine has what does not follow the rules', async () => {
    const log = await engine.openLog(0);
    await log.append(0, [Buffer.from('no entry')]);
    const { exitCode, lines } = await cluster('verify', '0');
    expect([exitCode, lines[1]]).toEqual([3, "  damaged, corrupt: entry 1 can't be read"]);
  });
}
