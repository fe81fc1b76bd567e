import type { ConfigInput } from '../config/index.ts';
import { badArgument, TestBrokerError } from './test-broker-error.ts';

/** Messages and lines of the log of packets that a test broker keeps, unless it is told otherwise. */
const KEPT = 10_000;
const KEPT_MAX = 10_000_000;
const SEED_MAX = 0xffff_ffff;

/** Options of `createTestBroker`: those of a broker, with camelCase keys, and what tests need beside them. */
export interface TestBrokerOptions extends Omit<ConfigInput, 'storage'> {
  /** `fake`: time stands still until `clock.advance`. `real` by default. */
  readonly clock?: 'fake' | 'real';
  /** Of everything that is drawn by lot: 0 to 4,294,967,295, 1 by default. */
  readonly seed?: number;
  /** The last messages, and lines of `log`, that are kept: 1 to 10,000,000, 10,000 by default. */
  readonly keep?: number;
  /**
   * True, or options of the broker's storage: it has a disk in memory, which outlives `restart`. By default nothing outlives
   * the broker.
   */
  readonly storage?: boolean | Omit<NonNullable<ConfigInput['storage']>, 'dataDir' | 'walDir'>;
}

/** What they come to. */
export interface TestSetup {
  readonly isFake: boolean;
  readonly seed: number;
  readonly keep: number;
  readonly config: ConfigInput;
}

/** @throws {TestBrokerError} `bad-argument`; the options of the broker itself are checked when it is started */
export function parseTestOptions(options: TestBrokerOptions): TestSetup {
  const { clock = 'real', seed = 1, keep = KEPT, storage = false, ...rest } = options;
  if (clock !== 'fake' && clock !== 'real') badArgument('clock', clock, "'fake' or 'real'");
  wholeNumber('seed', seed, 0, SEED_MAX);
  wholeNumber('keep', keep, 1, KEPT_MAX);
  // What the broker says of itself in topics isn't what is tested.
  const metrics = { sysInterval: 0, ...(rest.metrics ?? { enabled: false }) };
  const config = { ...rest, metrics, storage: storageOf(storage) };
  return { isFake: clock === 'fake', seed, keep, config };
}

/** @throws {TestBrokerError} `bad-argument` */
export function wholeNumber(
  where: string,
  value: unknown,
  minimum: number,
  maximum: number,
): number {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) {
    return value as number;
  }
  return badArgument(where, value, `a whole number from ${minimum} to ${maximum}`);
}

function storageOf(
  storage: NonNullable<TestBrokerOptions['storage']>,
): NonNullable<ConfigInput['storage']> {
  if (storage === false) return { enabled: false };
  if (storage === true) return inMemory({});
  if (typeof storage !== 'object' || storage === null) {
    return badArgument('storage', storage, 'true, false or options of the storage');
  }
  for (const key of ['dataDir', 'walDir']) {
    if (!(key in storage)) continue;
    throw new TestBrokerError(
      'bad-argument',
      `storage.${key}: a test broker's disk is in memory and has no folders; createBroker uses real ones`,
    );
  }
  return inMemory(storage);
}

/** Segments are filled with zeros when they are made: in memory, small ones do. */
function inMemory(
  storage: NonNullable<ConfigInput['storage']>,
): NonNullable<ConfigInput['storage']> {
  const { wal, ...rest } = storage;
  const files = { dataDir: '/test-broker/data', walDir: '/test-broker/wal' };
  return { ...rest, ...files, wal: { segmentSize: '1MiB', ...wal } };
}
