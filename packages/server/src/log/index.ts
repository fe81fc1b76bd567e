export { LOG_LEVELS, type Logger, type LogLevel, noopLogger } from './logger.ts';
export { type RateLimit, rateLimited } from './rate-limited.ts';
export { createLogger, type LoggerOptions } from './winston-logger.ts';
