/**
 * What `npm run test:fast` leaves out: suites that start programs, wait for the clock, or go through very many cases.
 * All else runs in it. Paths from the top of the repository; a folder stands for all that is in it.
 */
export const LONG_TESTS: readonly string[] = [
  'packages/bench/test/command.test.ts',
  'packages/bench/test/measure.test.ts',
  'packages/bench/test/soak.test.ts',
  'packages/cluster/test/membership/engines.test.ts',
  'packages/codec/test/fuzz.test.ts',
  'packages/conformance/test',
  'packages/server/test/chaos',
  'packages/server/test/cli',
  'packages/server/test/clients',
  'packages/server/test/cluster/node.test.ts',
  'packages/server/test/crash',
  'packages/server/test/fuzz',
  'packages/server/test/interop',
  'packages/server/test/listeners/before-connect.test.ts',
  'packages/server/test/memory/output.test.ts',
  'packages/server/test/memory/replays.test.ts',
  'packages/server/test/memory/topics.test.ts',
  'packages/server/test/observability/nasty-requests.test.ts',
  'packages/server/test/simulation',
  'packages/server/test/storage/acid.test.ts',
  'packages/server/test/storage/hand-over.test.ts',
  'packages/wal/test/directory-lock.test.ts',
  'test/console',
  'test/deployment',
  'test/documentation/generated.test.ts',
  'test/documentation/troubleshooting.test.ts',
  'test/github.test.ts',
  'test/scripts/build.test.ts',
  'test/scripts/check-docs.test.ts',
  'test/scripts/check-imports.test.ts',
  'test/scripts/check-spreads.test.ts',
  'test/scripts/mutate.test.ts',
  'test/scripts/scripts.test.ts',
];

/** Seeds of the simulation that it runs in place of the tests' 2,000. */
export const FAST_SEEDS = 100;
