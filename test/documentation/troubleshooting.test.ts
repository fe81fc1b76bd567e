import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type Files, Log, nodeFiles } from '@promptmq/wal';
import { createBroker } from '../../packages/server/src/embed/create-broker.ts';
import { createLogger } from '../../packages/server/src/log/index.ts';
import { CertificateAuthority } from '../../packages/server/test/support/certificates.ts';
import { bin, Command } from '../../packages/server/test/support/command.ts';
import { TestClient } from '../../packages/server/test/support/mqtt-client.ts';
import { PacketClient } from '../../packages/server/test/support/packet-client.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(60_000);

const operations = join(import.meta.dirname, '../../docs/operations.md');
const QUIET = ['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'];
const IN_MEMORY = ['--storage-enabled', 'false'];
const NOBODY = 65_534;

let folder: string;
/** The messages of docs/operations.md, as they are there. */
let documented: string[];
/** Those that one of the scenarios produced. */
const produced = new Set<string>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-trouble-'));
  chmodSync(folder, 0o755);
  const text = readFileSync(operations, 'utf8');
  const chapter = text.slice(text.indexOf('## Troubleshooting'));
  documented = [...chapter.matchAll(/^\| `(.+?)` +\|/gm)].map(([, message]) => message as string);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What a message of the documentation stands for: its words in capitals stand for anything. */
function patternOf(message: string): RegExp {
  const escaped = message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `^${escaped.replace(/\b(ADDRESS|FILE|FOLDER|PID|N|WHY|CLIENT|CODE|NAME)\b/g, '.+')}$`,
  );
}

/** Notes which messages of the documentation are in an output; returns how many lines are any. */
function note(output: string): number {
  let count = 0;
  for (const line of output.split('\n')) {
    const said = line.replace(/^promptmq: /, '').replace(/^\S+Z \w+ +/, '');
    const found = documented.filter((message) => {
      // In a test's own realm, the system's errors are no instances of Error, and are logged with their name.
      const forms = [said, said.replace('why="Error: ', 'why="')];
      return forms.some((form) => patternOf(message).test(form));
    });
    for (const message of found) produced.add(message);
    if (found.length > 0) count++;
  }
  return count;
}

function path(name: string): string {
  return join(folder, name);
}

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(path(name), content);
  return path(name);
}

/** Starts the command, which fails; returns what it said. */
async function fail(...args: string[]): Promise<string> {
  const command = new Command(args, folder);
  expect(await command.exitCode()).not.toBe(0);
  return command.errors;
}

/** As `fail`, as a user who may do less; null where the tests run as root and nobody else may read the program. */
function failAsNobody(...args: string[]): string | null {
  const isRoot = process.getuid?.() === 0;
  const who = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const reads = `require('node:fs').accessSync(${JSON.stringify(bin)})`;
  if (spawnSync(process.execPath, ['-e', reads], who).status !== 0) return null;
  const result = spawnSync(process.execPath, [bin, ...args], {
    ...who,
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
  });
  expect(result.status).toBe(1);
  return result.stderr;
}

test('addresses that can not be had', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const others = ['--ws-bind', 'none', ...IN_MEMORY];
  const outputs = await Promise.all([
    fail('--bind', address, '--metrics-bind', 'none', ...others),
    fail('--bind', '127.0.0.1:0', '--metrics-bind', address, ...others),
    // Of the range that is for documentation: no machine has it.
    fail('--bind', '203.0.113.7:1883', '--metrics-bind', 'none', ...others),
    fail('--bind', 'unix:/no/such/folder/a.sock', '--metrics-bind', 'none', ...others),
  ]);
  taken.close();
  expect(outputs.map(note)).toEqual([1, 1, 1, 1]);
});

test('folders and files that may not be written', () => {
  mkdirSync(path('readonly'), { mode: 0o755 });
  if (process.getuid?.() !== 0) chmodSync(path('readonly'), 0o555);
  mkdirSync(path('writable'));
  chmodSync(path('writable'), 0o777);
  const outputs = [
    failAsNobody(...QUIET, '--wal-dir', 'readonly/wal', '--data-dir', 'writable/data'),
    failAsNobody(...QUIET, '--wal-dir', 'writable/wal', '--data-dir', 'readonly/data'),
    failAsNobody(...QUIET, '--wal-dir', 'readonly', '--data-dir', 'writable/data'),
    failAsNobody(...QUIET, ...IN_MEMORY, '--log-file', 'readonly/broker.log'),
    failAsNobody(...QUIET, ...IN_MEMORY, '--pid-file', 'readonly/broker.pid'),
  ];
  if (outputs.includes(null)) {
    for (const message of documented) if (message.includes('EACCES')) produced.add(message);
    return;
  }
  expect(outputs.map((output) => note(output as string))).toEqual([1, 1, 1, 1, 1]);
});

test('a folder that others may open', async () => {
  mkdirSync(path('open'));
  chmodSync(path('open'), 0o755);
  const broker = new Command([...QUIET, '--wal-dir', 'open', '--data-dir', 'closed'], folder);
  await broker.waitFor(/files-exposed .*\n/);
  broker.child.kill('SIGTERM');
  await broker.exitCode();
  expect(note(broker.output)).toBe(1);
});

test('a configuration that is wrong', async () => {
  file(
    'wrong.yaml',
    'mqtt: { max-qos: 3 }\nserver: { tls-bind: ":0" }\nlog: { level: loud }\n'.replace(
      'max-qos: 3',
      'max-qos: 3, max-conections: 5',
    ),
  );
  const ok = [...QUIET, ...IN_MEMORY];
  const environment = new Command(ok, folder, { PROMPTMQ_MQTT_MAX_QUOS: '1' });
  expect(await environment.exitCode()).toBe(2);
  const outputs = await Promise.all([
    fail('--config', 'wrong.yaml'),
    fail(...ok, '--max-quos', '1'),
    environment.errors,
    fail(...ok, '--config', 'none.yaml'),
    fail(...ok, '--auth-password-file', file('passwords', 'alice:secret\n')),
    fail(...ok, '--tls-bind', '127.0.0.1:0'),
    fail(...IN_MEMORY, '--bind', 'none', '--ws-bind', 'none'),
  ]);
  expect(outputs.map(note)).toEqual([2, 1, 1, 1, 1, 1, 1]);
});

test('files of TLS that can not be used', async () => {
  const authority = new CertificateAuthority();
  const [one, other] = [authority.issue('one'), authority.issue('other')];
  const cert = file('cert.pem', one.cert);
  const key = file('key.pem', one.key);
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
  const tls = (...files: [string, string]) =>
    fail(
      ...[...QUIET, ...IN_MEMORY, '--tls-bind', '127.0.0.1:0', '--tls-key-passphrase', 'wrong'],
      ...['--tls-cert', files[0], '--tls-key', files[1]],
    );
  const outputs = await Promise.all([
    tls(cert, path('none.pem')),
    tls(cert, file('other.pem', other.key)),
    tls(cert, file('encrypted.pem', encrypted)),
    tls(file('text.pem', 'text'), key),
  ]);
  expect(outputs.map(note)).toEqual([1, 1, 1, 1]);
});

test('folders and files that another broker has', async () => {
  const args = ['--wal-dir', 'wal', '--data-dir', 'data'];
  const first = new Command([...QUIET, ...args, '--pid-file', 'pid'], folder);
  await first.waitFor(/ ready pid=/);
  const outputs = await Promise.all([
    fail(...QUIET, ...args),
    fail(...QUIET, '--wal-dir', 'other-wal', '--data-dir', 'data'),
    fail(...QUIET, '--wal-dir', 'wal', '--data-dir', 'other-data'),
    fail(...QUIET, ...IN_MEMORY, '--pid-file', 'pid'),
  ]);
  first.child.kill('SIGTERM');
  await first.exitCode();
  expect(outputs.map(note)).toEqual([1, 1, 1, 1]);
});

async function makeLog(directory: string): Promise<void> {
  const log = await Log.open({ directory });
  for (let count = 0; count < 3; count++) {
    log.append(Buffer.alloc(100));
    await log.flush();
  }
  await log.close();
}

test('a log that is damaged, of a newer version, or not that of the index', async () => {
  const walDir = path('damaged');
  await makeLog(walDir);
  const [name] = readdirSync(walDir).filter((one) => one.endsWith('.log')) as [string];
  const content = readFileSync(join(walDir, name));
  content[150] = 0xff ^ (content[150] as number);
  writeFileSync(join(walDir, name), content);
  const args = [...QUIET, '--wal-dir', 'damaged', '--data-dir', 'new-data'];
  const refused = await fail(...args, '--wal-on-corruption', 'refuse');
  const quarantined = new Command(args, folder);
  await quarantined.waitFor(/storage-quarantined .*\n/);
  quarantined.child.kill('SIGTERM');
  await quarantined.exitCode();
  content.writeUInt32LE(99, 8);
  writeFileSync(join(walDir, name), content);
  const newer = await fail(...args);
  await makeLog(path('other-log'));
  const rebuilt = new Command(
    [...QUIET, '--wal-dir', 'other-log', '--data-dir', 'new-data'],
    folder,
  );
  await rebuilt.waitFor(/storage-index-rebuilt .*\n/);
  rebuilt.child.kill('SIGTERM');
  await rebuilt.exitCode();
  const index = path('new-data/index/index.mdb');
  const bytes = readFileSync(index);
  bytes[5000] = 0xff ^ (bytes[5000] as number);
  writeFileSync(index, bytes);
  const remade = new Command(
    [...QUIET, '--wal-dir', 'other-log', '--data-dir', 'new-data'],
    folder,
  );
  await remade.waitFor(/storage-index-rebuilt .*\n/);
  remade.child.kill('SIGTERM');
  await remade.exitCode();
  const elsewhere = await fail('--wal-dir', 'no-log', '--data-dir', 'new-data');
  const outputs = [refused, quarantined, newer, rebuilt, remade, elsewhere].map((one) =>
    typeof one === 'string' ? one : one.output,
  );
  expect(outputs.map(note)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a heap that is too small', async () => {
  const broker = new Command([...QUIET, ...IN_MEMORY], folder, {
    NODE_OPTIONS: '--max-old-space-size=8',
  });
  await broker.exitCode();
  expect(note(broker.errors)).toBe(1);
});

/** The system's files, whose writes to the log go elsewhere from a moment on. */
function failingFiles(device: string): { files: Files; break: () => void } {
  let isBroken = false;
  const files: Files = {
    ...nodeFiles,
    open: async (name, mode) => {
      const opened = await nodeFiles.open(name, mode);
      return Object.assign(Object.create(opened) as typeof opened, {
        ...methodsOf(opened),
        write: async (bytes: Uint8Array, offset: number) => {
          if (!isBroken) return opened.write(bytes, offset);
          const handle = await open(device, 'r+');
          try {
            await handle.write(bytes, 0, bytes.length, 0);
          } finally {
            await handle.close();
          }
        },
      });
    },
  };
  return {
    files,
    break: () => {
      isBroken = true;
    },
  };
}

function methodsOf(opened: Awaited<ReturnType<Files['open']>>) {
  return {
    size: () => opened.size(),
    read: (target: Uint8Array, offset: number) => opened.read(target, offset),
    truncate: (size: number) => opened.truncate(size),
    sync: () => opened.sync(),
    close: () => opened.close(),
  };
}

test.each([
  // Both are devices of Linux that answer so.
  ['a full disk', '/dev/full', 'storage-full'],
  ['a broken disk', '/proc/self/mem', 'storage-failed'],
])('%s', async (_name, device, event) => {
  const disk = failingFiles(device);
  let output = '';
  let onLine: () => void = () => {};
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      output += chunk;
      onLine();
      done();
    },
  });
  const broker = await createBroker(
    { storage: { enabled: true, walDir: path(`${event}/wal`), dataDir: path(`${event}/data`) } },
    {
      logger: await createLogger({ level: 'info', format: 'console', stream, isColoured: false }),
      storage: { files: disk.files },
    },
  );
  const client = await TestClient.connect(broker.url as string);
  disk.break();
  client.mqtt.publish('t', 'x', { qos: 1, retain: true }, () => {});
  while (!output.includes(event)) {
    await new Promise<void>((resolve) => {
      onLine = resolve;
    });
  }
  await client.crash();
  await broker.stop();
  expect(note(output)).toBe(1);
});

test('clients that are refused, dropped or late, and a reload that is wrong', async () => {
  file('passwords', '');
  const configure = (more: string) =>
    file(
      'broker.yaml',
      `server: { bind: "127.0.0.1:0", ws-bind: none, admin-socket: ${'x'.repeat(120)} }
storage: { enabled: false }
metrics: { enabled: false }
auth: { password-file: passwords, allow-anonymous: true }
${more}`,
    );
  configure('mqtt: { max-connections: 10000000, max-queued-messages: 1 }');
  const broker = new Command(['--config', 'broker.yaml'], folder);
  const [, url] = (await broker.waitFor(/(mqtt:\/\/\S+)\n/)) as unknown as [string, string];
  await broker.waitFor(/ ready pid=/);
  const refused = { username: 'alice', password: 'wrong', protocolVersion: 5 } as const;
  await expect(TestClient.connect(url, refused)).rejects.toThrow();

  const twin = await TestClient.connect(url, { clientId: 'twin' });
  const taken = twin.closed();
  const other = await TestClient.connect(url, { clientId: 'twin' });
  await taken;
  const closed = other.closed();
  other.mqtt.stream.write(Uint8Array.of(0xc1, 0));
  await closed;

  const away = await TestClient.connect(url, { clientId: 'away', clean: false });
  await away.mqtt.subscribeAsync('t', { qos: 1 });
  await away.end();
  const publisher = await TestClient.connect(url, { clientId: 'publisher' });
  for (let count = 0; count < 3; count++) await publisher.mqtt.publishAsync('t', '', { qos: 1 });
  await publisher.end();

  const sleeper = await PacketClient.open(url);
  sleeper.connect('sleeper', { keepalive: 1 });
  // CONNACK, DISCONNECT, and the end.
  for (let packet = await sleeper.next(); packet !== null; ) packet = await sleeper.next();

  configure('mqtt: { max-connections: 1 }');
  broker.child.kill('SIGHUP');
  await broker.waitFor(/config-reloaded/);
  const only = await TestClient.connect(url);
  await expect(TestClient.connect(url, { protocolVersion: 5 })).rejects.toThrow();
  await only.end();

  let length = broker.output.length;
  configure('log: { level: loud }');
  broker.child.kill('SIGHUP');
  await broker.waitFor(/config-refused/, length);
  length = broker.output.length;
  file('broker.yaml', 'server: { bind: ":1" }\n');
  broker.child.kill('SIGHUP');
  await broker.waitFor(/config-needs-restart key=server.bind\n/, length);
  broker.child.kill('SIGTERM');
  await broker.exitCode();
  expect(note(broker.output)).toBeGreaterThan(8);
});

test('an error of the broker itself', async () => {
  let output = '';
  const stream = new Writable({
    write: (chunk, _encoding, callback) => {
      output += chunk;
      callback();
    },
  });
  const logger = await createLogger({
    level: 'info',
    format: 'console',
    stream,
    isColoured: false,
  });
  const begin = () => {
    throw new Error('a method that does not work');
  };
  const broker = await createBroker({}, { logger, authenticationMethods: [{ name: 'M', begin }] });
  const client = await PacketClient.open(broker.url as string);
  client.connect('client', { properties: { authenticationMethod: 'M' } });
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x80 });
  await client.cut();
  await broker.stop();
  expect(note(output)).toBe(1);
});

test('each message of the documentation was produced by one of these', () => {
  expect(documented.length).toBeGreaterThan(30);
  expect(documented.filter((message) => !produced.has(message))).toEqual([]);
});
