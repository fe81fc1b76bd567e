import type { Config } from '../config/index.ts';
import { naming } from '../embed/start-errors.ts';
import { type ConfigurableLogger, createLogger, LogTail, tailed } from '../log/index.ts';
import { type LogListeners, LogOutput } from '../log/log-output.ts';
import { StandardOutput } from '../log/standard-output.ts';

/** How long the last lines may take to be written when the broker has stopped. */
export const LAST_LINES_MS = 1000;

/** The log of a process that serves. */
export interface ProcessLog {
  readonly logger: ConfigurableLogger;
  readonly output: LogOutput;
  readonly logTail: LogTail;
}

/**
 * Opens the log that the configuration names.
 *
 * @param isColoured - whether lines for people are; by default where they are written to a terminal
 */
export async function openLog({ log }: Config, isColoured?: boolean): Promise<ProcessLog> {
  // It may be the same terminal or pipe as standard output, and as stuck as that.
  const errors = new StandardOutput(process.stderr);
  const listeners: LogListeners = {
    onFailed: (why) => {
      const where = log.file ?? 'standard output';
      const line = `promptmq: lines of the log are dropped, as ${where} doesn't take them: ${why}\n`;
      errors.write(Buffer.from(line), () => {});
    },
    onRecovered: (count, why) => logger.warn('log-lines-dropped', { count, why }),
  };
  const output = await naming('log.file', null, () => new LogOutput(log, listeners));
  const logTail = new LogTail(() => log.tailLines);
  const lines = await createLogger({
    ...log,
    stream: output,
    isColoured: isColoured ?? output.isTerminal,
  });
  const logger = tailed(lines, logTail);
  return { logger, output, logTail };
}

/** A configuration is in force: the log follows it, or stays where it is if it can't. */
export function followLog(log: Config['log'], logger: ConfigurableLogger, output: LogOutput): void {
  logger.setStyle(log);
  try {
    output.moveTo(log);
  } catch (error) {
    logger.error('log-file-failed', { file: log.file, why: (error as Error).message });
  }
}
