/**
 * Runs the tests: `npm test -- [jest options]`. Installs and builds what is missing before. Tests that need programs of
 * other projects are skipped where these are not there, and say so; `node scripts clients` fetches them.
 *
 * `npm run test:fast` leaves out the suites of `lib/long-tests.ts`, and runs some seeds of the simulation instead; with
 * jest options after `--`, the tests alone.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { FAST_SEEDS, LONG_TESTS } from './lib/long-tests.ts';
import { buildIfNeeded, launcher, root } from './lib/prepare.js';

const options = process.argv.slice(2);
const isFast = options[0] === '--fast';
if (isFast) options.shift();
// Tests start threads of the conformance package, too, which run what was compiled.
buildIfNeeded(['server', 'conformance']);

// All that is asked for: the tests, as fast as the machine can, then the simulation.
const isEveryDay = isFast && options.length === 0;
if (isEveryDay) options.push('--maxWorkers=100%', '--silent');
let status = runJest(isFast ? [...ignoring(LONG_TESTS), ...options] : options);
if (isEveryDay) {
  status ||= run([launcher, 'simulate', '--seeds', `1..${FAST_SEEDS}`]);
}
process.exit(status);

function runJest(args: readonly string[]): number {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const node = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  // Where coverage is asked for, it is taken for each file of tests, see there.
  const setup = join(root, 'scripts', 'lib', 'coverage-of-test.js');
  const isObserved = process.env['NODE_V8_COVERAGE'] !== undefined;
  // Last: it would take paths that follow for files of its own.
  return run([...node, jest, ...args, ...(isObserved ? [`--setupFilesAfterEnv=${setup}`] : [])]);
}

/** @returns the exit code */
function run(args: readonly string[]): number {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** Jest's options that leave these paths out; they are patterns, in which `/` stands for any separator. */
function ignoring(paths: readonly string[]): string[] {
  const patterns = paths.map((path) => `<rootDir>/${path.replaceAll('.', '\\.')}(/|$)`);
  return ['/node_modules/', ...patterns].map((pattern) => `--testPathIgnorePatterns=${pattern}`);
}
