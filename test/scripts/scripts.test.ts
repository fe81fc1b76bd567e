import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { LONG_TESTS } from '../../scripts/lib/long-tests.ts';

const folder = fileURLToPath(new URL('../../scripts/', import.meta.url));

/** These hand their command line on: to jest, to the broker, or to another script. */
const HANDING_ON = ['index', 'test', 'start', 'build'];

/** The scripts, as `node scripts` takes their names. */
const scripts = ['.', 'bench']
  .flatMap((name) => readdirSync(join(folder, name)).map((file) => posix.join(name, file)))
  .filter((path) => /\.(ts|js)$/.test(path))
  .map((path) => path.replace(/\.\w+$/, ''));
const names = scripts.filter((name) => !HANDING_ON.includes(name));

test('`node scripts` lists the scripts; a name that it does not know is refused in one line', () => {
  const { status, stdout } = spawnSync(process.execPath, [folder], { encoding: 'utf8' });
  expect(status).toBe(0);
  const listed = [...stdout.matchAll(/^ {2}(\S+) +\S.*$/gm)].map(([, name]) => name);
  expect(listed).toEqual(expect.arrayContaining(['simulate', 'bench/compare', 'test']));
  expect(listed.sort()).toEqual(scripts.filter((name) => name !== 'index').sort());
  for (const wrong of ['simulat', '../package', 'lib']) {
    const { status, stderr } = spawnSync(process.execPath, [folder, wrong], { encoding: 'utf8' });
    expect([status, stderr.trim().split('\n')]).toEqual([2, [expect.stringContaining(wrong)]]);
  }
});

test('test:fast runs all but the suites that are listed as long, which are there', () => {
  const root = join(folder, '..');
  const list = (...args: string[]) => {
    const all = [folder, 'test', ...args, '--listTests'];
    const { stdout } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    return stdout
      .split('\n')
      .filter((path) => path !== '')
      .map((path) => relative(root, path).replaceAll('\\', '/'))
      .sort();
  };
  const isLong = (path: string) =>
    LONG_TESTS.some((long) => path === long || path.startsWith(`${long}/`));
  for (const long of LONG_TESTS) expect(existsSync(join(root, long))).toBe(true);
  const everything = list();
  expect(everything).toContain('packages/server/test/simulation/simulation.test.ts');
  expect(list('--fast')).toEqual(everything.filter((path) => !isLong(path)));
});

test.each(names)(
  '%s tells what it takes, and refuses what it does not know in one line',
  (name) => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [folder, name, ...args], { encoding: 'utf8' });
    const help = run('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain(`node scripts ${name}`);
    const unknown = run('--no-such-option');
    expect(unknown.status).toBe(2);
    expect(unknown.stdout).toBe('');
    // Some build what they are made of first, and say so.
    const lines = unknown.stderr.split('\n').filter((line) => !/^promptmq: building|^$/.test(line));
    expect(lines).toEqual([expect.stringMatching(/Unknown .*\bno-such-option.*--help/)]);
  },
);

test.each([
  ['simulate', '--seeds', '4..1'],
  ['simulate', '--seed', 'x'],
  ['simulate', '--jobs', '0'],
  ['crash', '--kills', '1.5'],
  ['fencing', '--kills', '1.5'],
  ['mutate', '--harness', 'no-such-harness'],
  ['mutate', '--only', 'no-such-mutation'],
  ['fuzz-codec', 'many'],
  ['fuzz', '--packets', 'many'],
])('%s %s %s is refused in one line, with exit code 2', (...args) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [folder, ...args], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(args.at(-1));
});
