/** Structured logging: one event, one line. Never give it payloads or passwords. */
export interface Logger {
  trace(event: string, fields?: object): void;
  debug(event: string, fields?: object): void;
  info(event: string, fields?: object): void;
  warn(event: string, fields?: object): void;
  error(event: string, fields?: object): void;
  fatal(event: string, fields?: object): void;
  /** Whether lines of a level are written at present; all are where this is missing. */
  isEnabled?(level: LogLevel): boolean;
  /** Lines that were lost because they could not be written; none where this is missing. */
  droppedCount?(): number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logs nothing. */
export const noopLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
};
