import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const program = join(import.meta.dirname, '../support/node-test-program.mjs');

test('`node --test` ends by itself: a test broker that was stopped leaves nothing open', () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, signal } = spawnSync(process.execPath, ['--test', program], {
    encoding: 'utf8',
    env,
    timeout: 50_000,
  });
  expect({ status, signal, stdout }).toMatchObject({ status: 0, signal: null });
  expect(stdout).toMatch(/pass 2/);
});
