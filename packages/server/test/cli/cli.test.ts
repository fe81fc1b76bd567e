import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

const running: Command[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-cli-'));
});

afterEach(async () => {
  for (const command of running.splice(0)) {
    command.child.kill('SIGKILL');
    await command.exitCode();
  }
  rmSync(folder, { recursive: true });
});

function run(...args: string[]): Command {
  const command = new Command(args, folder);
  running.push(command);
  return command;
}

const ANY_PORT = [
  ...['--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0', '--metrics-bind', '127.0.0.1:0'],
  ...['--log-format', 'json'],
];

test('it says where it listens, serves, and stops in order at SIGTERM', async () => {
  const command = run(...ANY_PORT);
  const [, address] = await command.waitFor(/"protocol":"mqtt","address":"([^"]+)"/);
  await command.waitFor(/"protocol":"ws","address":"([^"]+)"/);
  const client = await TestClient.connect(`mqtt://${address}`, { protocolVersion: 5 });
  const reason = new Promise((resolve) => {
    client.mqtt.once('disconnect', (packet) => resolve(packet.reasonCode));
  });
  command.child.kill('SIGTERM');
  expect(await reason).toBe(0x8b);
  expect(await command.exitCode()).toBe(0);
  expect(command.output).toMatch(/"event":"stopping","signal":"SIGTERM"[\s\S]*"event":"stopped"/);
  expect(command.errors).toBe('');
});

test('a first start says what listens where, where the data is, how to connect and what is unsafe', async () => {
  const command = run(
    '--bind',
    '0.0.0.0:0',
    '--ws-bind',
    '127.0.0.1:0',
    '--metrics-bind',
    '127.0.0.1:0',
  );
  await command.waitFor(/ ready pid=/);
  expect(command.output).toMatch(
    /mqtt: {4}mqtt:\/\/localhost:\d+\n {2}ws: {6}ws:\/\/127.0.0.1:\d+/,
  );
  expect(command.output).toMatch(/metrics: http:\/\/127.0.0.1:\d+\/metrics/);
  expect(command.output).toContain('./data and ./wal, synced before each acknowledgement');
  expect(command.output).toMatch(/mosquitto_sub -h localhost -p \d+/);
  expect(command.output).toContain('Unsafe:  ANYONE WHO REACHES THIS MACHINE MAY CONNECT');
  command.child.kill('SIGTERM');
  expect(await command.exitCode()).toBe(0);
});

test('SIGINT stops it, too, also when it is called as "promptmq server"', async () => {
  const command = run('server', ...ANY_PORT);
  await command.waitFor(/"protocol":"ws"/);
  command.child.kill('SIGINT');
  expect(await command.exitCode()).toBe(0);
});

test('--help lists every option in its group, and --version the version', async () => {
  const help = run('--help');
  expect(await help.exitCode()).toBe(0);
  for (const text of [
    'Server:',
    '--ws-bind',
    '--max-queued-messages',
    '--log-level',
    'drop-oldest',
  ]) {
    expect(help.output).toContain(text);
  }
  const version = run('--version');
  expect(await version.exitCode()).toBe(0);
  expect(version.output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [['--bnd', '1'], 2, 'unknown option --bnd; did you mean --bind?'],
  [['--max-qos', '5'], 2, 'mqtt.max-qos (--max-qos): "5" is not allowed'],
  [['--max-qos', '1', '--max-qos', '2'], 2, 'mqtt.max-qos (--max-qos): given more than once'],
  [['--bind'], 2, 'bind'],
  [['--log-level', 'loud'], 2, 'loud'],
  [['--config', '/no/such/file.yaml'], 2, '/no/such/file.yaml'],
  [['sever'], 2, 'sever'],
])('%j is refused with one clear line', async (args, exitCode, message) => {
  const command = run(...args);
  expect(await command.exitCode()).toBe(exitCode);
  expect(command.errors.trim().split('\n')).toHaveLength(1);
  expect(command.errors).toContain(message);
  expect(command.output).toBe('');
});

test('a port that is taken is reported in one line, with exit code 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const others = ['--ws-bind', 'none', '--metrics-bind', 'none'];
  const command = run('--bind', `127.0.0.1:${port}`, ...others);
  expect(await command.exitCode()).toBe(1);
  expect(command.errors).toMatch(
    new RegExp(`^promptmq: server\\.bind: .*EADDRINUSE.*${port} \\(--bind .*\\)\n$`),
  );
  server.close();
});

test('"promptmq bench" is the load generator, under this name', async () => {
  const help = run('bench', '--help');
  expect(await help.exitCode()).toBe(0);
  expect(help.output).toContain('promptmq bench [patterns..]');
  const wrong = run('bench', 'pears');
  expect(await wrong.exitCode()).toBe(2);
  expect(wrong.errors).toMatch(/^promptmq bench: unknown pattern pears: .*\n$/);
});
