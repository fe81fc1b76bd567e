import { createLogger as createWinston, format, transports } from 'winston';
import { LogOutput } from './log-output.ts';
import { LOG_LEVELS, type Logger, type LogLevel } from './logger.ts';

/** What can change while a logger is in use. */
export interface LogStyle {
  readonly level: LogLevel;
  readonly format: 'console' | 'json';
}

export interface LoggerOptions extends LogStyle {
  /** Standard output by default, of which a reader who is stuck or gone holds up and ends nothing. */
  readonly stream?: NodeJS.WritableStream;
  /** Whether the console format is coloured; by default when the stream is a terminal. */
  readonly isColoured?: boolean;
}

export interface ConfigurableLogger extends Logger {
  /** Has other levels be logged, in another format, from now on. */
  setStyle(style: LogStyle): void;
}

/** Most severe first, as winston counts. */
const LEVELS = Object.fromEntries([...LOG_LEVELS].reverse().map((level, index) => [level, index]));

const COLOURS: Record<LogLevel, string> = {
  trace: '90',
  debug: '36',
  info: '32',
  warn: '33',
  error: '31',
  fatal: '35',
};

interface Entry {
  level: LogLevel;
  message: string;
  fields?: object;
}

/** A logger over winston: `time level event field=value …`, or one JSON object a line. */
export function createLogger(options: LoggerOptions): ConfigurableLogger {
  const stream =
    options.stream ??
    standardOutput((count, why) => {
      logger.warn('log-lines-dropped', { count, why });
    });
  const isColoured = options.isColoured ?? isTerminal(stream);
  let style: LogStyle = options;
  const line = format.printf((info) => {
    const entry = info as unknown as Entry;
    try {
      return style.format === 'json' ? toJson(entry) : toText(entry, isColoured);
    } catch (error) {
      // Fields of which no line can be made are a mistake, but not the caller's end.
      return toJson({ ...entry, fields: { error: String(error) } });
    }
  });
  const winston = createWinston({
    level: options.level,
    levels: LEVELS,
    format: line,
    transports: [new transports.Stream({ stream })],
  });
  const at = (level: LogLevel) => (event: string, fields?: object) => {
    winston.log({ level, message: event, ...(fields === undefined ? {} : { fields }) });
  };
  const logger: ConfigurableLogger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    isEnabled: (level) => (LEVELS[level] as number) <= (LEVELS[style.level] as number),
    setStyle: (next) => {
      style = next;
      winston.level = next.level;
    },
    droppedCount: () => (stream instanceof LogOutput ? stream.droppedCount : 0),
  };
  return logger;
}

const WAITING_BYTES_MAX = 4_000_000;

function standardOutput(onRecovered: (droppedCount: number, why: string) => void): LogOutput {
  const rotation = { size: Number.POSITIVE_INFINITY, age: 'none', count: 1, gzip: false };
  const place = { file: null, rotation, maxWaitingBytes: WAITING_BYTES_MAX };
  return new LogOutput(place, { onFailed: () => {}, onRecovered });
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return stream instanceof LogOutput
    ? stream.isTerminal
    : (stream as NodeJS.WriteStream).isTTY === true;
}

function toJson({ level, message, fields }: Entry): string {
  return JSON.stringify({ time: new Date().toISOString(), level, event: message, ...fields });
}

function toText({ level, message, fields }: Entry, isColoured: boolean): string {
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
