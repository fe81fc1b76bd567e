import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/index.ts';
import { exposedFiles } from '../../src/service/exposed-files.ts';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let umask: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-modes-'));
  umask = process.umask(0);
});

afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true });
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('whatever the umask, nobody else can open what the broker writes', async () => {
  const args = ['--ws-bind', 'none', '--metrics-bind', 'none', '--log-file', 'logs/broker.log'];
  const files = ['--data-dir', 'data', '--wal-dir', 'wal', '--pid-file', 'run/broker.pid'];
  const broker = new Command(['server', '--bind', '127.0.0.1:0', ...args, ...files], folder);
  await broker.waitForFile(join(folder, 'logs/broker.log'), /ready/);
  const address = /address=(\S+:\d+)/.exec(readFileSync(join(folder, 'logs/broker.log'), 'utf8'));
  const client = await PacketClient.open(`mqtt://${address?.[1]}`, 5);
  client.connect('c', { properties: { sessionExpiryInterval: 100 } });
  await client.next();
  client.publish('t', 'x', 1, 1, { retain: true });
  await client.next();
  const modes = () =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]);
  const expected = (name: string) => (statSync(join(folder, name)).isDirectory() ? '700' : '600');
  const found = modes();
  expect(found.map(([name]) => name)).toContain(join('data', 'index', 'index.mdb'));
  for (const [name, mode] of found) expect([name, mode]).toEqual([name, expected(name as string)]);
  await client.cut();
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  for (const [name, mode] of modes())
    expect([name, mode]).toEqual([name, expected(name as string)]);
});

test('a log file that can no longer be looked at is no reason to end', () => {
  const file = join(folder, 'broker.log', 'below a file');
  writeFileSync(join(folder, 'broker.log'), '');
  const config = parseConfig({ storage: { enabled: false }, log: { file } });
  expect(exposedFiles(config)).toEqual([]);
});
