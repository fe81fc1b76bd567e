import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ConfigError } from '../config/index.ts';
import { serverCommand } from './server-command.ts';

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

await yargs(hideBin(process.argv))
  .scriptName('promptmq')
  .usage('$0 [server] [options]\n\nAn MQTT 5.0, 3.1.1 and 3.1 broker.')
  .command(serverCommand)
  .version(version)
  .help()
  .alias('help', 'h')
  .strict()
  .recommendCommands()
  .wrap(Math.min(100, process.stdout.columns ?? 100))
  .fail((message, error) => {
    if (error instanceof ConfigError) fail(error.message, EXIT_USAGE);
    if (error) fail(error.message, EXIT_FAILED);
    fail(`${message.split('\n')[0]} (--help lists all options)`, EXIT_USAGE);
  })
  .parseAsync();
