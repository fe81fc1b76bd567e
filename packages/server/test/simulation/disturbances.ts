import type { Random } from '@promptmq/wal/testing';

/** What happens to the broker of a run beside crashes. */
export interface Disturbances {
  /** Orderly restarts. */
  readonly stops: boolean;
  /** The disk fills up, and has room again a while later. */
  readonly fullDisks: boolean;
  /** One client's queue grows longer than one block of it is, and lives through restarts. */
  readonly longQueue: boolean;
}

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365.25 * DAY_MS;

/** What a wall clock shows that is right, and what one shows that has never been set. */
export const WALL_CLOCK_MS = Date.UTC(2030, 0, 1);
const UNSET_MS = 5000;
const WRONG_MS = [0, -HOUR_MS, -DAY_MS, HOUR_MS];

/** What a wall clock shows at first, its seconds for each that passes, and whether it is set again and again. */
export interface WallClockDrawn {
  readonly shownMs: number;
  readonly rate: number;
  readonly isSet: boolean;
}

export function drawWallClock(random: Random): WallClockDrawn {
  if (random.chance(0.6)) return { shownMs: WALL_CLOCK_MS, rate: 1, isSet: false };
  return {
    isSet: true,
    shownMs: random.pick([UNSET_MS, ...WRONG_MS.map((wrongMs) => WALL_CLOCK_MS + wrongMs)]),
    rate: random.pick([1, 1, 1, 0.5, 0.99, 1.01, 3]),
  };
}

/** By how much it is set: to the right time, or forward or back by anything from a second to decades. */
export function drawWallMove(random: Random, shownMs: number): number {
  const toRight = WALL_CLOCK_MS - shownMs;
  const by = random.pick([SECOND_MS, 5 * SECOND_MS, HOUR_MS, DAY_MS, 30 * YEAR_MS]);
  return random.pick([by, -by, toRight, toRight, UNSET_MS - shownMs]);
}

/** Of a broker with a disk. */
export function drawDisturbances(random: Random): Disturbances {
  return {
    stops: random.chance(0.4),
    fullDisks: random.chance(0.3),
    longQueue: random.chance(0.03),
  };
}
