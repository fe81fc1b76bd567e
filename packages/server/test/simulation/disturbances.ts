import type { Random } from '../../../wal/test/support/random.ts';

/** What happens to the broker of a run beside crashes. */
export interface Disturbances {
  /** Orderly restarts. */
  readonly stops: boolean;
  /** The disk fills up, and has room again a while later. */
  readonly fullDisks: boolean;
  /** One client's queue grows longer than one block of it is, and lives through restarts. */
  readonly longQueue: boolean;
}

/** Of a broker with a disk. */
export function drawDisturbances(random: Random): Disturbances {
  return {
    stops: random.chance(0.4),
    fullDisks: random.chance(0.3),
    longQueue: random.chance(0.03),
  };
}
