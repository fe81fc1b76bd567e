import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ConfigError } from '../config/index.ts';
import { version } from '../version.ts';
import { aclCommand } from './acl-command.ts';
import { adminCommand } from './admin-command.ts';
import { banCommand } from './ban-command.ts';
import { clientsCommand } from './clients-command.ts';
import { clusterCommand } from './cluster/cluster-command.ts';
import { configCommand } from './config-command.ts';
import { explainCommand } from './explain-command.ts';
import { configFlags, wordsOf } from './options.ts';
import { passwdCommand } from './passwd-command.ts';
import { retainedCommand } from './retained-command.ts';
import { serverCommand } from './server-command.ts';
import { reloadCommand, statusCommand, stopCommand } from './service-commands.ts';
import { tolerateBrokenOutput } from './standard-streams.ts';
import { testServerCommand } from './test-server-command.ts';
import { traceCommand } from './trace-command.ts';
import { commandMisuse, UsageError, usageError, valueMisuse } from './usage.ts';
import { groupCommand } from './users/group-command.ts';
import { roleCommand } from './users/role-command.ts';
import { userCommand } from './users/user-command.ts';
import { walCommand } from './wal-command.ts';
import { whyCommand } from './why-command.ts';

/** Exit codes: 1 when the broker can't run, 2 when it was called wrongly. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** One line a problem, without a stack trace. */
function fail(message: string, exitCode: number): never {
  for (const line of message.split('\n')) process.stderr.write(`promptmq: ${line}\n`);
  process.exit(exitCode);
}

/**
 * yargs knows the options of a command that is named; the default command's have to be added, and the
 * words that an option takes.
 */
function complete(
  current: string,
  args: { readonly _: readonly (string | number)[] },
  byDefault: (onCompleted: (error: Error | null, found?: string[]) => void) => void,
  done: (found: string[]) => void,
): void {
  const words = wordsOf(process.argv.at(-2) ?? '');
  if (words.length > 0) {
    done([...words]);
    return;
  }
  byDefault((_error, found = []) => {
    const isDefaultCommand = current.startsWith('-') && args._.length <= 1;
    const more = isDefaultCommand ? configFlags.filter((flag) => flag.startsWith(current)) : [];
    done([...new Set([...found, ...more])]);
  });
}

tolerateBrokenOutput();
const [command, shell] = hideBin(process.argv);
// yargs makes the script for the shell that it finds in the environment.
if (command === 'completion' && (shell === 'bash' || shell === 'zsh')) process.env['SHELL'] = shell;

const misuse = commandMisuse(hideBin(process.argv));
if (misuse !== null) fail(misuse, EXIT_USAGE);

if (command === 'bench') {
  // Before the parser: the bench package has options, help and errors of its own.
  const { runCommand } = await import('@promptmq/bench');
  process.exitCode = await runCommand(hideBin(process.argv).slice(1), 'promptmq bench');
} else {
  await parseAndRun();
}

async function parseAndRun(): Promise<void> {
  await yargs(hideBin(process.argv))
    .scriptName('promptmq')
    .usage('$0 [server] [options]\n\nAn MQTT 5.0, 3.1.1 and 3.1 broker.')
    .command(serverCommand)
    .command(configCommand)
    .command(passwdCommand)
    .command(stopCommand)
    .command(statusCommand)
    .command(reloadCommand)
    .command(traceCommand)
    .command(clientsCommand)
    .command(retainedCommand)
    .command(userCommand)
    .command(groupCommand)
    .command(roleCommand)
    .command(banCommand)
    .command(adminCommand)
    .command(aclCommand)
    .command(explainCommand)
    .command(whyCommand)
    .command(walCommand)
    .command(clusterCommand)
    .command(testServerCommand)
    .command('bench', 'measure a broker (promptmq bench --help)')
    .completion(
      'completion',
      'print a completion script: completion bash, or completion zsh',
      complete,
    )
    .epilogue(
      'Every option is a key of the file (--max-qos: max-qos in the section mqtt) and an environment variable (PROMPTMQ_MQTT_MAX_QOS), too. Flags go before the environment, and that before the file.',
    )
    // Values stay as they were written: the schema says what they are.
    .parserConfiguration({ 'parse-numbers': false })
    .version(version)
    .help()
    .alias('help', 'h')
    .strict()
    .check((args) => valueMisuse(args) ?? true, true)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail((message, error) => {
      if (error instanceof ConfigError || error instanceof UsageError) {
        fail(error.message, EXIT_USAGE);
      }
      // What a check of the arguments returned comes as its error, too.
      if (!(error instanceof Error) || error.name === 'YError')
        fail(
          usageError(
            message ?? `${(error as Error | undefined)?.message ?? ''}`,
            hideBin(process.argv),
          ),
          EXIT_USAGE,
        );
      fail(error.message, EXIT_FAILED);
    })
    .parseAsync();
}
