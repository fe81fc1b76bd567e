import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { configJsonSchema, loadConfig } from '../../packages/server/src/config/index.ts';
import { Command } from '../../packages/server/test/support/command.ts';

const examples = join(import.meta.dirname, '../../examples/config');
const validate = new Ajv2020().compile(configJsonSchema());

test('there is an example for each use', () => {
  expect(readdirSync(examples).sort()).toEqual([
    'cluster.yaml',
    'development.yaml',
    'high-durability.yaml',
    'high-throughput.yaml',
    'listeners.yaml',
    'production.yaml',
  ]);
});

test('cluster.yaml is that of a node, but for its secret', () => {
  const file = join(examples, 'cluster.yaml');
  expect(validate(parse(readFileSync(file, 'utf8')))).toBe(true);
  const environment = { PROMPTMQ_CLUSTER_SECRET: 'known to all three nodes' };
  const { config } = loadConfig({ flags: {}, file, environment });
  expect(config.cluster).toMatchObject({ enabled: true, nodeId: 'one', engine: 'nats' });
  expect(() => loadConfig({ flags: {}, file, environment: {} })).toThrow('cluster.secret');
});

// A node of a cluster starts where its engine is.
const alone = readdirSync(examples).filter((name) => name !== 'cluster.yaml');

test.each(alone)('%s loads, starts and stops', async (name) => {
  const file = join(examples, name);
  expect(validate(parse(readFileSync(file, 'utf8')))).toBe(true);
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-example-'));
  // Everything but the ports, which may be taken here, and the log's form, which is waited for.
  const args = [
    '--bind',
    '127.0.0.1:0',
    '--ws-bind',
    '127.0.0.1:0',
    '--metrics-bind',
    '127.0.0.1:0',
  ];
  const style = ['--log-level', 'info', '--log-format', 'json'];
  const broker = new Command(['server', '--config', file, ...args, ...style], folder);
  try {
    await broker.waitFor(/"event":"ready"/);
    broker.child.kill('SIGTERM');
    expect(await broker.exitCode()).toBe(0);
    expect(broker.errors).toBe('');
  } finally {
    broker.child.kill('SIGKILL');
    await broker.exitCode();
    rmSync(folder, { recursive: true });
  }
});
