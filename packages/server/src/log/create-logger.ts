import type { ConfigurableLogger, LoggerOptions } from './configurable-logger.ts';

/**
 * A logger that writes `time level event field=value …`, or one JSON object a line. What it is made with is loaded
 * here and at no other place: a program that embeds a broker without a log doesn't wait for it.
 */
export async function createLogger(options: LoggerOptions): Promise<ConfigurableLogger> {
  const { winstonLogger } = await import('./winston-logger.ts');
  return winstonLogger(options);
}
