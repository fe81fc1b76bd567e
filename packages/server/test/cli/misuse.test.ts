import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { commandMisuse, usageError, valueMisuse } from '../../src/cli/usage.ts';
import { ConfigError, parseConfig } from '../../src/config/index.ts';
import { bin } from '../support/command.ts';

const WAL = 'verify, stat, dump, backup, repair and compact';

test.each([
  ['wal stats w --data-dir d', 'unknown command wal stats; did you mean promptmq wal stat?'],
  ['wal', `wal needs one of ${WAL}, such as promptmq wal verify DIR`],
  ['wal --json', `wal needs one of ${WAL}, such as promptmq wal verify DIR`],
  ['config', 'config needs one of check, print, diff and schema, such as promptmq config check'],
  ['explain', 'explain needs publish, such as promptmq explain publish TOPIC'],
  ['acl --json', 'acl needs test, such as promptmq acl test USER CLIENT ACTION TOPIC'],
  ['config chek', 'unknown command config chek; did you mean promptmq config check?'],
  ['completion fish', 'completion is there for bash and zsh: promptmq completion bash'],
  ['start', 'unknown command start; did you mean promptmq server?'],
  ['startt', 'unknown command startt; did you mean promptmq server?'],
  ['help', 'unknown command help; did you mean promptmq --help?'],
  [
    'broker.yaml',
    'unknown command broker.yaml; a configuration file is named by --config: promptmq --config broker.yaml',
  ],
  ['__proto__', 'unknown command __proto__; there are server, config,'],
])('promptmq %s says what to type', (line, message) => {
  expect(commandMisuse(line.split(' '))).toContain(message);
});

test.each([[''], ['--bind :1'], ['wal stat w'], ['config print'], ['completion zsh'], ['bench x']])(
  'promptmq %s is no misuse',
  (line) => {
    expect(commandMisuse(line === '' ? [] : line.split(' '))).toBeNull();
  },
);

test.each([
  ['Unknown argument: p', '-p 1883', 'unknown option -p; did you mean --bind :1883?'],
  ['Unknown argument: port', '--port=1883', 'unknown option --port; did you mean --bind :1883?'],
  [
    'Unknown argument: mqtt',
    '--mqtt.max-qos 1',
    'unknown option --mqtt.max-qos; did you mean --max-qos?',
  ],
  ['Unknown argument: p', '-p', 'unknown option -p; did you mean --bind :PORT?'],
  ['Unknown arguments: b, i', '-bind x', 'unknown option -bind; did you mean --bind?'],
  ['Unknown argument: c', '-c $&.yaml', 'unknown option -c; did you mean --config $&.yaml?'],
  ['Unknown argument: host', '--host ::1', 'unknown option --host; did you mean --bind ::1:1883?'],
  [
    'Unknown arguments: data-dir, dataDir',
    'wal stat w --data-dir d',
    'unknown option --data-dir; there are --index-dir, --json',
  ],
  ['Unknown argument: jsn', 'status --jsn', 'unknown option --jsn; did you mean --json?'],
  ['Unknown argument: x', 'server x', 'server takes nothing after it; x is too much'],
  ['Not enough arguments following: config', '--config', '--config needs a value'],
  [
    'Not enough non-option arguments: got 0, need at least 1',
    'trace',
    'trace needs CLIENT, a client identifier: promptmq trace CLIENT',
  ],
  ['Missing required argument: data-dir', 'wal compact w', 'wal compact needs --data-dir VALUE'],
  [
    'Invalid values:\n  Argument: data, Given: "x", Choices: "text", "hex"',
    'wal dump w --data x',
    '--data: "x" is not allowed; it takes "text", "hex"',
  ],
])('%s (%s)', (said, line, message) => {
  expect(usageError(said, line.split(' '))).toContain(message);
});

test('values that are no numbers, and options that are there twice, are reported', () => {
  expect(valueMisuse({ _: ['a', 'b'], from: 1 })).toBeNull();
  expect(valueMisuse({ _: [], from: Number.NaN })).toBe('--from takes a number from 0 on');
  expect(valueMisuse({ _: [], config: ['a', 'b'] })).toBe('--config is given more than once');
});

test('a wrong call ends with 2 and one line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-misuse-'));
  for (const [line, message] of [
    ['wal stats w --data-dir d', 'unknown command wal stats; did you mean promptmq wal stat?'],
    ['-p 1883', 'unknown option -p; did you mean --bind :1883?'],
    ['wal dump w --from x', '--from takes a number from 0 on (--help lists all options)'],
    ['--config a --config b', '--config is given more than once (--help lists all options)'],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...line.split(' ')], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([2, '', `promptmq: ${message}\n`]);
  }
  rmSync(folder, { recursive: true });
});

test('a user whom the system does not know, without HOME, needs no home', () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-home-'));
  const hide =
    'data:text/javascript,import os from "node:os"; import { syncBuiltinESMExports } from "node:module"; os.homedir = () => { throw new Error("uv_os_homedir returned ENOENT"); }; syncBuiltinESMExports();';
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', hide, bin, 'config', 'check', '--no-storage-enabled'],
    { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'] } },
  );
  expect([status, stderr]).toEqual([0, '']);
  rmSync(folder, { recursive: true });
});

test.each([
  [{ mqtt: { maxQoS: 1 } }, 'mqtt.maxQoS (options): unknown key; did you mean mqtt.maxQos?'],
  [{ mqtt: { 'max-qos': 1 } }, 'mqtt.max-qos (options): unknown key; did you mean mqtt.maxQos?'],
  [{ mqtt: { maxQOS: 1 } }, 'mqtt.maxQOS (options): unknown key; did you mean mqtt.maxQos?'],
  [{ mqtt: { MAX_QOS: 1 } }, 'mqtt.MAX_QOS (options): unknown key; did you mean mqtt.maxQos?'],
  [{ server: { port: 1 } }, 'server.port (options): unknown key; did you mean server.bind?'],
  [{ mqtt: { maxQos: NaN } }, 'mqtt.max-qos (options): NaN is not allowed'],
  [{ Mqtt: {} }, 'Mqtt (options): unknown key; did you mean mqtt?'],
])('%j of a program is reported in the spelling of programs', (options, message) => {
  expect(() => parseConfig(options as never)).toThrow(ConfigError);
  expect(() => parseConfig(options as never)).toThrow(message);
});

const onUnix = process.platform === 'win32' ? test.skip : test;

// With some of these limits a file can't be opened, with others a package isn't found.
for (const limit of [24, 32, 40, 48, 56, 64, 72]) {
  onUnix(`${limit} open files, too few to start with, are reported in one line`, () => {
    const command = `ulimit -n ${limit}; exec "$0" ${JSON.stringify(bin)} config check`;
    const { status, stderr } = spawnSync('sh', ['-c', command, process.execPath], {
      encoding: 'utf8',
      // Coverage has files of its own to write, and says so when it can't.
      env: { ...process.env, NODE_V8_COVERAGE: '' },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^promptmq: too few open files .* raise ulimit -n .*\n$/);
  });
}
