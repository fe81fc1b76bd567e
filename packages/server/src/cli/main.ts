import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ConfigError, configOptions, nearest } from '../config/index.ts';
import { serverCommand } from './server-command.ts';
import { walCommand } from './wal-command.ts';

/** Exit codes: 1 when the broker can't run, 2 when it was called wrongly. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** One line a problem, without a stack trace. */
function fail(message: string, exitCode: number): never {
  for (const line of message.split('\n')) process.stderr.write(`promptmq: ${line}\n`);
  process.exit(exitCode);
}

/** What yargs says of a wrong call, as one line with a way on. */
function usageError(message: string): string {
  const [line] = message.split('\n') as [string];
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(line)?.[1];
  if (unknown === undefined)
    return `${message.replace(/\s*\n\s*/g, ' ')} (--help lists all options)`;
  const wasFlag = process.argv.some((argument) => argument.startsWith(`--${unknown}`));
  if (!wasFlag) return `unknown command ${unknown} (--help lists all options)`;
  const suggestion = nearest(unknown, ['config', ...configOptions.map(({ flag }) => flag)]);
  const hint =
    suggestion === null ? ' (--help lists all options)' : `; did you mean --${suggestion}?`;
  return `unknown option --${unknown}${hint}`;
}

await yargs(hideBin(process.argv))
  .scriptName('promptmq')
  .usage('$0 [server] [options]\n\nAn MQTT 5.0, 3.1.1 and 3.1 broker.')
  .command(serverCommand)
  .command(walCommand(null))
  .version(version)
  .help()
  .alias('help', 'h')
  .strict()
  .wrap(Math.min(100, process.stdout.columns ?? 100))
  .fail((message, error) => {
    if (error instanceof ConfigError) fail(error.message, EXIT_USAGE);
    if (error?.name === 'YError' || !error) fail(usageError(message ?? error?.message), EXIT_USAGE);
    fail(error.message, EXIT_FAILED);
  })
  .parseAsync();
