import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { TestClient } from '../support/mqtt-client.ts';

const bin = join(import.meta.dirname, '../../bin/promptmq.js');
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** The command in a process of its own. */
class Command {
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  output = '';
  errors = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(this.child);
    this.#closed = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.errors += chunk;
    });
  }

  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.errors}`);
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), this.#closed]);
    }
  }

  async exitCode(): Promise<unknown> {
    return (await this.#closed)[0];
  }
}

const ANY_PORT = [
  ...['--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0', '--metrics-bind', '127.0.0.1:0'],
  ...['--log-format', 'json'],
];

test('it says where it listens, serves, and stops in order at SIGTERM', async () => {
  const command = new Command(...ANY_PORT);
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

test('SIGINT stops it, too, also when it is called as "promptmq server"', async () => {
  const command = new Command('server', ...ANY_PORT);
  await command.waitFor(/"protocol":"ws"/);
  command.child.kill('SIGINT');
  expect(await command.exitCode()).toBe(0);
});

test('--help lists every option in its group, and --version the version', async () => {
  const help = new Command('--help');
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
  const version = new Command('--version');
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
  const command = new Command(...args);
  expect(await command.exitCode()).toBe(exitCode);
  expect(command.errors.trim().split('\n')).toHaveLength(1);
  expect(command.errors).toContain(message);
  expect(command.output).toBe('');
});

test('a port that is taken is told in one line, with exit code 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const others = ['--ws-bind', 'none', '--metrics-bind', 'none'];
  const command = new Command('--bind', `127.0.0.1:${port}`, ...others);
  expect(await command.exitCode()).toBe(1);
  expect(command.errors).toMatch(new RegExp(`^promptmq: .*EADDRINUSE.*${port}\n$`));
  server.close();
});

test('"promptmq bench" is the load generator, under this name', async () => {
  const help = new Command('bench', '--help');
  expect(await help.exitCode()).toBe(0);
  expect(help.output).toContain('promptmq bench [patterns..]');
  const wrong = new Command('bench', 'pears');
  expect(await wrong.exitCode()).toBe(2);
  expect(wrong.errors).toMatch(/^promptmq bench: unknown pattern pears: .*\n$/);
});
