import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Directory, disagreements } from '@promptmq/cluster';
import { Agreement } from '../../src/cluster/node/agreement.ts';
import { comparedSettings, fingerprintOf } from '../../src/cluster/node/compared-settings.ts';
import { type ConfigInput, configOptions, parseConfig } from '../../src/config/index.ts';
import { type Logger, noopLogger } from '../../src/log/index.ts';

const SECRET = 'what only the nodes know';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-agreement-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function settingsOf(input: ConfigInput) {
  const config = parseConfig({ cluster: { secret: SECRET }, ...input });
  return comparedSettings(config, config);
}

function differing(one: ConfigInput, other: ConfigInput): string[] {
  return disagreements(settingsOf(one), settingsOf(other));
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('the settings that nodes compare', () => {
  test('are the same of the same configuration, and name what differs', () => {
    expect(differing({}, {})).toEqual([]);
    const other = { mqtt: { maxPacketSize: '1MB', retainAvailable: false } };
    expect(differing({}, other)).toEqual(['mqtt.max-packet-size', 'mqtt.retain-available']);
    expect(differing({}, { limits: { client: { messages: '10/s' } } })).toEqual([
      'limits.client.messages',
    ]);
    expect(
      differing({}, { cluster: { secret: SECRET, logMax: '1GB', replicas: 5, cells: 3 } }),
    ).toEqual(['cluster.cells', 'cluster.log-max', 'cluster.replicas']);
    const bound = { secret: SECRET, durability: 'node', onNodeLoss: 'reset' } as const;
    expect(differing({}, { cluster: bound })).toEqual([
      ...['cluster.durability', 'cluster.on-node-loss'],
    ]);
  });

  test('leave out what is of each node', () => {
    const other: ConfigInput = {
      server: { bind: '127.0.0.1:1999' },
      storage: { dataDir: '/elsewhere' },
      limits: { overload: { lagRefuse: '5s' } },
      cluster: {
        secret: SECRET,
        nodeId: 'two',
        bind: '127.0.0.1:7100',
        engineUrl: 'nats://b:4222',
      },
    };
    expect(differing({}, other)).toEqual([]);
  });

  test('are of what files contain, wherever they are', () => {
    const [one, same, other] = [file('one', 'a'), file('same', 'a'), file('other', 'b')];
    const rules = (aclFile: string) => ({ auth: { aclFile } });
    expect(differing(rules(one), rules(same))).toEqual([]);
    expect(differing(rules(one), rules(other))).toEqual(['auth.acl-file']);
    const chain = (passwordFile: string) => ({ auth: { chain: [{ passwordFile }] } });
    expect(differing(chain(one), chain(same))).toEqual([]);
    expect(differing(chain(one), chain(other))).toEqual(['auth.chain']);
  });

  test('have of listeners what they ask of clients, not where they are', () => {
    const listener = (port: number, mountPoint: string) => ({
      listeners: [{ kind: 'tcp' as const, bind: `127.0.0.1:${port}`, mountPoint }],
    });
    expect(differing(listener(1, 'a'), listener(2, 'a'))).toEqual([]);
    expect(differing(listener(1, 'a'), listener(1, 'b'))).toEqual(['listeners']);
  });

  test('show no secret, and cannot be made without it', () => {
    const settings = settingsOf({});
    const other = comparedSettings(parseConfig({ cluster: { secret: 'another secret of them' } }), {
      ...parseConfig({ cluster: { secret: 'another secret of them' } }),
    });
    expect(Object.keys(settings)).toContain('cluster.secret');
    expect(JSON.stringify(settings)).not.toContain(SECRET);
    for (const [key, hash] of Object.entries(settings)) {
      expect(hash).toMatch(/^[\w-]{12}$/);
      expect(other[key]).not.toBe(hash);
    }
    expect(disagreements(settings, other)).toEqual(['cluster.secret']);
    for (const { key, isSecret } of configOptions) {
      if (isSecret && key !== 'cluster.secret') expect(settings[key]).toBeUndefined();
    }
  });

  test('are as at the start where a change needs a restart', () => {
    const running = parseConfig({ cluster: { secret: SECRET } });
    const next = parseConfig({ mqtt: { maxQos: 1 }, cluster: { secret: SECRET, logMax: '1GB' } });
    const found = disagreements(
      comparedSettings(running, running),
      comparedSettings(next, running),
    );
    expect(found).toEqual(['mqtt.max-qos']);
  });
});

test('a node says once with whom it disagrees on what, and when that is over', () => {
  const lines: unknown[] = [];
  const log = {
    warn: (event: string, fields: object) => lines.push([event, fields]),
    info: (event: string, fields: object) => lines.push([event, fields]),
  } as unknown as Logger;
  const own = settingsOf({});
  const agreement = new Agreement('one', log, own);
  expect(agreement.own.fingerprint).toBe(fingerprintOf(own));
  const directory = (settings: typeof own, isAlive = true): Directory => ({
    cells: [],
    nodes: ['one', 'two'].map((id) => ({
      ...{ id, incarnation: '1', isAlive, isEligible: true, address: null, clients: [] },
      ...{ version: '1', fingerprint: '', settings: id === 'one' ? own : settings },
    })),
  });
  const theirs = settingsOf({ mqtt: { maxQos: 1 } });
  agreement.setDirectory(directory(theirs));
  agreement.setDirectory(directory(theirs));
  expect(agreement.warnings).toEqual(['node two disagrees with one on mqtt.max-qos']);
  agreement.setSettings(theirs);
  expect(agreement.warnings).toEqual([]);
  agreement.setDirectory(directory(own, false));
  expect(lines).toEqual([
    ['config-differs', { node: 'two', on: ['mqtt.max-qos'] }],
    ['config-agrees', { node: 'two' }],
  ]);
});

test('a process that has another configuration in force than its node is found, and compared with all nodes', () => {
  const own = settingsOf({});
  const other = settingsOf({ mqtt: { maxQos: 1 } });
  let processes = [own, own];
  const agreement = new Agreement('one', noopLogger, own, () => processes);
  const node = { incarnation: '1', isAlive: true, isEligible: true, address: null, clients: [] };
  const nodes = ['one', 'two'].map((id) => ({
    ...{ ...node, id, version: '1', fingerprint: '', settings: own },
  }));
  agreement.setDirectory({ cells: [], nodes });
  expect([...agreement.found]).toEqual([
    ['one', []],
    ['two', []],
  ]);
  // One was started again after the file had changed.
  processes = [own, other];
  expect([...agreement.found]).toEqual([
    ['one', ['mqtt.max-qos']],
    ['two', ['mqtt.max-qos']],
  ]);
  expect(agreement.warnings).toEqual([
    'processes of node one disagree with it on mqtt.max-qos',
    'node two disagrees with one on mqtt.max-qos',
  ]);
});
