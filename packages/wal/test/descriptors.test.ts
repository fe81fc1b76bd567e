import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const script = join(import.meta.dirname, 'support/out-of-descriptors.mjs');
const source = `file://${join(import.meta.dirname, '../dist/index.js')}`;

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix(
  'a log continues in new segments after all file descriptors are taken: it has some of its own',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'promptmq-descriptors-'));
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, script, source, directory],
      // Coverage has a file of its own to write, and says so when it can't.
      { encoding: 'utf8', env: { ...process.env, NODE_V8_COVERAGE: '' } },
    );
    await rm(directory, { recursive: true });
    expect(stderr).toBe('');
    expect(stdout).toBe('EMFILE\n[["safe",40]] 11 null\n');
  },
);
