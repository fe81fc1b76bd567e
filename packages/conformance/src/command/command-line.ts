import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import yargs from 'yargs';

/** The command was called wrongly. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const CONCURRENCY_MAX = 64;
const SETTLE_MS_MAX = 10_000;

/** The options, with their checks and help. */
export function commandLine(args: readonly string[], scriptName: string) {
  return yargs([...args])
    .scriptName(scriptName)
    .usage(
      '$0 --target ADDRESS [options]\n\n' +
        'Tests an MQTT broker, statement by statement of MQTT 5.0, 3.1.1 and 3.1, and says what it passes,\n' +
        'what it fails, and what it could not be asked for. It leaves sessions and retained messages behind,\n' +
        'below topics that begin with "case": use a broker for tests.\n\n' +
        '$0 hostile --target ADDRESS [options]\n\n' +
        'Attacks a broker instead: hostile --help has its options.',
    )
    .options({
      target: texts(
        'Broker:',
        'HOST:PORT, or mqtt, mqtts, ws or wss://HOST[:PORT][/PATH]; repeated for the nodes of a cluster: the connections of a case are to one after the other',
      ),
      ws: texts(
        'Broker:',
        'its WebSocket, where the target is none: ws or wss://HOST:PORT/PATH; one for each target',
      ),
      ca: text('ca', 'Broker:', 'a certificate authority to trust, a PEM file'),
      insecure: {
        group: 'Broker:',
        describe: 'take any certificate',
        type: 'boolean',
        default: false,
      },
      username: text(
        'username',
        'Broker:',
        'user name of all connections that have none of their own',
      ),
      password: text('password', 'Broker:', 'password that goes with it'),
      settle: {
        group: 'Broker:',
        describe: `milliseconds that a message may take from one client to another, 0 to ${SETTLE_MS_MAX}: for clusters`,
        type: 'string',
        requiresArg: true,
        default: '0',
        coerce: settleMs,
      },
      only: texts('Cases:', 'those whose title or statements have this text; may be repeated'),
      except: texts(
        'Cases:',
        'not those whose title or statements have this text; may be repeated',
      ),
      list: {
        group: 'Cases:',
        describe: 'list them instead of running them',
        type: 'boolean',
        default: false,
      },
      concurrency: {
        group: 'Cases:',
        describe: `run so many side by side, 1 to ${CONCURRENCY_MAX}`,
        type: 'string',
        requiresArg: true,
        default: '8',
        coerce: concurrency,
      },
      report: texts('Output:', 'write a report to this file, .md or .json; may be repeated'),
    } as const)
    .epilogue(
      'It exits with 0, with 1 when a case failed, and with 2 when it was called wrongly or the target\ncan’t be used.',
    )
    .parserConfiguration({ 'boolean-negation': false, 'camel-case-expansion': false })
    .strict()
    .exitProcess(false)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 100));
}

/** An option with one text. */
export function text(name: string, group: string, describe: string) {
  return {
    group,
    describe,
    type: 'string',
    requiresArg: true,
    coerce: (given: string | string[] | undefined) => single(name, given),
  } as const;
}

/** An option that may be repeated. */
export function texts(group: string, describe: string) {
  return {
    group,
    describe,
    type: 'string',
    array: true,
    nargs: 1,
    default: [] as string[],
  } as const;
}

function concurrency(given: string | string[] | undefined): number {
  const value = single('concurrency', given) ?? '';
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1 && number <= CONCURRENCY_MAX) return number;
  throw new UsageError(
    `--concurrency: "${value}" is not a whole number from 1 to ${CONCURRENCY_MAX}`,
  );
}

function settleMs(given: string | string[] | undefined): number {
  const value = single('settle', given) ?? '';
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= SETTLE_MS_MAX) return number;
  throw new UsageError(`--settle: "${value}" is not a whole number from 0 to ${SETTLE_MS_MAX}`);
}

/** An option that is given twice is a mistake, and not the last one meant. */
export function single(name: string, given: string | string[] | undefined): string | undefined {
  if (!Array.isArray(given)) return given;
  throw new UsageError(`--${name} is given more than once: ${given.join(', ')}`);
}

/** What can be known before the cases run, which takes a while. */
export function checkReportFile(file: string): void {
  if (!['.md', '.json'].includes(extname(file))) {
    throw new UsageError(`--report ${file}: a report is Markdown (.md) or JSON (.json)`);
  }
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new Error('it is a folder');
    }
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new UsageError(`--report ${file}: ${(error as Error).message}`);
  }
}

/** The text of a PEM file. */
export function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--ca ${file}: ${(error as Error).message}`);
  }
}
