import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';

const bin = join(import.meta.dirname, '../bin/promptmq-bench.js');
const directory = mkdtempSync(join(tmpdir(), 'promptmq-bench-'));
let broker: RunningBroker;

beforeAll(async () => {
  // Without the topics below $SYS, all that may be retained is for these tests.
  const metrics = { enabled: false, sysInterval: 0 };
  broker = await createBroker({ mqtt: { maxRetained: 10 }, metrics });
});

afterEach(() => {
  expect(broker.stats.connectionsCurrent).toBe(0);
});

afterAll(async () => {
  await broker.stop();
  rmSync(directory, { recursive: true });
});

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** The command in a process of its own, against the broker of these tests unless told otherwise. */
async function run(...args: string[]): Promise<Outcome> {
  const url = args.includes('--url') ? [] : ['--url', broker.url as string];
  const child = spawn(process.execPath, [bin, ...url, ...args]);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output, errors };
}

const TINY = ['--publishers', '2', '--subscribers', '2', '--messages', '20', '--drain', '0.3'];

test('subscribers connect to an address of their own', async () => {
  const { port } = new URL(broker.url as string);
  let count = 0;
  const relay = createServer((socket) => {
    count++;
    const other = connect({ port: Number(port), host: '127.0.0.1' });
    for (const end of [socket, other]) end.on('error', () => {});
    socket.pipe(other).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const url = `mqtt://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const counts = ['--publishers', '2', '--subscribers', '3', '--messages', '20', '--drain', '0.3'];
  const args = ['wildcard', ...counts, '--subscriber-url', url, '--fail-on-loss'];
  expect(await run(...args)).toMatchObject({ exitCode: 0, errors: '' });
  expect(count).toBe(3);
  relay.close();
});

test('several patterns make a table, JSON and plots', async () => {
  const json = join(directory, 'results.json');
  const svg = join(directory, 'plots');
  const args = ['pairs', 'shared', ...TINY, '--json', json, '--svg', svg];
  const { exitCode, output, errors } = await run(...args);
  expect(errors).toBe('');
  expect(exitCode).toBe(0);
  const lines = output.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^scenario +rate +lost +p50 .*p99\.9 +max +generator +broker +memory$/);
  expect(lines[1]).toMatch(/^pairs 2 QoS 0 +\d.*\/s +0 /);
  expect(lines[2]).toMatch(/^shared 2 to 2 QoS 0 /);
  const { results } = JSON.parse(readFileSync(json, 'utf8'));
  expect(results).toMatchObject([
    { scenario: { pattern: 'pairs' }, delivered: 20, lost: 0 },
    { scenario: { pattern: 'shared' }, delivered: 20, lost: 0 },
  ]);
  expect(readdirSync(svg).toSorted()).toEqual(['latency.svg', 'throughput.svg']);
});

test('JSON on the standard output comes alone', async () => {
  const { output } = await run('fan-in', '--subscribers', '1', '--messages', '10', '--json', '-');
  expect(JSON.parse(output).results[0].delivered).toBe(10);
});

test('--fail-on-loss makes loss a failure, in one line', async () => {
  const args = ['retained', '--messages', '20', '--drain', '2', '--qos', '0'];
  expect((await run(...args)).exitCode).toBe(0);
  const { exitCode, output, errors } = await run(...args, '--fail-on-loss');
  expect(exitCode).toBe(1);
  expect(output).toContain('10 (50.0 %)');
  expect(errors).toBe('promptmq-bench: messages were lost in retained 20 QoS 0\n');
});

test('--help names every pattern and option, --version the version', async () => {
  const { exitCode, output } = await run('--help');
  expect(exitCode).toBe(0);
  for (const text of [
    'fan-in',
    'offline',
    '--rate',
    '--user-properties',
    '--broker-pid',
    '--svg',
  ]) {
    expect(output).toContain(text);
  }
  expect((await run('--version')).output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [['pears'], 2, 'unknown pattern pears: pairs, fan-in'],
  [['--bogus'], 2, 'bogus'],
  [['--qos', '3'], 2, '--qos: "3" is not a whole number from 0 to 2'],
  [['--rate', 'fast'], 2, '--rate: "fast"'],
  [['--seconds', '-1'], 2, '--seconds'],
  [['--qos', '1', '--qos', '2'], 2, '--qos is given more than once'],
  [['--aliases'], 2, 'topic aliases need MQTT 5 (--protocol 5)'],
  [['--url', 'http://h'], 2, 'http://h is not an address'],
  [['--ca', '/no/such/file.pem'], 2, '/no/such/file.pem'],
  [['--broker-pid', '999999999'], 1, 'there is no process 999999999'],
  [['--url', 'mqtt://127.0.0.1:1'], 1, "can't connect to 127.0.0.1:1"],
  [['idle', '--sources', '2', '--url', 'mqtt://[::1]:1'], 1, 'only works with a broker at 127.x'],
])('%j is refused in one clear line', async (args, exitCode, message) => {
  const outcome = await run(...args);
  expect(outcome.errors).toMatch(/^promptmq-bench: .*\n$/);
  expect(outcome.errors).toContain(message);
  expect(outcome).toMatchObject({ exitCode, output: '' });
});
