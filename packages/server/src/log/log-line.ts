import type { LogLevel } from './logger.ts';

/** What a line of the log says. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: object;
}

const COLOURS: Record<LogLevel, string> = {
  trace: '90',
  debug: '36',
  info: '32',
  warn: '33',
  error: '31',
  fatal: '35',
};

/** For programs: one JSON object. */
export function toJson({ level, message, fields }: LogEntry): string {
  return JSON.stringify({ time: new Date().toISOString(), level, event: message, ...fields });
}

/** For people: `time level event field=value …`. */
export function toText({ level, message, fields }: LogEntry, isColoured: boolean): string {
  const name = level.padEnd(5);
  const shown = isColoured ? `\u001b[${COLOURS[level]}m${name}\u001b[0m` : name;
  return [new Date().toISOString(), shown, message, ...fieldsText(fields ?? {})].join(' ');
}

/** Fields for people: `name=value` each. */
export function fieldsText(fields: object): string[] {
  return Object.entries(fields).map(([key, value]) => `${key}=${quote(value)}`);
}

/** What terminals obey and JSON leaves as it is: control characters, ends of lines, and what turns the direction of text. */
const OBEYED = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text in quotes of which a terminal obeys nothing, so that a line stays a line. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    OBEYED,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Only values with spaces, quotes, control characters and the like are quoted. */
function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/@[\]+-]+$/.test(text) ? text : quoted(text);
}
