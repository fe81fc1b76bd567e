/** The command line of a script, whose help is the comment at its top. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf } from './errors.ts';

/**
 * Reads the command line as `parseArgs` does. Ends the process with the script's first comment when that
 * is asked for, and with one line and exit code 2 when there is something that it doesn't know.
 *
 * @param url - `import.meta.url` of the script
 * @param config - of `parseArgs`
 */
export function readArguments<const T extends ParseArgsConfig>(
  url: string,
  config: T = {} as T,
): ReturnType<typeof parseArgs<T>> {
  const help = { type: 'boolean', short: 'h', default: false } as const;
  try {
    const { values } = parseArgs({ ...config, options: { ...config.options, help } });
    if ((values as { readonly help?: unknown }).help === true) {
      process.stdout.write(`${helpOf(readFileSync(fileURLToPath(url), 'utf8'))}\n`);
      process.exit(0);
    }
    return parseArgs(config);
  } catch (error) {
    // What follows is advice for whoever calls `parseArgs`.
    const [what = ''] = messageOf(error).split(/\. |\n/, 1);
    return refuse(`${what.replace(/\.$/, '')}; see --help`);
  }
}

/** A whole number that an option gives. @param name - such as `--seed` */
export function wholeNumber(name: string, text: string, least = 0): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(`${name} ${text}: should be a whole number from ${least}`);
}

/** A number above 0 that an option gives. @param name - such as `--seconds` */
export function positiveNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number > 0) return number;
  return refuse(`${name} ${text}: should be a number above 0`);
}

/** Ends the process: it was called in a wrong way. */
export function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Does what a script is for: what fails becomes one line with the script's name, and exit code 1. */
export async function runMain(name: string, main: () => void | Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(`${name}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** The text of the comment at the top of a script. */
export function helpOf(source: string): string {
  const lines = source.split('\n');
  const start = lines.findIndex((line) => /^\s*\/(\*|\/)/.test(line));
  const end = lines.findIndex((line, index) => index >= start && !/^\s*(\/?\*|\/\/)/.test(line));
  return lines
    .slice(start, end)
    .map((line) => line.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/) ?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim();
}
