/**
 * Runs the codec's fuzz test with one seed after the other: `node scripts fuzz-codec [COUNT] [SEED]`,
 * a million mutated packets each. Ends with 1 at the first failure, and names its seed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readArguments, wholeNumber } from './lib/arguments.ts';
import { buildIfNeeded, root } from './lib/prepare.js';

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const count = wholeNumber('COUNT', positionals[0] ?? '10', 1);
const first = wholeNumber('SEED', positionals[1] ?? String(Math.floor(Math.random() * 1e9)));
buildIfNeeded();
for (let index = 0; index < count; index++) {
  const seed = first + index;
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--experimental-vm-modules',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      'packages/codec/test/fuzz',
    ],
    { cwd: root, encoding: 'utf8', env: { ...process.env, FUZZ_SEED: String(seed) } },
  );
  if (status !== 0) {
    console.error(stderr);
    console.error(`failed with seed ${seed}`);
    process.exit(1);
  }
  console.log(`${index + 1} of ${count}: seed ${seed} passed, a million packets`);
}
