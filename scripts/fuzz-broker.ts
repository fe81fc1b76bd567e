/**
 * Runs the broker's fuzz test with one seed after the other: `node scripts fuzz-broker [COUNT] [SEED]`, a dozen
 * clients each, whose packets are mutated. Ends with 1 at the first failure, and names its seed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readArguments, wholeNumber } from './lib/arguments.ts';
import { buildIfNeeded, root } from './lib/prepare.js';

/** Seeds that one process tries. */
const BATCH = 500;

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const count = wholeNumber('COUNT', positionals[0] ?? '5000', 1);
const first = wholeNumber('SEED', positionals[1] ?? String(Math.floor(Math.random() * 1e9)));
buildIfNeeded();
for (let done = 0; done < count; done += BATCH) {
  const runs = Math.min(BATCH, count - done);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--experimental-vm-modules',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      'packages/server/test/fuzz',
    ],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, FUZZ_SEED: String(first + done), FUZZ_RUNS: String(runs) },
    },
  );
  if (status !== 0) {
    console.error(stderr);
    console.error(
      `failed with one of the seeds from ${first + done} to ${first + done + runs - 1}`,
    );
    process.exit(1);
  }
  console.log(`${done + runs} of ${count} seeds passed, the last was ${first + done + runs - 1}`);
}
