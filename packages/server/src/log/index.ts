export { LogFile, type Rotation } from './log-file.ts';
export { type LogListeners, LogOutput, type LogPlace } from './log-output.ts';
export { LOG_LEVELS, type Logger, type LogLevel, noopLogger } from './logger.ts';
export { type RateLimit, rateLimited } from './rate-limited.ts';
export { StandardOutput } from './standard-output.ts';
export {
  type ConfigurableLogger,
  createLogger,
  fieldsText,
  type LoggerOptions,
  type LogStyle,
  quoted,
} from './winston-logger.ts';
