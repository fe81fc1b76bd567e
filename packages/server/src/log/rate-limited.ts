import { LOG_LEVELS, type Logger } from './logger.ts';

export interface RateLimit {
  /** Lines a second in the long run, read for each line; five times as many may come at once. */
  readonly perSecond: number;
  /** Milliseconds of a clock. */
  readonly now: () => number;
}

/** How many seconds' lines may come at once. */
const BURST_SECONDS = 5;

/**
 * A logger for what clients can trigger: it lets through what the limit allows, and says how many lines
 * it left out before the next that it lets through. Lines of a level that isn't written don't count.
 */
export function rateLimited(logger: Logger, limit: RateLimit): Logger {
  const { now } = limit;
  let allowance = limit.perSecond * BURST_SECONDS;
  let updatedAt = now();
  let suppressedCount = 0;

  function isAllowed(): boolean {
    const time = now();
    const { perSecond } = limit;
    allowance = Math.min(
      perSecond * BURST_SECONDS,
      allowance + ((time - updatedAt) / 1000) * perSecond,
    );
    updatedAt = time;
    if (allowance < 1) {
      suppressedCount++;
      return false;
    }
    allowance--;
    if (suppressedCount > 0) logger.warn('log-lines-suppressed', { count: suppressedCount });
    suppressedCount = 0;
    return true;
  }

  const limited = LOG_LEVELS.map((level) => [
    level,
    (event: string, fields?: object) => {
      if (logger.isEnabled?.(level) !== false && isAllowed()) logger[level](event, fields);
    },
  ]);
  return Object.fromEntries(limited) as unknown as Logger;
}
