import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';

const folder = fileURLToPath(new URL('../../scripts/', import.meta.url));

/** These hand their command line on: to jest, to the broker, or to another script. */
const HANDING_ON = ['test.mjs', 'start.mjs', 'build.mjs'];

const scripts = ['.', 'bench']
  .flatMap((name) => readdirSync(join(folder, name)).map((file) => join(name, file)))
  .filter((path) => path.endsWith('.mjs') && !HANDING_ON.includes(path));

test('there are scripts to look at', () => {
  expect(scripts).toContain('simulate.mjs');
  expect(scripts).toContain(join('bench', 'compare.mjs'));
});

test('test:fast runs all but the suites that are listed as long, which are there', async () => {
  const { LONG_TESTS } = await import(pathToFileURL(join(folder, 'lib', 'long-tests.mjs')).href);
  const root = join(folder, '..');
  const list = (...args: string[]) => {
    const all = [join(folder, 'test.mjs'), ...args, '--listTests'];
    const { stdout } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    return stdout
      .split('\n')
      .filter((path) => path !== '')
      .map((path) => relative(root, path).replaceAll('\\', '/'))
      .sort();
  };
  const isLong = (path: string) =>
    LONG_TESTS.some((long: string) => path === long || path.startsWith(`${long}/`));
  for (const long of LONG_TESTS) expect(existsSync(join(root, long))).toBe(true);
  const everything = list();
  expect(everything).toContain('packages/server/test/simulation/simulation.test.ts');
  expect(list('--fast')).toEqual(everything.filter((path) => !isLong(path)));
});

test.each(scripts)(
  '%s tells what it takes, and refuses what it does not know in one line',
  (path) => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(folder, path), ...args], { encoding: 'utf8' });
    const help = run('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain(`node scripts/${path.replaceAll('\\', '/')}`);
    const unknown = run('--no-such-option');
    expect(unknown.status).toBe(2);
    expect(unknown.stdout).toBe('');
    // Some build what they are made of first, and say so.
    const lines = unknown.stderr.split('\n').filter((line) => !/^promptmq: building|^$/.test(line));
    expect(lines).toEqual(["Unknown option '--no-such-option'; see --help"]);
  },
);

test.each([
  ['simulate.mjs', '--seeds', '4..1'],
  ['simulate.mjs', '--seed', 'x'],
  ['simulate.mjs', '--jobs', '0'],
  ['crash.mjs', '--kills', '1.5'],
  ['mutate.mjs', '--harness', 'no-such-harness'],
  ['mutate.mjs', '--only', 'no-such-mutation'],
  ['fuzz-codec.mjs', 'many'],
  ['fuzz-broker.mjs', 'many'],
])('%s %s %s is refused in one line, with exit code 2', (path, ...args) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(folder, path), ...args], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(args.at(-1));
});
