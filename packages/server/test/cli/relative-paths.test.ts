import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadConfig, printConfig } from '../../src/config/index.ts';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let etc: string;
let work: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-paths-'));
  etc = join(folder, 'etc');
  work = join(folder, 'work');
  mkdirSync(etc);
  mkdirSync(work);
  file = join(etc, 'broker.yaml');
});

afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string, flags = {}, environment = {}) {
  writeFileSync(file, text);
  return loadConfig({ flags, environment, file, workingDirectory: work });
}

const ALL = `server:
  bind: [unix:mqtt.sock, ":1883"]
  ws-bind: unix:ws.sock,:8080
  pid-file: run/pid
  admin-socket: admin.sock
  tls: { cert: cert.pem, key: ./key.pem, ca: ../ca.pem }
auth: { password-file: passwords, acl-file: acl.yaml }
storage: { data-dir: data, wal-dir: /var/wal }
metrics: { bind: unix:metrics.sock }
log: { file: broker.log }
`;

test('every path of a file is relative to its folder', () => {
  const { config } = load(ALL);
  const { server, auth, storage, metrics, log } = config;
  expect(server.bind).toEqual([
    { kind: 'unix', path: join(etc, 'mqtt.sock') },
    expect.objectContaining({ kind: 'tcp', port: 1883 }),
  ]);
  expect(server.wsBind[0]).toEqual({ kind: 'unix', path: join(etc, 'ws.sock') });
  expect([server.pidFile, server.adminSocket]).toEqual([
    join(etc, 'run/pid'),
    join(etc, 'admin.sock'),
  ]);
  expect(server.tls).toMatchObject({
    cert: join(etc, 'cert.pem'),
    key: join(etc, 'key.pem'),
    ca: join(folder, 'ca.pem'),
  });
  expect([auth.passwordFile, auth.aclFile]).toEqual([
    join(etc, 'passwords'),
    join(etc, 'acl.yaml'),
  ]);
  expect([storage.dataDir, storage.walDir]).toEqual([join(etc, 'data'), '/var/wal']);
  expect(metrics.bind).toEqual([{ kind: 'unix', path: join(etc, 'metrics.sock') }]);
  expect(log.file).toBe(join(etc, 'broker.log'));
});

test('those of flags and variables are as they are, and so are words and defaults', () => {
  const { config } = load(
    'server: { admin-socket: auto, pid-file: none }\nstorage: { data-dir: data }\n',
    { 'data-dir': 'flagged', bind: 'unix:flagged.sock' },
    { PROMPTMQ_LOG_FILE: 'variable.log' },
  );
  expect(config.storage).toMatchObject({ dataDir: 'flagged', walDir: './wal' });
  expect(config.server.bind).toEqual([{ kind: 'unix', path: 'flagged.sock' }]);
  expect(config.log.file).toBe('variable.log');
  expect(config.server).toMatchObject({ adminSocket: 'auto', pidFile: null });
});

test('a file that is a link counts where the link is, as in a mounted ConfigMap', () => {
  mkdirSync(join(etc, '..data'));
  writeFileSync(join(etc, '..data/broker.yaml'), 'log: { file: broker.log }\n');
  symlinkSync('..data/broker.yaml', file);
  const { config } = loadConfig({ flags: {}, file, workingDirectory: work });
  expect(config.log.file).toBe(join(etc, 'broker.log'));
});

test('a file that is only where it was looked for before is reported with both places', () => {
  writeFileSync(join(work, 'passwords'), '');
  const said = `auth.password-file (${file}:1:9): a path in a file is relative to the folder of that file: ${join(etc, 'passwords')} isn't there, but ${join(work, 'passwords')} is`;
  expect(() => load('auth: { password-file: passwords }\n')).toThrow(said);
  writeFileSync(join(etc, 'passwords'), '');
  expect(load('auth: { password-file: passwords }\n').config.auth.passwordFile).toBe(
    join(etc, 'passwords'),
  );
});

test('status finds the broker from anywhere, and data at the former place is warned about', async () => {
  writeFileSync(
    file,
    'server: { bind: "127.0.0.1:0", ws-bind: none }\nstorage: { data-dir: data, wal-dir: wal }\nmetrics: false\n',
  );
  mkdirSync(join(work, 'data'));
  const broker = new Command(['--config', file], work);
  await broker.waitFor(/ ready pid=/);
  expect(broker.output).toContain(
    `data-elsewhere key=storage.data-dir path=${join(etc, 'data')} former=${join(work, 'data')}`,
  );
  expect(broker.output).not.toContain('key=storage.wal-dir');
  expect(existsSync(join(etc, 'wal'))).toBe(true);
  const status = new Command(['status', '--config', file], folder);
  expect([await status.exitCode(), status.output]).toEqual([
    0,
    expect.stringContaining(`running as process ${broker.child.pid}\n`),
  ]);
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
});

test('a data folder without its log is refused, and nothing is lost when the log is named again', async () => {
  const storage = ['--data-dir', join(work, 'data'), '--wal-dir', './wal'];
  const options = [
    '--bind',
    '127.0.0.1:0',
    '--ws-bind',
    'none',
    '--metrics-bind',
    'none',
    ...storage,
  ];
  const start = async () => {
    const broker = new Command(options, work);
    const [, port] = await broker.waitFor(/listening .*127\.0\.0\.1:(\d+)/);
    await broker.waitFor(/ ready pid=/);
    const client = await PacketClient.open(`mqtt://127.0.0.1:${port}`, 5);
    client.connect('client');
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    const stop = async () => {
      await client.cut();
      broker.child.kill('SIGTERM');
      expect(await broker.exitCode()).toBe(0);
    };
    return { client, stop };
  };
  const first = await start();
  first.client.publish('a', 'kept', 1, 1, { retain: true });
  expect(await first.client.next()).toMatchObject({ cmd: 'puback' });
  await first.stop();

  const elsewhere = new Command(options, etc);
  expect(await elsewhere.exitCode()).toBe(1);
  expect(elsewhere.errors).toMatch(
    /storage\.wal-dir: .*wal lacks the end of log .*storage\.data-dir, /,
  );
  expect(elsewhere.errors).toContain(join(work, 'data'));

  const again = await start();
  again.client.subscribe('a', 1);
  expect(await again.client.next()).toMatchObject({ cmd: 'suback' });
  expect(await again.client.next()).toMatchObject({ cmd: 'publish', topic: 'a', retain: true });
  await again.stop();
}, 60_000);

test('what config print prints means the same in a file elsewhere', () => {
  const text = 'log: { file: broker.log }\n';
  const { config, ...loaded } = load(text, { 'pid-file': 'run/pid', 'max-qos': '1' });
  const printed = printConfig({ config, ...loaded });
  expect(printed).toContain('  # data-dir: ./data # default\n');
  const elsewhere = join(folder, 'elsewhere.yaml');
  writeFileSync(elsewhere, printed);
  const again = loadConfig({ flags: {}, file: elsewhere, workingDirectory: work }).config;
  expect(again).toEqual({
    ...config,
    server: { ...config.server, pidFile: join(process.cwd(), 'run/pid') },
  });
});
