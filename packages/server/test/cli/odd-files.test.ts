import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bin, Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
let broker: Command;
let client: TestClient;

const GOOD: Readonly<Record<string, string>> = {
  'broker.yaml': `server: { bind: "127.0.0.1:0", ws-bind: none }
storage: { enabled: false }
metrics: { enabled: false }
log: { format: json }
mqtt: { max-qos: 1 }
auth: { acl-file: acl.yaml, password-file: passwords }
`,
  'acl.yaml': 'rules: [{ publish: "#", subscribe: "#" }]\n',
  passwords: '# nobody\n',
};

const bomb = [
  'a: &a [x]',
  ...[...'bcdefghijkl'].map((name, index) => {
    const before = String.fromCharCode(97 + index);
    return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
  }),
].join('\n');

/** By what is odd: the bytes of a file, and what the log says of it. */
const ODD: Readonly<Record<string, readonly [string | Buffer, RegExp]>> = {
  'an alias bomb': [bomb, /Excessive alias count/],
  'brackets without end': ['['.repeat(100_000), /nested too deeply/],
  'maps within maps': ['{a: '.repeat(50_000), /nested too deeply/],
  'lists within lists': ['- '.repeat(100_000), /no YAML|nested too deeply/],
  'keys within keys': ['? '.repeat(100_000), /no YAML/],
  'a few keys within keys': [`${'? '.repeat(40)}a`, /a key has to be a name/],
  'deep indentation': [
    Array.from({ length: 650 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    /unknown key|nested too deeply|sections|list of rules/,
  ],
  'an unknown tag': ['mqtt: !!js/function "x"\n', /Unresolved tag/],
  "a tag of one's own": ['rules: !mine []\n', /Unresolved tag/],
  'binary data': ['rules: !!binary aGk=\n', /Unresolved tag/],
  'an alias of nothing': ['mqtt: *nothing\n', /Unresolved alias/],
  'an alias of itself': ['mqtt: &m { max-qos: *m }\n', /\*m is within what it stands for/],
  'a list that is in itself': ['server: { bind: &a [*a] }\n', /\*a is within what it stands for/],
  'a key that is a list': ['[a, b]: 1\n', /a key has to be a name/],
  'a key that is an alias': ['a: &a x\n*a : 1\n', /a key can be no alias/],
  'merge keys': ['a: &a { x: 1 }\nmqtt:\n  <<: *a\n', /merge keys/],
  'keys that are there twice': ['mqtt: {}\nmqtt: {}\n', /mqtt is there twice/],
  'several documents': ['mqtt: {}\n---\nmqtt: {}\n', /a second document begins here/],
  'lines that could each be the name of a password': [
    '- \n'.repeat(80_000),
    /sections|list of rules/,
  ],
  'a key of 200 KB': [`${'x'.repeat(200_000)}: 1\n`, /./],
  'quotes without end': ['"'.repeat(100_000), /no YAML/],
  tabs: ['mqtt:\n\tmax-qos: 1\n', /[Tt]ab/],
  zeros: [Buffer.alloc(10_000), /no text/],
  'bytes at random': [Buffer.from([0x80, 0xff, 0x41, 0xc3, 0x28, 0x0a]), /not UTF-8/],
  'UTF-16': [Buffer.from('\ufeffmqtt: {}\n', 'utf16le'), /UTF-16/],
  'Windows-1252': [Buffer.from('# für alle\nmqtt: {}\n', 'latin1'), /line 1 .*Windows-1252/],
  'half of it': ['mqtt: { max-qos: 2, max-in', /./],
  'a word': ['hello\n', /sections|list of rules/],
  'a name of a prototype': ['__proto__: { polluted: 1 }\nconstructor: 1\n', /unknown key|rules/],
  'more than is read': [Buffer.alloc(3_000_000, 0x23), /more than (256|2000)000 are not read/],
};

const PATHS: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a pipe to which nobody writes': (path) => {
    spawnSync('mkfifo', [path]);
  },
  nothing: () => {},
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-odd-'));
  for (const name of Object.keys(GOOD)) restore(name);
  broker = new Command(['--config', 'broker.yaml', '--allow-anonymous'], folder);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  client = await TestClient.connect(`mqtt://${address}`);
});

afterAll(async () => {
  await client.end();
  broker.child.kill('SIGTERM');
  expect(await broker.exitCode()).toBe(0);
  rmSync(folder, { recursive: true });
});

function restore(name: string): void {
  rmSync(join(folder, name), { recursive: true, force: true });
  writeFileSync(join(folder, name), `${GOOD[name]}`);
}

/** What the log says of a reload that ends so, once it has; the change of a file is noticed besides. */
async function reload(end: 'refused' | 'reloaded'): Promise<string> {
  const from = broker.output.length;
  broker.child.kill('SIGHUP');
  const pattern = new RegExp(`.*"event":"config-${end}","cause":"SIGHUP".*\n`);
  const [line] = await broker.waitFor(pattern, from);
  return line;
}

/** The broker serves as before: QoS 2 is still refused to the client, and no option has its default. */
async function expectUnchanged(): Promise<void> {
  await client.mqtt.publishAsync('t', 'x', { qos: 1 });
  expect(JSON.parse(await reload('reloaded'))).toMatchObject({ changed: [] });
}

describe.each(['broker.yaml', 'acl.yaml'])('%s', (name) => {
  test.each(Object.keys(ODD))('%s changes nothing, and the log says why', async (odd) => {
    const [content, why] = ODD[odd] as (typeof ODD)[string];
    writeFileSync(join(folder, name), content);
    const line = await reload('refused');
    const entry = JSON.parse(line);
    expect(entry).toMatchObject({ event: 'config-refused', cause: 'SIGHUP' });
    // Some are recognised as the other of both before.
    const other =
      /^it looks like (a configuration of this broker|an ACL file)|^it takes a list of rules/;
    if (!other.test(entry.why)) expect(entry.why).toMatch(why);
    expect(line.length).toBeLessThan(3000);
    restore(name);
    await expectUnchanged();
  });
});

describe.each(['broker.yaml', 'acl.yaml', 'passwords'])('%s', (name) => {
  test.each(Object.keys(PATHS))('%s in its place changes nothing', async (odd) => {
    rmSync(join(folder, name));
    PATHS[odd]?.(join(folder, name));
    expect(JSON.parse(await reload('refused'))).toMatchObject({ event: 'config-refused' });
    restore(name);
    await expectUnchanged();
  });
});

test('a file that is empty does not set everything to its default', async () => {
  for (const content of ['', '# only a remark\n']) {
    writeFileSync(join(folder, 'broker.yaml'), content);
    expect(JSON.parse(await reload('refused')).why).toMatch(/^it is empty now/);
  }
  restore('broker.yaml');
  await expectUnchanged();
});

test('a byte order mark and the line ends of Windows are no hindrance', async () => {
  for (const [name, text] of Object.entries(GOOD)) {
    writeFileSync(join(folder, name), `\ufeff${text.replaceAll('\n', '\r\n')}`);
  }
  await expectUnchanged();
  for (const name of Object.keys(GOOD)) restore(name);
});

test('a section may be an alias of another', async () => {
  writeFileSync(
    join(folder, 'broker.yaml'),
    `${GOOD['broker.yaml']}`.replace(
      '{ enabled: false }\nmetrics: { enabled: false }',
      '&off { enabled: false }\nmetrics: *off',
    ),
  );
  await expectUnchanged();
  restore('broker.yaml');
});

const HASH7 = '$7$101$Zm9vYmFyZm9vYmFy$PP6XVtXdzJ8xKv3vNtFqWlPnkhVqJ0jKxN0eEo3lS0c=';

test.each([
  [
    '--config',
    'listener 1883\nallow_anonymous true\n',
    /a configuration of mosquitto; --config takes YAML/,
  ],
  [
    '--config',
    '# mosquitto\r\nper_listener_settings true\r\nlistener 8883\r\ncafile /x\r\n',
    /a configuration of mosquitto/,
  ],
  ['--config', `alice:${HASH7}\n`, /a password file; that is named by auth\.password-file/],
  ['--config', 'user alice\ntopic read a/#\n', /an ACL file of mosquitto/],
  ['--config', 'rules: [{ publish: a }]\n', /an ACL file; that is named by auth\.acl-file/],
  ['--config', '-----BEGIN CERTIFICATE-----\nMII\n', /a certificate or key/],
  ['--acl-file', 'topic a/#/b\n', /:1:7\): it takes a topic filter: topic \[read/],
  ['--acl-file', 'rule x\ntopic a\n', /lines of an ACL file of mosquitto/],
  [
    '--acl-file',
    'mqtt: { max-qos: 1 }\n',
    /a configuration of this broker; that is named by --config/,
  ],
  ['--acl-file', 'listener 1883\n', /a configuration of mosquitto/],
  [
    '--password-file',
    `alice:${HASH7}\n`,
    /passwords:1\): the \$7\$ hash is cut, .* promptmq passwd NAME/,
  ],
  ['--password-file', 'alice:$apr1$c2FsdA==$aGFzaA==\r\n', /htpasswd without -B/],
  ['--password-file', '\ufeffalice:secret\n', /passwords:1\): it takes NAME:HASH/],
  ['--password-file', 'listener 1883\npassword_file /x\n', /a configuration of mosquitto/],
  ['--password-file', '-----BEGIN PRIVATE KEY-----\nMII\n', /a certificate or key/],
])('%s with %j is recognised', (flag, text, why) => {
  const name = flag === '--password-file' ? 'passwords' : 'file';
  const path = join(folder, 'foreign', name);
  mkdirSync(join(folder, 'foreign'), { recursive: true });
  writeFileSync(path, text);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      bin,
      flag,
      path,
      '--bind=127.0.0.1:0',
      '--ws-bind=none',
      '--metrics-bind=none',
      '--no-storage-enabled',
    ],
    { cwd: folder, encoding: 'utf8', timeout: 60_000 },
  );
  expect(stderr).toMatch(why);
  expect(stderr).not.toContain('secret');
  expect(status).toBe(2);
});

test('a pipe in the place of a certificate is refused at once', () => {
  mkdirSync(join(folder, 'foreign'), { recursive: true });
  const pipe = join(folder, 'pipe.pem');
  spawnSync('mkfifo', [pipe]);
  const { status, stderr } = spawnSync(
    process.execPath,
    [bin, 'config', 'check', '--tls-bind=127.0.0.1:0', `--tls-cert=${pipe}`, `--tls-key=${pipe}`],
    { cwd: join(folder, 'foreign'), encoding: 'utf8', timeout: 60_000 },
  );
  expect(stderr).toContain(`server.tls.cert (${pipe}): it is a pipe or a device`);
  expect(status).toBe(2);
});
