import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { localAddresses, unlessMissing } from '../../src/embed/local-only.ts';
import { createBroker } from '../../src/index.ts';
import { Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';

let folder: string;
let command: Command | null = null;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-first-start-'));
});

afterEach(async () => {
  command?.child.kill('SIGTERM');
  await command?.exitCode();
  command = null;
});

afterAll(() => rmSync(folder, { recursive: true }));

const QUIET = ['--storage-enabled', 'false', '--metrics-enabled', 'false', '--ws-bind', 'none'];

async function start(port: number, more: string[], environment: object = {}): Promise<Command> {
  command = new Command([...QUIET, '--bind', `:${port}`, ...more], folder, environment as never);
  await command.waitFor(/ ready pid=|"event":"ready"/);
  return command;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Addresses by which other machines reach this one; in some containers there are none. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map(({ address }) => address);

test('without users and without anything that says who may connect, only this machine can', async () => {
  const port = await freePort();
  const { output } = await start(port, []);
  expect(await accepts('127.0.0.1', port)).toBe(true);
  for (const host of outside) expect([host, await accepts(host, port)]).toEqual([host, false]);
  expect(output).toContain('Note:    only this machine can connect');
  expect(output).not.toContain('ANYONE');
});

test.each([
  ['everybody is let in on purpose', ['--auth-allow-anonymous', 'true'], {}],
  ['it is in a container', [], { PROMPTMQ_AUTH_WITHOUT_USERS: 'everywhere' }],
])('where %s, others can connect, and it is said that nothing is safe', async (_, flags, more) => {
  const port = await freePort();
  const { output } = await start(port, flags, more);
  for (const host of ['127.0.0.1', ...outside]) {
    expect([host, await accepts(host, port)]).toEqual([host, true]);
  }
  expect(output).toContain('Unsafe:  ANYONE WHO REACHES THIS MACHINE MAY CONNECT');
  expect(output).not.toContain('only this machine');
});

test('the example is for a listener that mosquitto_sub reaches, and what is unsafe names the listener that asks nobody', async () => {
  const file = join(folder, 'listeners.yaml');
  const socket = join(folder, 'mqtt.sock');
  writeFileSync(join(folder, 'passwords'), '');
  writeFileSync(
    file,
    `listeners:
  - { kind: unix, bind: 'unix:${socket}', auth: none }
  - { name: doors, kind: tcp, bind: ':${await freePort()}', auth: none }
  - { kind: ws, bind: '127.0.0.1:0', path: [/only] }
auth: { chain: [{ dynamic-security: {} }] }
`,
  );
  const config = ['--storage-enabled', 'false', '--metrics-enabled', 'false', '--config', file];
  command = new Command(config, folder);
  await command.waitFor(/ ready pid=/);
  expect(command.output).toMatch(/mosquitto_sub -h localhost -p \d+ -t/);
  expect(command.output).toContain('leave "auth: none" out of listeners (doors)');
  expect(command.output).toMatch(/ws: {6}ws:\/\/127.0.0.1:\d+\/only\n/);
});

test('where there is only a Unix domain socket, the example has its path', async () => {
  const file = join(folder, 'socket.yaml');
  const socket = join(folder, 'alone.sock');
  writeFileSync(file, `listeners: [{ kind: unix, bind: 'unix:${socket}' }]\n`);
  command = new Command(['--storage-enabled', 'false', '--config', file], folder);
  await command.waitFor(/ ready pid=/);
  expect(command.output).toContain(`mosquitto_pub --unix ${socket} -t`);
});

test.each(['dynamic-security: {}', 'http: { url: "http://127.0.0.1:1" }', 'scram: users'])(
  'whether secrets go over the network as they are is known of %s',
  async (provider) => {
    writeFileSync(join(folder, 'users'), '');
    const file = join(folder, 'chain.yaml');
    writeFileSync(file, `auth: { chain: [{ ${provider} }] }\n`);
    const { output } = await start(await freePort(), ['--config', file]);
    expect(output.includes('go over the network unencrypted')).toBe(!provider.includes('scram'));
  },
);

test('with users, others can connect; a reload that takes the users away says what that means', async () => {
  const port = await freePort();
  const passwords = join(folder, 'passwords');
  const file = join(folder, 'promptmq.yaml');
  writeFileSync(passwords, '');
  writeFileSync(file, 'auth: { password-file: passwords }\n');
  const running = await start(port, ['--config', file, '--log-format', 'json']);
  for (const host of outside) expect([host, await accepts(host, port)]).toEqual([host, true]);
  expect(running.output).not.toMatch(/ANYONE|only this machine/);
  writeFileSync(file, 'log: { level: info }\n');
  running.child.kill('SIGHUP');
  await running.waitFor(/"event":"unsafe".*ANYONE WHO REACHES THIS MACHINE/);
});

test('a broker that listens for this machine only says when users have come that it has to be started again', async () => {
  const port = await freePort();
  const file = join(folder, 'promptmq.yaml');
  writeFileSync(join(folder, 'passwords'), '');
  writeFileSync(file, 'log: { level: info }\n');
  const running = await start(port, ['--config', file, '--log-format', 'json']);
  await running.waitFor(/"event":"local-only"/);
  writeFileSync(file, 'auth: { password-file: passwords }\n');
  running.child.kill('SIGHUP');
  await running.waitFor(/"event":"unsafe".*still only this machine/);
});

test('only an address without a host is narrowed, to both addresses of this machine', () => {
  const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port }) as const;
  const unix = { kind: 'unix', path: '/x' } as const;
  expect(localAddresses(tcp('', 1883))).toEqual([tcp('127.0.0.1', 1883), tcp('::1', 1883)]);
  expect(localAddresses(tcp('', 0))).toEqual([tcp('127.0.0.1', 0)]);
  expect(localAddresses(tcp('0.0.0.0', 1883))).toEqual([tcp('0.0.0.0', 1883)]);
  expect(localAddresses(unix)).toEqual([unix]);
});

test('a machine without IPv6 does with the other; what else is wrong is said', async () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  expect(await unlessMissing(failing('EADDRNOTAVAIL'))).toBeNull();
  expect(await unlessMissing(failing('EAFNOSUPPORT'))).toBeNull();
  await expect(unlessMissing(failing('EADDRINUSE'))).rejects.toThrow('EADDRINUSE');
});

test('a program that embeds a broker and says where it listens means it', async () => {
  const broker = await createBroker({ server: { bind: ':0', wsBind: 'none' } });
  const port = Number(new URL(`${broker.url}`).port);
  for (const host of outside) expect([host, await accepts(host, port)]).toEqual([host, true]);
  await broker.stop();
});
