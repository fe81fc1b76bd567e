import { z } from 'zod';

/** Where to listen. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const MILLISECONDS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES: Record<string, number> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** `null` or `none`: the option is off. */
function isNone(value: string | number | null): boolean {
  return value === null || value === 'none';
}

/** A number with a unit, as a number of the smallest unit; null when it isn't one. */
function measure(
  value: string | number,
  units: Record<string, number>,
  unitless: number,
): number | null {
  if (typeof value === 'number') return value * unitless;
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim());
  if (match === null) return null;
  const unit = (match[2] as string).toLowerCase();
  const factor = unit === '' ? unitless : units[unit];
  return factor === undefined ? null : Number(match[1]) * factor;
}

const textOrNumber = z.union([z.string(), z.number(), z.null()]);

/** A whole number, as a number or its digits, for the command line knows only text. */
export function integer(minimum: number, maximum: number) {
  return textOrNumber.transform((value, context) => {
    const parsed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (
      Number.isInteger(parsed) &&
      (parsed as number) >= minimum &&
      (parsed as number) <= maximum
    ) {
      return parsed as number;
    }
    context.addIssue(`a whole number from ${minimum} to ${maximum}`);
    return z.NEVER;
  });
}

/** A duration such as `100ms`, `30s` or `2h`, in milliseconds; a bare number means seconds. */
export function duration(minimumMs: number, maximumMs: number) {
  return textOrNumber.transform((value, context) => {
    const parsed = value === null ? null : measure(value, MILLISECONDS, 1000);
    if (parsed !== null && parsed >= minimumMs && parsed <= maximumMs) return parsed;
    context.addIssue(
      `a duration such as 100ms, 30s or 2h, from ${minimumMs / 1000}s to ${maximumMs / 1000}s`,
    );
    return z.NEVER;
  });
}

/** A duration in milliseconds, or Infinity for `none`. */
export function durationOrNone(minimumMs: number) {
  return textOrNumber.transform((value, context) => {
    if (isNone(value)) return Number.POSITIVE_INFINITY;
    const parsed = measure(value as string | number, MILLISECONDS, 1000);
    if (parsed !== null && parsed >= minimumMs) return parsed;
    context.addIssue(
      `a duration such as 100ms, 30s or 2h, of at least ${minimumMs / 1000}s, or none`,
    );
    return z.NEVER;
  });
}

/** A size such as `64KiB` or `256MB`, in bytes; a bare number means bytes. */
export function size(minimum: number, maximum: number) {
  return textOrNumber.transform((value, context) => {
    const parsed = value === null ? null : measure(value, BYTES, 1);
    if (parsed !== null && Number.isInteger(parsed) && parsed >= minimum && parsed <= maximum) {
      return parsed;
    }
    context.addIssue(`a size such as 4096, 64KiB or 256MB, from ${minimum} to ${maximum} bytes`);
    return z.NEVER;
  });
}

/** Yes or no, or the words for it. */
export function flag() {
  return z.union([z.boolean(), z.string()]).transform((value, context) => {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    context.addIssue('true or false');
    return z.NEVER;
  });
}

/** An address such as `0.0.0.0:1883`, `:1883`, `1883`, `[::1]:1883` or `unix:/path`; null for `none`. */
export function addressOrNone() {
  return textOrNumber.transform((value, context): Address | null => {
    if (isNone(value)) return null;
    const address = parseAddress(String(value));
    if (address !== null) return address;
    context.addIssue('an address such as 0.0.0.0:1883, :1883, [::1]:1883 or unix:/path, or none');
    return z.NEVER;
  });
}

function parseAddress(text: string): Address | null {
  if (text.startsWith('unix:')) {
    return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : null;
  }
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > 65_535) return null;
  return { kind: 'tcp', host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
