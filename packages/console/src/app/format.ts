/** Numbers, sizes and times as texts for people. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const UNITS = ['', 'k', 'M', 'G', 'T'];

/** 1,234,567; a dash for what isn't known. */
export function count(value: number | null | undefined): string {
  return value == null || Number.isNaN(value) ? '–' : whole.format(value);
}

/** 1 session waits, 1,234 sessions wait, – sessions wait. */
export function counted(value: number | null | undefined, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Three digits and a unit: 999, 1.23k, 45.6M. For axes and tiles. */
export function short(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return '–';
  let rest = Math.abs(value);
  let unit = 0;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${value < 0 ? '-' : ''}${digits(rest, unit > 0)}${UNITS[unit]}`;
}

/** 1.23 MB, in steps of 1000. */
export function bytes(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return '–';
  const text = short(value);
  const unit = /[kMGT]$/.exec(text)?.[0] ?? '';
  return `${unit === '' ? text : text.slice(0, -1)} ${unit}B`;
}

/** Of seconds: 0.4 ms, 12 ms, 3.4 s, 5 min 10 s, 3 h 4 min, 2 d 5 h. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || Number.isNaN(seconds)) return '–';
  if (seconds < 1) return `${digits(seconds * 1000, true)} ms`;
  if (seconds < 60) return `${digits(seconds, seconds < 10)} s`;
  const all = Math.floor(seconds);
  const [days, hours] = [Math.floor(all / 86_400), Math.floor(all / 3600) % 24];
  const minutes = Math.floor(all / 60) % 60;
  if (days > 0) return hours === 0 ? `${days} d` : `${days} d ${hours} h`;
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  return all % 60 === 0 ? `${minutes} min` : `${minutes} min ${all % 60} s`;
}

/** How long ago something was, roughly: `40 s ago`, `5 min ago`. */
export function ago(then: number, now: number): string {
  const seconds = Math.floor(Math.max(0, (now - then) / 1000));
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** 14:05:09 of today, and the date with it otherwise. */
export function moment(at: number, now: number): string {
  const date = new Date(at);
  const time = clock(at);
  if (new Date(now).toDateString() === date.toDateString()) return time;
  const month = `${date.getMonth() + 1}`.padStart(2, '0');
  return `${date.getFullYear()}-${month}-${`${date.getDate()}`.padStart(2, '0')} ${time}`;
}

/** 14:05:09 */
export function clock(at: number): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => `${part}`.padStart(2, '0')).join(':');
}

/** A text in which nothing is hidden, and nothing changes the direction of what comes after it. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`);
}

// Control characters, soft hyphens, what has no width, and what turns the direction of text.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function digits(value: number, hasFraction: boolean): string {
  if (value === 0) return '0';
  if (value >= 99.95 || (!hasFraction && Number.isInteger(value))) return value.toFixed(0);
  return `${Number(value.toFixed(value >= 9.995 ? 1 : 2))}`;
}
