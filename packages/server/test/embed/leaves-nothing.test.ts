import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createBroker } from '../../src/index.ts';

const program = join(import.meta.dirname, '../support/embedded-program.mjs');

test('`node --test` ends by itself: a broker that was used in every way leaves nothing open', () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-embedded-'));
  const { status, stdout, signal } = spawnSync(process.execPath, ['--test', program], {
    encoding: 'utf8',
    env: { ...process.env, EMBEDDED_PROGRAM_FOLDER: folder, NODE_TEST_CONTEXT: undefined },
    // A handle that is left would keep it for ever.
    timeout: 50_000,
  });
  expect({ status, signal, stdout }).toMatchObject({ status: 0, signal: null });
  expect(stdout).toMatch(/pass 2\b/);
  rmSync(folder, { recursive: true });
});

test('its method for `await using` is `stop`: either may be called, in any order', async () => {
  const broker = await createBroker();
  const disposed = broker[Symbol.asyncDispose]();
  expect(broker.stop()).toBe(disposed);
  await disposed;
});
