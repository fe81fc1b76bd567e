import { z } from 'zod';

/** Where to listen. */
export type Address =
  /** Without a host, at all addresses of the machine. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** How much may come in a time: all of it at once, and from then on as it becomes free again, evenly. */
export interface Rate {
  /** How many, or bytes; at least 1. */
  readonly amount: number;
  /** Milliseconds. */
  readonly periodMs: number;
}

/** What values an option takes; from it come help, documentation and the JSON Schema for editors. */
export type ValueKind =
  | {
      readonly kind: 'integer';
      readonly minimum: number;
      readonly maximum: number;
      readonly orAuto?: boolean;
    }
  /** Milliseconds. */
  | {
      readonly kind: 'duration';
      readonly minimum: number;
      readonly maximum: number;
      readonly orNone: boolean;
    }
  /** Bytes. */
  | {
      readonly kind: 'size';
      readonly minimum: number;
      readonly maximum: number;
      readonly orNone: boolean;
    }
  /** So much in a time. */
  | { readonly kind: 'rate'; readonly of: 'count' | 'bytes' }
  | { readonly kind: 'boolean'; readonly orAuto: boolean }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'addresses' }
  | { readonly kind: 'path'; readonly orNone: boolean }
  | { readonly kind: 'text'; readonly lengthMax: number }
  | { readonly kind: 'list'; readonly lengthMax: number }
  /** Texts by names that whoever writes them chooses. */
  | { readonly kind: 'map'; readonly sizeMax: number }
  /** A list of sections of one shape; `part` is the schema of one of them. */
  | {
      readonly kind: 'objects';
      readonly lengthMax: number;
      readonly item: string;
      readonly part: object;
      /** What of a section may be written as a word alone, such as `- custom`, with what that stands for. */
      readonly words: Readonly<Record<string, unknown>>;
    };

/** The most that a rate has. */
const AMOUNT_MAX = { count: 1_000_000_000, bytes: 1_000_000_000_000 } as const;

/** In milliseconds. A rate that begins anew only after more than a day would be forgotten by a restart. */
const PERIOD_MIN_MS = 100;
const PERIOD_MAX_MS = 86_400_000;

/** Addresses of one kind: each is a socket of its own. */
const ADDRESSES_MAX = 64;

/** The kind of each value of the schema, by the schema's part. */
export const valueKinds = z.registry<ValueKind>();

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

/** `null`, `false`, `none` or nothing: the option is off. */
export function isNone(value: unknown): boolean {
  return value === null || value === false || value === 'none' || value === '';
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

/** A duration such as `100ms`, `30s` or `2h`, in milliseconds; a bare number means seconds. Null when it isn't one. */
export function parseDuration(text: string): number | null {
  return measure(text, MILLISECONDS, 1000);
}

const textOrNumber = z.union([z.string(), z.number(), z.null(), z.literal(false)]);

const ADDRESS_EXAMPLES = ':1883 (all addresses), 192.0.2.1:1883, [::1]:1883 or unix:/path';

/** What a kind allows, in words. */
export function allowedText(kind: ValueKind): string {
  switch (kind.kind) {
    case 'integer':
      return `a whole number from ${kind.minimum} to ${kind.maximum}${kind.orAuto ? ', or auto' : ''}`;
    case 'duration': {
      const limit =
        kind.maximum === Number.POSITIVE_INFINITY
          ? `of at least ${kind.minimum / 1000}s`
          : `from ${kind.minimum / 1000}s to ${kind.maximum / 1000}s`;
      return `a duration such as 100ms, 30s or 2h, ${limit}${kind.orNone ? ', or none' : ''}`;
    }
    case 'size': {
      const none = kind.orNone ? ', or none' : '';
      return `a size such as 4096, 64KiB or 256MB, from ${kind.minimum} to ${kind.maximum} bytes${none}`;
    }
    case 'rate': {
      const examples = kind.of === 'bytes' ? '1MB/s or 64KiB/10s' : '1000/s or 5/1m';
      return `a rate such as ${examples}, from 1 to ${AMOUNT_MAX[kind.of]} in 100ms to 1d, or none`;
    }
    case 'boolean':
      return kind.orAuto ? 'true, false or auto' : 'true or false';
    case 'choice':
      return kind.choices.join(', ');
    case 'addresses':
      return `an address such as ${ADDRESS_EXAMPLES}, several as a list or with commas between them, or none`;
    case 'path':
      return `a path${kind.orNone ? ', or none' : ''}`;
    case 'text':
      return `a text of at most ${kind.lengthMax} characters`;
    case 'list':
      return `a list of at most ${kind.lengthMax} texts, on the command line with commas between them`;
    case 'map':
      return `at most ${kind.sizeMax} texts by name, such as { name: text }`;
    case 'objects':
      return `a list of at most ${kind.lengthMax}, each ${kind.item}; as JSON on the command line and in the environment`;
  }
}

/** A whole number, as a number or its digits, for the command line knows only text. */
export function integer(minimum: number, maximum: number) {
  const kind: ValueKind = { kind: 'integer', minimum, maximum };
  return textOrNumber
    .transform((value, context) => {
      const parsed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
      if (
        Number.isInteger(parsed) &&
        (parsed as number) >= minimum &&
        (parsed as number) <= maximum
      ) {
        return parsed as number;
      }
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** The same, or `auto`: it depends on the machine. */
export function integerOrAuto(minimum: number, maximum: number) {
  const kind: ValueKind = { kind: 'integer', minimum, maximum, orAuto: true };
  const whole = integer(minimum, maximum);
  return textOrNumber
    .transform((value, context): number | 'auto' => {
      const parsed = value === 'auto' ? value : whole.safeParse(value).data;
      if (parsed !== undefined) return parsed;
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** A duration such as `100ms`, `30s` or `2h`, in milliseconds; a bare number means seconds. */
export function duration(minimum: number, maximum: number) {
  return measured({ kind: 'duration', minimum, maximum, orNone: false });
}

/** A duration in milliseconds, or Infinity for `none`. */
export function durationOrNone(minimum: number, maximum = Number.POSITIVE_INFINITY) {
  return measured({ kind: 'duration', minimum, maximum, orNone: true });
}

/** A size such as `64KiB` or `256MB`, in bytes; a bare number means bytes. */
export function size(minimum: number, maximum: number) {
  return measured({ kind: 'size', minimum, maximum, orNone: false });
}

/** A size in bytes, or Infinity for `none`. */
export function sizeOrNone(minimum: number, maximum: number) {
  return measured({ kind: 'size', minimum, maximum, orNone: true });
}

function measured(kind: ValueKind & { kind: 'duration' | 'size' }) {
  const [units, unitless] = kind.kind === 'duration' ? [MILLISECONDS, 1000] : [BYTES, 1];
  return textOrNumber
    .transform((value, context) => {
      if (isNone(value) && kind.orNone) return Number.POSITIVE_INFINITY;
      const parsed = value === null || value === false ? null : measure(value, units, unitless);
      const isWhole = kind.kind === 'duration' || Number.isInteger(parsed);
      if (parsed !== null && isWhole && parsed >= kind.minimum && parsed <= kind.maximum) {
        return parsed;
      }
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** A rate such as `1000/s`, `5/1m` or `1MB/10s`; null for `none`. */
export function rateOrNone(of: 'count' | 'bytes') {
  const kind: ValueKind = { kind: 'rate', of };
  return textOrNumber
    .transform((value, context): Rate | null => {
      if (isNone(value)) return null;
      const rate = typeof value === 'string' ? parseRate(value, of) : null;
      if (rate !== null) return rate;
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

function parseRate(text: string, of: 'count' | 'bytes'): Rate | null {
  const parts = text.split('/');
  const [amountText = '', periodText = ''] = parts.map((part) => part.trim());
  if (parts.length !== 2 || periodText === '') return null;
  const amount = measure(amountText, of === 'bytes' ? BYTES : {}, 1);
  // `/s` is `/1s`; a number alone would be seconds, which nobody expects.
  const period = /^[a-z]/i.test(periodText) ? `1${periodText}` : periodText;
  const periodMs = /[a-z]$/i.test(period) ? measure(period, MILLISECONDS, 1000) : null;
  if (amount === null || !Number.isInteger(amount) || amount < 1 || amount > AMOUNT_MAX[of]) {
    return null;
  }
  if (periodMs === null || periodMs < PERIOD_MIN_MS || periodMs > PERIOD_MAX_MS) return null;
  return { amount, periodMs };
}

const TRUE_WORDS: readonly string[] = ['true', 'yes', 'on', '1'];
const FALSE_WORDS: readonly string[] = ['false', 'no', 'off', '0'];

/** Yes or no, or the words for it. */
export function flag() {
  const kind: ValueKind = { kind: 'boolean', orAuto: false };
  return z
    .union([z.boolean(), z.string()])
    .transform((value, context) => {
      const parsed = yesOrNo(value);
      if (parsed !== null) return parsed;
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** The same, or `auto`: it depends on other options. */
export function flagOrAuto() {
  const kind: ValueKind = { kind: 'boolean', orAuto: true };
  return z
    .union([z.boolean(), z.string()])
    .transform((value, context): boolean | 'auto' => {
      const parsed = value === 'auto' ? value : yesOrNo(value);
      if (parsed !== null) return parsed;
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

function yesOrNo(value: boolean | string): boolean | null {
  if (typeof value === 'boolean') return value;
  const word = value.toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  return FALSE_WORDS.includes(word) ? false : null;
}

/** One of some words. */
export function choice<const Choices extends readonly [string, ...string[]]>(...choices: Choices) {
  return choiceOf(choices);
}

/** The same, of a list. */
export function choiceOf<const Choices extends readonly [string, ...string[]]>(choices: Choices) {
  return z.enum(choices).register(valueKinds, { kind: 'choice', choices });
}

/**
 * Addresses such as `:1883` (all of the machine), `1883`, `192.0.2.1:1883`, `[::1]:1883` or `unix:/path`: a list in a file, with
 * commas between them on the command line; empty for `none`.
 */
export function addresses() {
  const kind: ValueKind = { kind: 'addresses' };
  return z
    .union([
      z.string(),
      z.number(),
      z.null(),
      z.literal(false),
      z.array(z.union([z.string(), z.number()])),
    ])
    .transform((value, context): readonly Address[] => {
      if (isNone(value)) return [];
      const items = Array.isArray(value) ? value : String(value).split(',');
      const parsed = items.map((item) => parseAddress(String(item).trim()));
      if (items.length <= ADDRESSES_MAX && !parsed.includes(null)) return parsed as Address[];
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** The path of a file or folder. */
export function path() {
  return z.string().min(1).register(valueKinds, { kind: 'path', orNone: false });
}

/** The path of a file; null for `none`. */
export function pathOrNone() {
  return z
    .union([z.string(), z.null(), z.literal(false)])
    .transform((value) => (isNone(value) || value === false ? null : value))
    .register(valueKinds, { kind: 'path', orNone: true });
}

/** Any text. */
export function text(lengthMax: number) {
  return z.string().max(lengthMax).register(valueKinds, { kind: 'text', lengthMax });
}

/** Texts: a list in a file, with commas between them on the command line and in the environment. */
export function list(lengthMax: number) {
  const kind: ValueKind = { kind: 'list', lengthMax };
  return z
    .union([z.string(), z.array(z.string())])
    .transform((value, context): readonly string[] => {
      const items =
        typeof value === 'string'
          ? value
              .split(',')
              .map((item) => item.trim())
              .filter((item) => item !== '')
          : value;
      if (items.length <= lengthMax) return items;
      context.addIssue(allowedText(kind));
      return z.NEVER;
    })
    .register(valueKinds, kind);
}

/** Texts by name, such as the headers of a request: names stay as they are written. */
export function map(sizeMax: number) {
  const kind: ValueKind = { kind: 'map', sizeMax };
  return z
    .record(z.string(), z.string())
    .refine((value) => Object.keys(value).length <= sizeMax, allowedText(kind))
    .register(valueKinds, kind);
}

/** Reads an address; null when it isn't one. */
export function parseAddress(text: string): Address | null {
  if (text.startsWith('unix:')) {
    return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : null;
  }
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  if (port > 65_535) return null;
  return { kind: 'tcp', host: match[1] ?? match[2] ?? '', port };
}
