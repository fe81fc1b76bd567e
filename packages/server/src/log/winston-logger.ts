import { createLogger as createWinston, format, transports } from 'winston';
import type { ConfigurableLogger, LoggerOptions, LogStyle } from './configurable-logger.ts';
import { type LogEntry, toJson, toText } from './log-line.ts';
import { LogOutput } from './log-output.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** Most severe first, as winston counts. */
const LEVELS = Object.fromEntries([...LOG_LEVELS].reverse().map((level, index) => [level, index]));

/** A logger over winston, see `createLogger`. */
export function winstonLogger(options: LoggerOptions): ConfigurableLogger {
  const stream =
    options.stream ??
    standardOutput((count, why) => {
      logger.warn('log-lines-dropped', { count, why });
    });
  const isColoured = options.isColoured ?? isTerminal(stream);
  let style: LogStyle = options;
  const line = format.printf((info) => {
    const entry = info as unknown as LogEntry;
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
