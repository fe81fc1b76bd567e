import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Config,
  ConfigError,
  type ConfigInput,
  configOptions,
  loadConfig,
  nodeIdOf,
  nodeName,
  parseConfig,
} from '../../src/config/index.ts';

function problemsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
  throw new Error('it was accepted');
}

test('every option has a name of its own as a flag and as a variable, and says what it does', () => {
  const flags = configOptions.flatMap(({ flag, otherFlags }) => [flag, ...otherFlags]);
  expect(new Set(flags).size).toBe(flags.length);
  expect(new Set(configOptions.map(({ variable }) => variable)).size).toBe(configOptions.length);
  expect(configOptions.filter(({ description }) => description === '')).toEqual([]);
  expect(configOptions.length).toBeGreaterThan(60);
});

test.each([
  ['server.bind', 'bind', 'PROMPTMQ_SERVER_BIND'],
  ['server.tls.cert', 'tls-cert', 'PROMPTMQ_SERVER_TLS_CERT'],
  ['mqtt.max-qos', 'max-qos', 'PROMPTMQ_MQTT_MAX_QOS'],
  ['storage.data-dir', 'data-dir', 'PROMPTMQ_STORAGE_DATA_DIR'],
  ['storage.enabled', 'storage-enabled', 'PROMPTMQ_STORAGE_ENABLED'],
  ['storage.wal.sync-mode', 'wal-sync-mode', 'PROMPTMQ_STORAGE_WAL_SYNC_MODE'],
  ['metrics.bind', 'metrics-bind', 'PROMPTMQ_METRICS_BIND'],
])('%s is --%s and %s', (key, flag, variable) => {
  expect(configOptions.find((option) => option.key === key)).toMatchObject({ flag, variable });
});

test('the storage section is as its defaults promise', () => {
  expect(parseConfig({}).storage).toMatchObject({
    enabled: true,
    dataDir: './data',
    walDir: './wal',
    memoryBuffer: 268_435_456,
    maxQueuedBytes: 4_000_000_000,
    wal: {
      syncMode: 'immediate',
      syncInterval: 100,
      batchSyncSize: 100,
      forceFsync: false,
      crashRecoveryValidation: false,
      onCorruption: 'quarantine',
      segmentSize: 16_777_216,
      maxPendingBytes: 16_000_000,
      checkpointSize: 67_108_864,
    },
    compaction: {
      maxMessageAge: 7_200_000,
      maxWalSize: 104_857_600,
      checkInterval: 300_000,
      concurrentWorkers: 2,
      batchSize: 1000,
    },
  });
});

const NODE = {
  enabled: true,
  nodeId: 'one',
  bind: '127.0.0.1:7000',
  secret: 'known to all nodes',
  peers: 'one,two',
};

test('a node of a cluster, and how it is called', () => {
  const config = parseConfig({ cluster: NODE });
  expect(config.cluster).toMatchObject({ cells: 6, engine: 'nats', peers: ['one', 'two'] });
  expect(nodeIdOf(config)).toBe('one');
  expect(nodeName(config)).toBe('one@127.0.0.1');
  expect(nodeIdOf(parseConfig({ cluster: { ...NODE, nodeId: '', peers: '' } }))).not.toBe('');
  expect(nodeName(parseConfig({}))).toBe('promptmq@127.0.0.1');
});

test.each([
  [{ bind: 'none' }, 'cluster.bind (options): a node of a cluster needs one HOST:PORT'],
  [
    { bind: '127.0.0.1:65530', cells: 10 },
    'cluster.bind (options): it takes a port of which the 12 from there on can be used',
  ],
  [
    { bind: ':7000' },
    'cluster.advertise (options): it is needed: cluster.bind has no host that others could reach',
  ],
  [{ advertise: ':7000' }, 'cluster.advertise (options): it takes one HOST:PORT'],
  [
    { secret: 'short' },
    'cluster.secret (options): a node of a cluster needs one of at least 16 characters',
  ],
  [{ engineUrl: '' }, 'cluster.engine-url (options): it needs an address'],
  [{ replicas: 2 }, 'cluster.replicas (options): it takes 1, 3 or 5'],
  [{ peers: 'two' }, 'cluster.peers (options): this node, one, is not among them'],
  [
    { durability: 'node' as const, peers: '' },
    'cluster.peers (options): with cluster.durability: node it takes the names of all nodes: each has its share of the cells for ever',
  ],
  [
    { onNodeLoss: 'reset' as const },
    'cluster.on-node-loss (options): it is for cluster.durability: node; else another node has the log',
  ],
  [{ fenceTime: '5s' }, 'cluster.fence-time (options): it takes at least cluster.hold-time'],
  [{ lateAfter: '1s' }, 'cluster.late-after (options): it takes at least twice cluster.heartbeat'],
])('of a node, %j is refused', (changed, problem) => {
  expect(problemsOf(() => parseConfig({ cluster: { ...NODE, ...changed } }))).toEqual([problem]);
});

test('a node of a cluster has a log, and no workers', () => {
  const problems = problemsOf(() =>
    parseConfig({ cluster: NODE, storage: { enabled: false }, server: { workers: 2 } }),
  );
  expect(problems).toEqual([
    'cluster.enabled (options): a node of a cluster needs storage.enabled',
    'cluster.enabled (options): a node of a cluster has a process for each cell: server.workers has to be 1',
  ]);
});

test('options that contradict each other are refused together', () => {
  const problems = problemsOf(() =>
    parseConfig({
      server: { tlsBind: ':8883', daemon: true, tls: { clientCertificates: 'require' } },
    }),
  );
  expect(problems.map((problem) => problem.replace(/ \(.*/, ''))).toEqual([
    'server.tls-bind',
    'server.tls-bind',
    'server.tls.client-certificates',
    'server.daemon',
  ]);
});

test('a command that listens nowhere is refused, a program may bring its connections; one listener of any kind is enough', () => {
  const flags = { bind: 'none', 'ws-bind': 'none' };
  expect(problemsOf(() => loadConfig({ flags }))).toEqual([
    'server.bind (--bind): no client could connect: this, ws-bind, tls-bind or wss-bind needs an address',
  ]);
  const nowhere = { bind: 'none', wsBind: null };
  expect(parseConfig({ server: nowhere }).server.bind).toEqual([]);
  const tls = { cert: 'cert.pem', key: 'key.pem' };
  for (const one of ['bind', 'wsBind', 'tlsBind', 'wssBind']) {
    expect(() => parseConfig({ server: { ...nowhere, tls, [one]: ':0' } })).not.toThrow();
  }
  for (const one of ['bind', 'ws-bind', 'tls-bind', 'wss-bind']) {
    const files = { 'tls-cert': 'cert.pem', 'tls-key': 'key.pem' };
    expect(() => loadConfig({ flags: { ...flags, ...files, [one]: ':0' } })).not.toThrow();
  }
});

test('workers of one machine need no engine: who asks for one is told what to use', () => {
  expect(() => parseConfig({ cluster: { engine: 'static' as 'nats' } })).toThrow(
    'cluster.engine (options): "static" is not allowed; it takes nats, postgres; the processes of one machine need no engine: set server.workers',
  );
});

test('without options it has the defaults', () => {
  const config = parseConfig({});
  expect(config.server.bind).toEqual([{ kind: 'tcp', host: '', port: 1883 }]);
  expect(config.mqtt.maxQos).toBe(2);
  expect(config.mqtt.maxSessionExpiry).toBe(0xffff_ffff);
  expect(config.log.level).toBe('info');
});

describe('the forms that people write', () => {
  test.each([
    ['0.0.0.0:1883', { kind: 'tcp', host: '0.0.0.0', port: 1883 }],
    // Without a host: at all addresses.
    [':1884', { kind: 'tcp', host: '', port: 1884 }],
    ['1885', { kind: 'tcp', host: '', port: 1885 }],
    [1886, { kind: 'tcp', host: '', port: 1886 }],
    ['[::1]:1883', { kind: 'tcp', host: '::1', port: 1883 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['unix:/run/mqtt.sock', { kind: 'unix', path: '/run/mqtt.sock' }],
  ])('address %p', (bind, address) => {
    expect(parseConfig({ server: { bind } }).server.bind).toEqual([address]);
  });

  test.each([
    ['127.0.0.1:1883, [::1]:1883', 2],
    [['127.0.0.1:1883', 1884, 'unix:/run/mqtt.sock'], 3],
    ['none', 0],
    [null, 0],
    [[], 0],
  ])('addresses %j', (bind, count) => {
    const input = { server: { bind, tlsBind: 'none', wsBind: 8080 } };
    expect(parseConfig(input as ConfigInput).server.bind).toHaveLength(count);
  });

  test.each([['10.0.0.0/33'], ['10.0.0.0/'], ['proxy.example'], ['fe80::1%eth0'], ['::/129']])(
    'a network %p is refused',
    (network) => {
      const input = { server: { proxyTrusted: ['10.0.0.0/8', network] } };
      expect(problemsOf(() => parseConfig(input))[0]).toContain('server.proxy-trusted');
    },
  );

  test.each([['1883,here'], [['1883', '']]])('addresses %j are refused', (bind) => {
    const input = { server: { bind } };
    expect(problemsOf(() => parseConfig(input as ConfigInput))[0]).toContain('server.bind');
  });

  test.each([
    ['100ms', 100],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    [3, 3000],
    ['3', 3000],
  ])('duration %p', (connectTimeout, ms) => {
    expect(parseConfig({ mqtt: { connectTimeout } }).mqtt.connectTimeout).toBe(ms);
  });

  test.each([
    ['1000/s', { amount: 1000, periodMs: 1000 }],
    ['5/1m', { amount: 5, periodMs: 60_000 }],
    ['100 / 10s', { amount: 100, periodMs: 10_000 }],
    ['7/1.5h', { amount: 7, periodMs: 5_400_000 }],
    ['1/100ms', { amount: 1, periodMs: 100 }],
    ['none', null],
    [null, null],
  ])('rate %p', (messages, rate) => {
    expect(parseConfig({ limits: { client: { messages } } }).limits.client.messages).toEqual(rate);
  });

  test('rate of bytes', () => {
    const { client } = parseConfig({ limits: { client: { bytes: '1.5MB/10s' } } }).limits;
    expect(client.bytes).toEqual({ amount: 1_500_000, periodMs: 10_000 });
  });

  test.each([
    1000,
    '1000',
    '0/s',
    '1.5/s',
    '1/',
    '/s',
    '1/s/s',
    '1/0s',
    '1/10',
    '1/2d',
    '1kB/s',
    '-1/s',
    '1/week',
  ])('rate %p is refused', (messages) => {
    const input = { limits: { client: { messages } } };
    expect(problemsOf(() => parseConfig(input))[0]).toContain('it takes a rate such as 1000/s');
  });

  test.each([
    ['4096', 4096],
    [4096, 4096],
    ['64KiB', 65_536],
    ['64 kb', 64_000],
    ['256MB', 256_000_000],
  ])('size %p', (maxPacketSize, size) => {
    expect(parseConfig({ mqtt: { maxPacketSize } }).mqtt.maxPacketSize).toBe(size);
  });
});

test.each([
  [
    { server: { bind: 'here' } },
    'server.bind (options): "here" is not allowed; it takes an address',
  ],
  [{ server: { bind: ':70000' } }, 'server.bind (options): ":70000" is not allowed'],
  [
    { mqtt: { maxQos: 3 } },
    'mqtt.max-qos (options): 3 is not allowed; it takes a whole number from 0 to 2',
  ],
  [{ mqtt: { connectTimeout: 'soon' } }, 'it takes a duration such as'],
  [{ mqtt: { connectTimeout: '1week' } }, 'it takes a duration such as'],
  [{ mqtt: { maxPacketSize: '1TB' } }, 'it takes a size such as'],
  [{ mqtt: { retainAvailable: 'maybe' } }, 'it takes true or false'],
  [{ log: { level: 'loud' } }, 'it takes trace, debug, info, warn, error, fatal'],
  [{ mqtt: { maxQoS: 1 } }, 'unknown key; did you mean mqtt.maxQos?'],
  [{ mqt: {} }, 'mqt (options): unknown key; did you mean mqtt?'],
])('%j is refused', (input, message) => {
  expect(problemsOf(() => parseConfig(input as ConfigInput))[0]).toContain(message);
});

describe('sources', () => {
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

  test('a flag goes before the file, and the file before the default', () => {
    const file = write('a.yaml', 'mqtt:\n  max-qos: 1\n  max-inflight: 7\nlog:\n  level: warn\n');
    const { config } = loadConfig({ flags: { 'max-qos': '0', 'log-format': 'json' }, file });
    expect([config.mqtt.maxQos, config.mqtt.maxInflight, config.mqtt.maxRetained]).toEqual([
      0, 7, 1_000_000,
    ]);
    expect(config.log).toMatchObject({ level: 'warn', format: 'json' });
  });

  test('a file may be JSON, or empty', () => {
    const file = write('a.json', '{"server": {"ws-bind": "none"}}');
    expect(loadConfig({ flags: {}, file }).config.server.wsBind).toEqual([]);
    expect(loadConfig({ flags: {}, file: write('b.yaml', '# nothing\n') }).config.mqtt.maxQos).toBe(
      2,
    );
  });

  test('all errors are reported at once, each with where it comes from', () => {
    const file = write('a.yaml', 'mqtt:\n  max-qos: 9\n  max-inflght: 1\nserver: 5\n');
    expect(
      problemsOf(() => loadConfig({ flags: { 'max-retained': 'many' }, file })).sort(),
    ).toEqual([
      `mqtt.max-inflght (${file}:3:3): unknown key; did you mean mqtt.max-inflight?`,
      `mqtt.max-qos (${file}:2:3): 9 is not allowed; it takes a whole number from 0 to 2`,
      'mqtt.max-retained (--max-retained): "many" is not allowed; it takes a whole number from 0 to 100000000',
      `server (${file}:4:1): 5 is not allowed; it takes a section with keys`,
    ]);
  });

  test('a file that is missing or is not YAML is named', () => {
    const missing = join(folder, 'missing.yaml');
    expect(problemsOf(() => loadConfig({ flags: {}, file: missing }))[0]).toContain(missing);
    const broken = write('broken.yaml', 'mqtt:\n  max-qos: [1\n');
    expect(problemsOf(() => loadConfig({ flags: {}, file: broken }))[0]).toMatch(
      /broken\.yaml:\d+:\d+/,
    );
    const list = write('list.yaml', '- 1\n');
    expect(problemsOf(() => loadConfig({ flags: {}, file: list }))[0]).toContain('sections');
  });
});

describe('sections and options in the form of a word', () => {
  test.each([
    ['server: { tls: false }', (config: Config) => config.server.tls.cert, null],
    ['server: { tls: off }', (config: Config) => config.server.tls.cert, null],
    ['storage: false', (config: Config) => config.storage.enabled, false],
    ['storage: true', (config: Config) => config.storage.enabled, true],
    ['metrics: no', (config: Config) => config.metrics.enabled, false],
    ['metrics: { bind: false }', (config: Config) => config.metrics.bind, []],
    ['cluster: false', (config: Config) => config.cluster.enabled, false],
    ['auth: false', (config: Config) => config.auth.allowAnonymous, true],
    ['auth: { password-file: false }', (config: Config) => config.auth.passwordFile, null],
    ['log: { rotation: false }', (config: Config) => config.log.rotation.age, 'none'],
    ['log: { file: false }', (config: Config) => config.log.file, null],
    ['server: { ws-bind: false }', (config: Config) => config.server.wsBind, []],
  ])('%s', (text, read, value) => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-words-'));
    const file = join(folder, 'promptmq.yaml');
    writeFileSync(file, `${text}\n`);
    expect(read(loadConfig({ flags: {}, file }).config)).toEqual(value);
    rmSync(folder, { recursive: true });
  });

  test('a flag goes before the word for its section, and a word that says nothing is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-words-'));
    const file = join(folder, 'promptmq.yaml');
    writeFileSync(file, 'server: { tls: false }\n');
    const { config } = loadConfig({ flags: { 'tls-cert': '/cert.pem' }, file });
    expect(config.server.tls.cert).toBe('/cert.pem');
    for (const text of ['server: { tls: true }', 'mqtt: false', 'server: false']) {
      writeFileSync(file, `${text}\n`);
      expect(() => loadConfig({ flags: {}, file })).toThrow('it takes a section with keys');
    }
    rmSync(folder, { recursive: true });
  });

  test('a program may say so, too', () => {
    expect(parseConfig({ server: { tls: false } } as never).server.tls.key).toBeNull();
    expect(parseConfig({ storage: false } as never).storage.enabled).toBe(false);
  });
});
