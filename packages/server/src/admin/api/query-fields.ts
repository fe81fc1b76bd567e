import { isSharedFilter, isValidTopicFilter } from '@promptmq/topics';
import { z } from 'zod';

/** `true` or `false`, as parameters have them. */
export function flagParameter() {
  return z.enum(['true', 'false']).transform((text) => text === 'true');
}

/** A parameter that may be given several times. */
export function textsParameter() {
  return z
    .union([z.string(), z.array(z.string()).max(1000)])
    .transform((given) => (typeof given === 'string' ? [given] : given));
}

/** A time as RFC 3339 has it, or in milliseconds since 1970; it is the latter then. */
export function timeParameter() {
  return z.union(
    [
      z.iso.datetime({ offset: true }).transform(Date.parse),
      z.coerce.number().int().min(0).max(TIME_MAX),
    ],
    'takes a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970',
  );
}

/** The last time that a date can have. */
const TIME_MAX = 8_640_000_000_000_000;

/** Names with commas between them. */
export function namesParameter<T extends string>(names: readonly T[]) {
  return z
    .string()
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .pipe(z.array(z.enum(names as readonly [T, ...T[]])));
}

/** The longest text that MQTT has, in bytes (§1.5.4). */
const FILTER_BYTES_MAX = 65_535;

/** A topic filter, without `$share/NAME/`. */
export function filterParameter() {
  return z
    .string()
    .refine(
      (filter) =>
        Buffer.byteLength(filter) <= FILTER_BYTES_MAX &&
        isValidTopicFilter(filter) &&
        !isSharedFilter(filter),
      'takes a topic filter, such as a/+/c or a/#',
    );
}
