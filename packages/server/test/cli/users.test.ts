import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bin, Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let broker: Command;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-users-'));
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    'server: { bind: "127.0.0.1:0", ws-bind: none }\nstorage: { data-dir: data, wal-dir: wal }\nmetrics: { enabled: false }\nlog: { format: json }\nauth: { chain: [dynamic-security: {}] }\n',
  );
  broker = new Command([], folder);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  url = `mqtt://${address}`;
});

afterAll(async () => {
  broker.child.kill('SIGTERM');
  await broker.exitCode();
  rmSync(folder, { recursive: true });
});

/** @param input - what is piped in */
function run(args: string, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args.split(' ')], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}

test('users, groups and roles are added, shown, changed and removed', async () => {
  expect(run('user add alice --admin', 'secret\n')).toEqual({
    status: 0,
    stdout: 'added user "alice"\n',
    stderr: '',
  });
  expect(run('role add sensors --literal-only').stdout).toBe('added role "sensors"\n');
  expect(run('role allow sensors publish sensors/%u/# --priority 3').stdout).toBe(
    'role "sensors" allows publish "sensors/%u/#"\n',
  );
  run('role deny sensors subscribe secret/#');
  expect(run('role show sensors').stdout).toBe(
    '"sensors"\n  deny subscriptions with wildcards\n  allow publishClientSend "sensors/%u/#" (priority 3)\n  deny subscribePattern "secret/#"\n',
  );
  run('group add house');
  run('group grant house sensors --priority 2');
  run('user add kitchen --without-password --group house --client-id k1');
  expect(run('user show kitchen').stdout).toBe(
    '"kitchen"\n  client identifier "k1"\n  group "house"\n',
  );
  expect(run('group show house').stdout).toBe(
    '"house"\n  role "sensors" (priority 2)\n  user "kitchen"\n',
  );
  expect(run('group anonymous').stdout).toBe('none\n');
  expect(run('role defaults --subscribe allow').stdout).toBe(
    'publish deny\nreceive allow\nsubscribe allow\nunsubscribe allow\n',
  );
  expect(run('user list').stdout).toBe('alice\nkitchen\n');
  expect(JSON.parse(run('user export').stdout)).toMatchObject({
    clients: [{ username: 'alice' }, { username: 'kitchen' }],
    groups: [{ groupname: 'house', clients: [{ username: 'kitchen' }] }],
  });
  const client = await PacketClient.open(url);
  client.connect('c', { username: 'alice', password: Buffer.from('secret') });
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  run('user disable alice');
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  await client.cut();
  expect(run('user remove kitchen').stdout).toBe('removed user "kitchen"\n');
});

test.each([
  ['user show nobody', 'Client not found'],
  ['role allow nothing publish a', 'Role not found'],
  ['role deny x publish a --priority x', '--priority takes a whole number from -100000 to 100000'],
  ['user import missing.json', 'user import (missing.json)'],
])('%s: %s', (args, message) => {
  const { status, stderr } = run(args);
  expect(stderr).toContain(message);
  expect(status).toBeGreaterThan(0);
});
