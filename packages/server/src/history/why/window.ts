import { parseDuration } from '../../config/index.ts';

/** The time that is asked about, in milliseconds since 1970, both ends included. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** What is looked at where no time is given. */
const DEFAULT_MS = 3_600_000;

/** Whoever gives seconds means about then. */
const AROUND_MS = 5000;

/**
 * @param at - `10:42` for that minute, the last that there was; `10:42:07`, a time as RFC 3339 has it or milliseconds since 1970 for
 * about then. Times without an offset are the broker's local time
 * @param since - such as `5m`: from that long ago until now
 * @returns the last hour without either; a text for people where one isn't valid
 */
export function windowOf(
  at: string | null,
  since: string | null,
  now: number,
): TimeWindow | string {
  if (at !== null && since !== null) return 'at and since: only one of them';
  if (since !== null) {
    const duration = parseDuration(since);
    if (duration === null || duration <= 0) return 'since takes a duration such as 90s, 5m or 2h';
    return { from: now - duration, to: now };
  }
  if (at === null) return { from: now - DEFAULT_MS, to: now };
  const minute = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(at);
  if (minute !== null) return lastOf(minute, now);
  const time = /^\d{12,14}$/.test(at) ? Number(at) : parseTime(at);
  if (Number.isNaN(time)) {
    return 'at takes a time such as 10:42, 10:42:07, 2026-11-30T10:42:07Z or milliseconds since 1970';
  }
  if (time > now + AROUND_MS) return 'at lies in the future';
  return { from: time - AROUND_MS, to: Math.min(time + AROUND_MS, now) };
}

function parseTime(text: string): number {
  return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
}

/** Today, or yesterday where that would be in the future. */
function lastOf([, hours, minutes, seconds]: RegExpExecArray, now: number): TimeWindow {
  const date = new Date(now);
  date.setHours(Number(hours), Number(minutes), Number(seconds ?? 0), 0);
  if (date.getTime() > now) date.setDate(date.getDate() - 1);
  const time = date.getTime();
  if (seconds === undefined) return { from: time, to: Math.min(time + 59_999, now) };
  return { from: time - AROUND_MS, to: Math.min(time + AROUND_MS, now) };
}
