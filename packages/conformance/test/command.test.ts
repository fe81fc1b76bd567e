import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';
import { selfSigned } from '../../bench/test/support/certificate.ts';
import { allCases, type HostileJson, hostileCases, type JsonReport } from '../src/index.ts';

const bin = join(import.meta.dirname, '../bin/promptmq-conformance.js');
const directory = mkdtempSync(join(tmpdir(), 'promptmq-conformance-'));
const certificate = join(directory, 'certificate.pem');
const ONE = 'PUBREL has its flags';
let broker: RunningBroker;

beforeAll(async () => {
  const { key, cert } = selfSigned();
  writeFileSync(certificate, cert);
  writeFileSync(join(directory, 'key.pem'), key);
  const promptmq = join(import.meta.dirname, '../../server/bin/promptmq.js');
  const hash = spawnSync(process.execPath, [promptmq, 'passwd', 'alice'], { input: 'secret' });
  const passwordFile = join(directory, 'passwords');
  writeFileSync(passwordFile, hash.stdout);
  broker = await createBroker({
    server: {
      bind: '127.0.0.1:0',
      tlsBind: '127.0.0.1:0',
      wsBind: '127.0.0.1:0',
      tls: { cert: certificate, key: join(directory, 'key.pem') },
    },
    auth: { passwordFile, allowAnonymous: false },
  });
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

/** The command in a process of its own. */
async function run(...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [bin, ...args]);
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

const ALICE = ['--username', 'alice', '--password', 'secret'];

test.each([
  ['MQTT', () => [`${broker.url}`]],
  ['TLS', () => [`${broker.tlsUrl}`, '--ca', certificate]],
  ['WebSocket', () => [`${broker.wsUrl}/mqtt`]],
])('a broker that passes is 0, over %s, with credentials', async (_, target) => {
  expect(await run('--target', ...target(), ...ALICE, '--only', ONE)).toMatchObject({
    exitCode: 0,
    output: expect.stringMatching(
      /^(mqtts?|ws):\/\/127\.0\.0\.1:\d+(\/mqtt)? \(MQTT 5\.0, MQTT 3\.1\.1, MQTT 3\.1\): 1 passed, 0 failed, 0 not tried\n$/,
    ),
    errors: '',
  });
});

/** Passes connections on to a broker. @returns where it listens, and how many it has passed on by now */
async function relayTo(url: string): Promise<{ server: Server; count: () => number }> {
  let count = 0;
  const { hostname: host, port } = new URL(url);
  const server = createServer((near) => {
    count++;
    const far = connect({ host, port: Number(port) });
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, count: () => count };
}

test('several targets are nodes of one broker: the connections of a case are to one after the other', async () => {
  const relays = await Promise.all([relayTo(`${broker.url}`), relayTo(`${broker.url}`)]);
  const targets = relays.flatMap(({ server }) => ['--target', addressOf(server)]);
  const only = ['--only', 'a retained message is replaced by the next'];
  const { output } = await run(...targets, ...ALICE, ...only);
  for (const { server } of relays) server.close();
  expect(output).toContain('1 passed, 0 failed');
  const [first = 0, second = 0] = relays.map(({ count }) => count());
  // Three more ask the first one which versions it speaks.
  expect([first - 3 - second === 0 || first - 3 - second === 1, second > 0]).toEqual([true, true]);
});

test('packets that are sent byte by byte have the credentials, too', async () => {
  const args = ['--target', `${broker.url}`, '--ws', `${broker.wsUrl}/mqtt`, ...ALICE];
  const only = ['--only', 'byte by byte', '--only', 'each byte may be a frame of its own'];
  const { output } = await run(...args, ...only);
  expect(output).toContain('2 passed, 0 failed');
});

test('a report says what could not be tried, and why', async () => {
  const files = [join(directory, 'report.md'), join(directory, 'report.json')] as const;
  const { exitCode, output } = await run(
    ...['--target', `${broker.url}`, ...ALICE, '--report', files[0], '--report', files[1]],
    ...['--only', 'maximum qos is', '--only', 'may each stand alone', '--only', 'text frame ends'],
    ...['--only', ONE, '--only', 'success of its authentication', '--only', 'that the operator'],
  );
  expect({ exitCode, output }).toEqual({
    exitCode: 0,
    output: expect.stringContaining('1 passed'),
  });
  const [markdown, json] = files.map((file) => readFileSync(file, 'utf8')) as [string, string];
  const report = JSON.parse(json) as JsonReport;
  expect(report).toMatchObject({
    passed: 1,
    failed: 0,
    versions: ['MQTT 5.0', 'MQTT 3.1.1', 'MQTT 3.1'],
  });
  const reasons = report.cases.flatMap(({ reason }) => reason ?? []);
  for (const reason of [
    'it needs the operator of the broker, to stop it or to disconnect a client',
    'no address of a WebSocket is known',
    'it has user names and passwords of its own, and the target wants others',
  ]) {
    expect(reasons).toContain(reason);
    expect(markdown).toContain(reason);
  }
  expect(report.notTried).toBe(reasons.length);
  expect(report.statements['MQTT 5.0'].find(({ id }) => id === 'MQTT-3.6.1-1')).toMatchObject({
    binds: 'server',
    outcome: 'passes',
    cases: [ONE],
  });
  expect(markdown).toMatch(/^\| MQTT-3\.6\.1-1 \| server \| PUBREL has its flags \| passes \|$/m);
  expect(markdown).not.toContain('alice');
});

test('--list has every case with its statements, and needs no target', async () => {
  const { exitCode, output } = await run('--list');
  expect(exitCode).toBe(0);
  expect(output.trimEnd().split('\n')).toHaveLength(allCases.length);
  expect(output).toContain(`MQTT 5.0: ${ONE} [MQTT-3.6.1-1]\n`);
  expect((await run('--list', '--only', 'mqtt-3.6.1-1')).output.split('\n')).not.toHaveLength(0);
});

test('--help names every option and exit code, --version the version', async () => {
  const { exitCode, output } = await run('--help');
  expect(exitCode).toBe(0);
  for (const name of ['target', 'ws', 'ca', 'insecure', 'username', 'password', 'only', 'list']) {
    expect(output).toContain(`--${name} `);
  }
  for (const name of ['--except', '--concurrency', '--report', 'exits with 0'])
    expect(output).toContain(name);
  expect((await run('--version')).output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** A server that answers the first bytes of every connection. */
async function answering(answer: (first: Buffer) => Uint8Array | null): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (first) => {
      const bytes = answer(first);
      if (bytes === null) socket.destroy();
      else socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a broker that fails is 1, and what it does not speak is not tried', async () => {
  // Only 3.1.1, and of that nothing but CONNACK: a MQTT 5 client is told so in the CONNACK of 3.1.1.
  const server = await answering((bytes) =>
    bytes[0] === 0x10 ? Uint8Array.of(0x20, 2, 0, bytes[8] === 4 ? 0 : 1) : null,
  );
  const only = ['--only', 'PINGREQ', '--only', ONE];
  const outcome = await run('--target', addressOf(server), ...only);
  server.close();
  expect(outcome.exitCode).toBe(1);
  expect(outcome.output).toMatch(
    /\(MQTT 3\.1\.1\): 0 passed, [1-9]\d* failed, [1-9]\d* not tried\n$/,
  );
  expect(outcome.errors).toContain(
    'failed: PINGREQ is answered, and nothing after DISCONNECT is: ',
  );
});

test.each([
  [
    'is no broker',
    () => Buffer.from(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(200)}`),
    /does not answer CONNECT as/,
  ],
  ['closes', () => null, /speaks no version of MQTT: it closes the connection/],
  ['refuses everyone', () => Uint8Array.of(0x20, 3, 0, 0x87, 0), /CONNACK 0x87: .* --username/],
])('a target that %s is 2, in one clear line', async (_, answer, message) => {
  const server = await answering(answer);
  const outcome = await run('--target', addressOf(server));
  server.close();
  expect(outcome.errors).toMatch(/^promptmq-conformance: .*\n$/);
  expect(outcome.errors).toMatch(message);
  expect(outcome).toMatchObject({ exitCode: 2, output: '' });
});

test('what a broker says that it does not offer is in the report', async () => {
  // Of MQTT 5: QoS 1 at most, no retained messages, and no topic aliases, as it doesn't name any.
  const limits = ['QoS 1 at most', 'no retained messages', 'no topic aliases'];
  const server = await answering((bytes) =>
    bytes[8] === 5 ? Uint8Array.of(0x20, 7, 0, 0, 4, 0x24, 1, 0x25, 0) : null,
  );
  const file = join(directory, 'limits.json');
  const args = ['--target', addressOf(server), '--only', ONE, '--report', file];
  const { errors } = await run(...args);
  server.close();
  expect(errors).toContain(
    `its CONNACK says: ${limits.join(', ')}; cases that need more will fail`,
  );
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ versions: ['MQTT 5.0'], limits });
});

test('hostile attacks with a canary beside it, with its defaults, and reports on both', async () => {
  const files = [join(directory, 'hostile.md'), join(directory, 'hostile.json')] as const;
  const { exitCode, output, errors } = await run(
    ...['hostile', '--target', `${broker.url}`, ...ALICE, '--pid', `${process.pid}`],
    ...['--only', 'packet identifier 0 (5)', '--only', 'reserved bits of each fixed header (5)'],
    ...['--only', 'PUBLISH to a topic that is closed', '--only', 'frames that are not masked'],
    ...['--report', files[0], '--report', files[1]],
  );
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  expect(output).toMatch(
    /^mqtt:\/\/127\.0\.0\.1:\d+: 2 passed, 0 failed, 3 not tried; the canary waited \d+ ms at most\n$/,
  );
  const [markdown, json] = files.map((file) => readFileSync(file, 'utf8')) as [string, string];
  const report = JSON.parse(json) as HostileJson;
  expect(report).toMatchObject({ passed: 2, failed: 0, notTried: 3 });
  const tried = report.cases.filter(({ outcome }) => outcome === 'passed');
  for (const { worstMs, memory } of tried) {
    expect(worstMs).toEqual(expect.any(Number));
    if (process.platform === 'linux') expect(memory?.after).toBeGreaterThan(0);
  }
  expect(report.cases.flatMap(({ reason }) => reason ?? [])).toEqual([
    'it needs two users (--username, --other-username)',
    'it needs two users (--username, --other-username)',
    'no address of a WebSocket is known (--ws)',
  ]);
  expect(markdown).toMatch(/^\| packet identifier 0 \(5\) \| closed.* \| passed \| \d+ ms \| /m);
  expect(markdown).not.toContain('alice');
});

test('hostile fails what makes the canary wait for longer than it may', async () => {
  const { exitCode, errors } = await run(
    ...['hostile', '--target', `${broker.url}`, ...ALICE, '--canary-max', '1'],
    ...['--only', '5,000 times in one go (5)'],
  );
  expect(errors).toMatch(/^failed: SUBSCRIBE and UNSUBSCRIBE .*: the canary waited \d+ ms\n$/);
  expect(exitCode).toBe(1);
});

test('hostile --list names each attack with its answer, --help every option', async () => {
  const { output } = await run('hostile', '--list');
  expect(output.trimEnd().split('\n')).toHaveLength(hostileCases.length);
  expect(output).toContain('state: packet identifier 0 (5) [MQTT 5.0]: closed');
  const help = (await run('hostile', '--help')).output;
  for (const name of ['target', 'ws', 'tls', 'pid', 'username', 'other-username', 'canary-max']) {
    expect(help).toContain(`--${name}`);
  }
  expect((await run('--help')).output).toContain('hostile --target');
});

test('--except leaves cases out', async () => {
  const { output } = await run('--list', '--only', 'MQTT-3.6.1-1', '--except', ONE);
  expect(output).toContain('[MQTT-3.6.1-1]');
  expect(output).not.toContain(ONE);
});

test('a certificate of an unknown authority is refused, and taken with --insecure', async () => {
  const args = ['--target', `${broker.tlsUrl}`, ...ALICE, '--only', ONE];
  const { exitCode, errors } = await run(...args);
  expect(exitCode).toBe(2);
  expect(errors).toMatch(/can't be reached: .*self-signed certificate\n$/);
  expect((await run(...args, '--insecure')).exitCode).toBe(0);
});

test.each([
  [[], 'which broker? --target HOST:PORT'],
  [['--bogus'], 'bogus'],
  [['somewhere:1883'], 'somewhere:1883'],
  [['--target', '127.0.0.1:1'], "127.0.0.1:1 can't be reached: connect ECONNREFUSED"],
  [['--target', 'http://h'], 'http://h is not an address: mqtt, mqtts, ws or wss://'],
  [['--target', 'mqtt://h/path'], 'only WebSocket has a path'],
  [['--target', 'h', '--ws', 'mqtt://h'], 'mqtt://h is not an address: ws or wss://'],
  [['--target', 'h', '--target', 'i', '--ws', 'ws://h'], '--ws: 1 of them, and 2 of --target'],
  [['--target', 'h', '--password', 'p'], 'a password needs a user name'],
  [['--target', 'h', '--ca', '/no/such/file.pem'], '/no/such/file.pem'],
  [['--target', 'h', '--only', 'no such thing'], 'no case is left by --only no such thing'],
  [['--list', '--except', 'MQTT', '--except', '§'], 'no case is left by --except MQTT --except §'],
  [['--list', '--only', ONE, '--except', ONE], `no case is left by --only ${ONE} --except ${ONE}`],
  [
    ['--target', 'h', '--concurrency', '65'],
    '--concurrency: "65" is not a whole number from 1 to 64',
  ],
  [['hostile'], 'which broker? --target HOST:PORT'],
  [['hostile', '--bogus'], 'bogus'],
  [['hostile', '--target', 'h', '--pid', 'x'], '--pid: "x" is not a whole number'],
  [['hostile', '--target', 'h', '--canary-max', '0'], '--canary-max: "0" is not a whole number'],
  [['hostile', '--target', 'h', '--only', 'no such thing'], 'no case is left'],
  [['hostile', '--target', 'h', '--report', 'x.txt'], 'a report is Markdown (.md) or JSON (.json)'],
  [['hostile', '--target', '127.0.0.1:1'], "127.0.0.1:1 can't be reached"],
  [
    ['hostile', '--target', 'h', '--other-password', 'p'],
    '--other-password needs --other-username',
  ],
  [['--target', 'h', '--report', 'report.txt'], 'a report is Markdown (.md) or JSON (.json)'],
  [['--target', 'h', '--report', '/no/such/report.md'], '--report /no/such/report.md: ENOENT'],
])('%j is refused in one clear line', async (args, message) => {
  const outcome = await run(...args);
  expect(outcome.errors).toMatch(/^promptmq-conformance: .*\n$/);
  expect(outcome.errors).toContain(message);
  expect(outcome).toMatchObject({ exitCode: 2, output: '' });
});
