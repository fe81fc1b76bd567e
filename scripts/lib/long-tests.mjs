/**
 * What `npm run test:fast` leaves out: suites that start programs, wait for the clock, or go through very many cases.
 * All else runs in it. Paths from `packages/`; a folder stands for all that is in it.
 */
export const LONG_TESTS = [
  'bench/test/command.test.ts',
  'bench/test/measure.test.ts',
  'bench/test/soak.test.ts',
  'codec/test/fuzz.test.ts',
  'conformance/test',
  'server/test/cli',
  'server/test/clients',
  'server/test/crash',
  'server/test/deployment',
  'server/test/fuzz',
  'server/test/interop',
  'server/test/listeners/before-connect.test.ts',
  'server/test/memory/output.test.ts',
  'server/test/memory/replays.test.ts',
  'server/test/memory/topics.test.ts',
  'server/test/observability/nasty-requests.test.ts',
  'server/test/repository',
  'server/test/simulation',
  'server/test/storage/acid.test.ts',
  'server/test/storage/hand-over.test.ts',
  'wal/test/directory-lock.test.ts',
];

/** Seeds of the simulation that it runs in place of the tests' 2,000. */
export const FAST_SEEDS = 100;
