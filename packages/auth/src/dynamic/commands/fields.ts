import { CommandError } from './command-error.ts';

/** A JSON object of a client. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a priority may be; others are taken for the nearest of these. */
export const PRIORITY_MAX = 100_000;

const INT_MAX = 0x7fff_ffff;

/** Code points that mosquitto refuses in names: control characters, and those that no character has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]|\p{Surrogate}/u;

/** Bytes of a text that MQTT can carry (§1.5.4). */
const TEXT_BYTES_MAX = 65_535;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a field, whose name may be written in small or capital letters; undefined when there is none. */
export function fieldOf(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const wanted = name.toLowerCase();
  const found = Object.keys(object).find((key) => key.toLowerCase() === wanted);
  return found === undefined ? undefined : object[found];
}

/** The text of a field; undefined when there is none, or something else. */
export function textOf(object: JsonObject, name: string): string | undefined {
  const value = fieldOf(object, name);
  return typeof value === 'string' ? value : undefined;
}

/**
 * The text of a field that must be there.
 *
 * @throws {CommandError} with `error`
 */
export function neededText(object: JsonObject, name: string, error: string): string {
  const value = textOf(object, name);
  if (value === undefined) throw new CommandError(error);
  return value;
}

/**
 * The text of a field; null when there is none.
 *
 * @throws {CommandError} with `error`, when it is something else
 */
export function optionalText(object: JsonObject, name: string, error: string): string | null {
  const value = fieldOf(object, name);
  if (value === undefined) return null;
  if (typeof value !== 'string') throw new CommandError(error);
  return value;
}

/** The whole number of a field; `otherwise` when there is none, or something else. */
export function wholeNumberOf(object: JsonObject, name: string, otherwise: number): number {
  const value = fieldOf(object, name);
  if (typeof value !== 'number') return otherwise;
  return Math.trunc(Math.min(INT_MAX, Math.max(-INT_MAX - 1, value)));
}

/** The flag of a field; `otherwise` when there is none, or something else. */
export function flagOf(object: JsonObject, name: string, otherwise: boolean): boolean {
  const value = fieldOf(object, name);
  return typeof value === 'boolean' ? value : otherwise;
}

export function priorityOf(object: JsonObject, otherwise: number): number {
  const priority = wholeNumberOf(object, 'priority', otherwise);
  return Math.min(PRIORITY_MAX, Math.max(-PRIORITY_MAX, priority));
}

/** Whether a text can be a name: UTF-8 that MQTT can carry, without control characters. */
export function isName(text: string): boolean {
  return !FORBIDDEN.test(text) && Buffer.byteLength(text) <= TEXT_BYTES_MAX;
}

/** @throws {CommandError} with `error` unless the text can be a name */
export function checkName(text: string, error: string): string {
  if (!isName(text)) throw new CommandError(error);
  return text;
}
