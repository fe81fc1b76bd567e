import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';

let folder: string;
let broker: Command;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-ban-'));
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    'server: { bind: "127.0.0.1:0", ws-bind: none }\nstorage: { data-dir: data, wal-dir: wal }\nmetrics: { enabled: false }\nlog: { format: json }\n',
  );
  broker = new Command([], folder);
  await broker.waitFor(/"event":"ready"/);
});

afterEach(async () => {
  broker.child.kill('SIGTERM');
  await broker.exitCode();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]) {
  const command = new Command(['ban', ...args], folder);
  const status = await command.exitCode();
  return { status, stdout: command.output, stderr: command.errors };
}

test('bans are added, listed and removed', async () => {
  const added = await run('add', '--client', 'dev "1"', '--for', '2h', '--reason', 'too noisy');
  expect(added).toMatchObject({ status: 0, stderr: '' });
  expect(added.stdout).toMatch(
    /^banned client "dev \\"1\\"" since=\S+Z until=\S+Z reason="too noisy" by=operator\n$/,
  );
  await run('add', '--address', '2001:db8::/32');
  const { stdout } = await run('list', '--json');
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { kind: 'client', who: 'dev "1"' },
    { kind: 'address', who: '2001:db8::/32', until: null },
  ]);
  expect((await run('remove', '--address', '2001:db8::/32')).stdout).toBe(
    'removed the ban on address "2001:db8::/32"\n',
  );
  expect(await run('remove', '--user', 'x')).toMatchObject({
    status: 1,
    stderr: 'promptmq: there is no ban on user "x"\n',
  });
  expect(await run('add', '--address', 'x')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('takes an IP address, or a network such as 192.0.2.0/24'),
  });
  expect(await run('add', '--client', 'x', '--user', 'y')).toMatchObject({
    status: 1,
    stderr: 'promptmq: give one of --client, --user and --address\n',
  });
  expect(await run('add', '--client', 'x', '--for', 'ever')).toMatchObject({
    status: 1,
    stderr: 'promptmq: --for takes a duration such as 5m, 2h or 7d, not "ever"\n',
  });
});
