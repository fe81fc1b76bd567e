import { LOG_LEVELS, type Logger } from './logger.ts';

export interface RateLimit {
  /** Lines a second in the long run. */
  readonly perSecond: number;
  /** Lines that may come at once. */
  readonly burst: number;
  /** Milliseconds of a clock. */
  readonly now: () => number;
}

/**
 * A logger for what clients can trigger: it lets through what the limit allows, and says how many lines
 * it left out before the next that it lets through.
 */
export function rateLimited(logger: Logger, { perSecond, burst, now }: RateLimit): Logger {
  let allowance = burst;
  let updatedAt = now();
  let suppressedCount = 0;

  function isAllowed(): boolean {
    const time = now();
    allowance = Math.min(burst, allowance + ((time - updatedAt) / 1000) * perSecond);
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
      if (isAllowed()) logger[level](event, fields);
    },
  ]);
  return Object.fromEntries(limited) as Logger;
}
