import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { ConfigInput } from '../../src/index.ts';

const program = join(import.meta.dirname, '../support/loaded-modules.mjs');
const folder = mkdtempSync(join(tmpdir(), 'promptmq-loaded-'));

afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly packages: readonly string[];
  readonly ofCommand: readonly string[];
  readonly milliseconds: { readonly import: number; readonly start: number };
  readonly running: readonly string[] | null;
  readonly left: readonly string[];
}

/** @param options - null: the package is only imported */
function load(options: ConfigInput | null, logs: boolean, ...flags: string[]): Report {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, JSON.stringify({ options, logs }), ...flags],
    { encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** What the packages of this repository depend on, and they themselves; what those bring along isn't our choice. */
const chosen = (() => {
  const packages = join(import.meta.dirname, '../../..');
  const manifests = readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')));
  return new Set<string>(
    manifests.flatMap(({ name, dependencies }) => [name, ...Object.keys(dependencies ?? {})]),
  );
})();

/** Of what every broker consists. */
const BROKER = [
  '@promptmq/auth',
  '@promptmq/codec',
  '@promptmq/metrics',
  '@promptmq/server',
  '@promptmq/session',
  '@promptmq/topics',
  '@promptmq/wal',
  'mqtt-packet',
  'zod',
];

const storage = () => ({ dataDir: join(folder, 'data'), walDir: join(folder, 'wal') });

test.each<[string, () => ConfigInput | null, boolean, readonly string[]]>([
  ['imports the package', () => null, false, []],
  ['runs a broker', () => ({}), false, []],
  ['runs one with metrics', () => ({ metrics: {} }), false, ['prom-client']],
  ['runs one with storage', () => ({ storage: storage() }), false, ['lmdb']],
  ['runs one with a log', () => ({}), true, ['rotating-file-stream', 'winston']],
])('a program that %s loads no more than that needs', (name, options, logs, more) => {
  const { packages, ofCommand } = load(options(), logs);
  expect(packages.filter((one) => chosen.has(one))).toEqual([...BROKER, ...more].sort());
  expect(ofCommand).toEqual([]);
  const { milliseconds } = load(options(), logs, '--time');
  const { import: importMs, start: startMs } = milliseconds;
  process.stderr.write(`a program that ${name}: import ${importMs} ms, start ${startMs} ms\n`);
});

test('a program that has keys for the admin API loads what serves that, which leaves nothing', () => {
  const keys = [{ name: 'program', secret: 'a-secret-of-the-program' }];
  const { packages, ofCommand, running, left } = load({ admin: { keys } }, false);
  const expected = [...BROKER, '@hono/node-server', 'hono', 'prom-client'].sort();
  expect(packages.filter((one) => chosen.has(one))).toEqual(expected);
  expect(ofCommand.filter((path) => !path.includes('/dist/admin/'))).toEqual([]);
  expect(new Set(running)).toEqual(new Set(['TCPServerWrap', 'Timeout']));
  expect(left).toEqual([]);
});

test('importing the package does nothing to the process', () => {
  expect(load(null, false).left).toEqual([]);
});

test('a broker is nothing but sockets and timers in its process, and leaves nothing when it has stopped', () => {
  const { running, left } = load({ metrics: {} }, true);
  expect(new Set(running)).toEqual(new Set(['TCPServerWrap', 'Timeout']));
  expect(left).toEqual([]);
});

test('a broker with storage leaves nothing but what LMDB does when the process exits', () => {
  expect(load({ storage: storage() }, false).left).toEqual(['process.on exit']);
});
