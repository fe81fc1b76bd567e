import type { Logger, LogLevel } from './logger.ts';

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
