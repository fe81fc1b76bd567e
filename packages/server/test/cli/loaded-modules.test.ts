import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'promptmq-modules-'));
const list = join(folder, 'modules');

afterAll(() => rmSync(folder, { recursive: true }));

/** Has a process write the address of each module that it loads into a file. */
const hook = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(list)}, url + '\\n');
  return next(url, context);
}`;
const preload = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;

test('the process of a single broker has nothing loaded of clusters, and of several processes', async () => {
  const command = new Command(
    [
      ...['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'],
      ...['--admin-socket', 'none', '--log-format', 'json'],
    ],
    folder,
    { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(preload)}` },
  );
  await command.waitFor(/"event":"ready"/);
  command.child.kill('SIGTERM');
  expect(await command.exitCode()).toBe(0);
  const loaded = readFileSync(list, 'utf8').split('\n');
  expect(loaded.filter((url) => url.includes('/packages/server/')).length).toBeGreaterThan(100);
  const needless =
    /\/packages\/cluster\/|\/admin\/processes\/(?!passed-caller)|\/server\/dist\/cluster\//;
  expect(loaded.filter((url) => needless.test(url))).toEqual([]);
});
