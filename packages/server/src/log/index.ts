// What writes lines (winston, files, standard output) isn't among them: they are loaded when somebody asks for a log.
export type { ConfigurableLogger, LoggerOptions, LogStyle } from './configurable-logger.ts';
export { createLogger } from './create-logger.ts';
export { fieldsText, quoted } from './log-line.ts';
export { LogTail, type TailLine, tailed } from './log-tail.ts';
export { LOG_LEVELS, type Logger, type LogLevel, noopLogger } from './logger.ts';
export { type RateLimit, rateLimited } from './rate-limited.ts';
