import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import {
  ConfigError,
  type ConfigSources,
  configJsonSchema,
  configOptions,
  diffConfig,
  loadConfig,
  parseConfig,
  printConfig,
} from '../../src/config/index.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-config-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function problemsOf(sources: Partial<ConfigSources>): string[] {
  try {
    loadConfig({ flags: {}, ...sources });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').sort();
  }
  throw new Error('it was accepted');
}

describe('the environment', () => {
  test('goes before the file and after the flags, at any depth', () => {
    const file = write(
      'a.yaml',
      'storage:\n  wal:\n    sync-mode: periodic\n    sync-interval: 1s\n    batch-sync-size: 7\n',
    );
    const { config } = loadConfig({
      flags: { 'wal-sync-mode': 'immediate' },
      environment: {
        PROMPTMQ_STORAGE_WAL_SYNC_MODE: 'batch',
        PROMPTMQ_STORAGE_WAL_SYNC_INTERVAL: '50ms',
      },
      file,
    });
    expect(config.storage.wal).toMatchObject({
      syncMode: 'immediate',
      syncInterval: 50,
      batchSyncSize: 7,
    });
  });

  test('an empty variable is none, and what Kubernetes sets for services is left alone', () => {
    const environment = {
      PROMPTMQ_MQTT_MAX_QOS: '',
      PROMPTMQ_SERVICE_HOST: '10.0.0.1',
      PROMPTMQ_PORT: 'tcp://10.0.0.1:1883',
      PROMPTMQ_PORT_1883_TCP_ADDR: '10.0.0.1',
      PROMPTMQ_HEADLESS_SERVICE_PORT_MQTT: '1883',
      PATH: '/bin',
    };
    expect(loadConfig({ flags: {}, environment }).given.size).toBe(0);
  });

  test('an unknown variable is refused with the nearest one', () => {
    expect(problemsOf({ environment: { PROMPTMQ_MQTT_MAXQOS: '1' } })).toEqual([
      'PROMPTMQ_MQTT_MAXQOS (environment): unknown variable; did you mean PROMPTMQ_MQTT_MAX_QOS?',
    ]);
  });

  test('every option is read from its variable', () => {
    for (const { variable, kind, key } of configOptions) {
      const environment = { [variable]: kind.kind === 'boolean' ? 'no' : '\u0000' };
      const read = () => loadConfig({ flags: {}, environment }).given.get(key)?.source;
      let source: string | undefined;
      try {
        source = read();
      } catch (error) {
        source = (error as ConfigError).problems[0]?.source;
      }
      expect([key, source]).toEqual([key, variable]);
    }
  });
});

describe('the file', () => {
  test('is the named one, else that of the working directory, else that of the home directory', () => {
    const workingDirectory = join(folder, 'work');
    const homeDirectory = join(folder, 'home');
    mkdirSync(workingDirectory);
    mkdirSync(homeDirectory);
    const sources = { flags: {}, workingDirectory, homeDirectory };
    const maxQos = (more: object = {}) => loadConfig({ ...sources, ...more }).config.mqtt.maxQos;
    expect(maxQos()).toBe(2);
    write('home/.promptmq.yaml', 'mqtt: { max-qos: 0 }');
    expect(maxQos()).toBe(0);
    write('work/promptmq.yaml', 'mqtt: { max-qos: 1 }');
    expect(maxQos()).toBe(1);
    expect(loadConfig(sources).file).toBe(join(workingDirectory, 'promptmq.yaml'));
    const named = write('named.yaml', 'mqtt: { max-qos: 2 }');
    expect(maxQos({ environment: { PROMPTMQ_CONFIG: named } })).toBe(2);
    expect(maxQos({ file: named })).toBe(2);
  });

  test('a section whose lines are all commented out is empty', () => {
    const file = write('a.yaml', 'mqtt:\n  # max-qos: 1\nstorage:\n  wal:\nlog: { level: warn }\n');
    expect(loadConfig({ flags: {}, file }).config.log.level).toBe('warn');
  });

  test('keys are as documented: not in camelCase, not twice, not too deep', () => {
    const file = write('a.yaml', 'mqtt:\n  maxQos: 1\n  max-qos:\n    deep: 1\n');
    expect(problemsOf({ file })).toEqual([
      `mqtt.max-qos (${file}:3:3): {"deep":1} is not allowed; it takes a whole number from 0 to 2`,
      `mqtt.maxQos (${file}:2:3): unknown key; did you mean mqtt.max-qos?`,
    ]);
    const twice = write('b.yaml', 'mqtt:\n  max-qos: 1\n  max-qos: 2\n');
    expect(problemsOf({ file: twice })[0]).toMatch(/b\.yaml:3:3\): max-qos is there twice/);
  });

  test('problems of all sources come together', () => {
    const file = write('a.yaml', 'server:\n  bnd: 1\n');
    const problems = problemsOf({
      file,
      environment: { PROMPTMQ_LOG_LEVEL: 'loud', PROMPTMQ_X: '1' },
      flags: { 'max-qos': ['1', '2'], 'max-retained': 'x', 'mqtt-max-retained': 'y' },
    });
    expect(problems.map((problem) => problem.replace(/:.*/, ''))).toEqual([
      'PROMPTMQ_X (environment)',
      'log.level (PROMPTMQ_LOG_LEVEL)',
      'mqtt.max-qos (--max-qos)',
      'mqtt.max-retained (--max-retained)',
      `server.bnd (${file}`,
    ]);
  });
});

test('what is printed loads to the same, says where values come from, and hides secrets', () => {
  const sources: ConfigSources = {
    flags: { 'max-qos': '1', 'trace-clients': 'a, b', 'storage-enabled': '' },
    environment: {
      PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE: 'opensesame',
      PROMPTMQ_SERVER_BIND: '[::1]:1883',
    },
    file: write('a.yaml', 'metrics:\n  topics: [a/#, "b: c"]\nmqtt:\n  max-session-expiry: 1h\n'),
  };
  const loaded = loadConfig(sources);
  const printed = printConfig(loaded);
  expect(printed).not.toContain('opensesame');
  expect(printed).toContain('  max-qos: 1 # --max-qos\n');
  expect(printed).toContain(` # ${sources.file}:2:3\n`);
  expect(printed).toContain('  max-inflight: 1000 # default\n');
  const again = loadConfig({ flags: {}, file: write('printed.yaml', printed) }).config;
  const { tls, ...server } = loaded.config.server;
  expect(again).toEqual({
    ...loaded.config,
    server: { ...server, tls: { ...tls, keyPassphrase: '(hidden)' } },
  });
  const diff = diffConfig(loaded, parseConfig({}));
  expect(diff.join('\n')).not.toContain('opensesame');
  expect(diff).toContain('mqtt.max-qos: 1 (default 2, from --max-qos)');
  expect(diff).toHaveLength(6);
});

test('a secret is not in the error about it either', () => {
  const environment = { PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE: 'x'.repeat(2000) };
  expect(problemsOf({ environment })[0]).not.toContain('xxx');
});

describe('the JSON Schema for editors', () => {
  const validate = new Ajv2020({ allErrors: true }).compile(configJsonSchema());

  test.each([
    ['', true],
    ['mqtt:\n  max-qos: 1\n  max-session-expiry: none\n  max-packet-size: 64 KiB\n', true],
    ['server:\n  bind: "[::1]:1883"\n  ws-bind: unix:/run/x\nlog:\n', true],
    ['storage:\n  wal: { sync-mode: batch, sync-interval: 0.5 }\n  compaction:\n', true],
    ['metrics:\n  topics: [a, b]\nlog: { trace-clients: "a,b" }\n', true],
    ['mqtt:\n  max-qos: 3\n', false],
    ['mqtt:\n  max-qs: 1\n', false],
    ['mqtt:\n  connect-timeout: soon\n', false],
    ['server:\n  bind: here\n', false],
    ['storage:\n  wal: { sync-mode: never }\n', false],
    ['storage:\n  enabled: maybe\n', false],
    ['servr: {}\n', false],
  ])('agrees with the broker on %j: %p', (text, isValid) => {
    const file = write('a.yaml', text);
    expect(validate(parse(text) ?? {})).toBe(isValid);
    if (isValid) loadConfig({ flags: {}, file });
    else expect(problemsOf({ file })).toHaveLength(1);
  });

  test('accepts the default of every option', () => {
    const text = printConfig(loadConfig({ flags: {} }));
    validate(parse(text));
    expect(validate.errors).toBeNull();
  });
});
