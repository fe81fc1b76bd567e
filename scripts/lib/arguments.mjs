/** The command line of a script, whose help is the comment at its top. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Reads the command line as `parseArgs` does. Ends the process with the script's first comment when that
 * is asked for, and with one line and exit code 2 when there is something that it doesn't know.
 *
 * @param url - `import.meta.url` of the script
 * @param config - of `parseArgs`
 */
export function readArguments(url, config = {}) {
  const options = { ...config.options, help: { type: 'boolean', short: 'h', default: false } };
  let parsed;
  try {
    parsed = parseArgs({ ...config, options });
  } catch (error) {
    // What follows is advice for whoever calls `parseArgs`.
    refuse(`${error.message.split(/\. |\n/, 1)[0].replace(/\.$/, '')}; see --help`);
  }
  if (parsed.values.help) {
    process.stdout.write(`${helpOf(readFileSync(fileURLToPath(url), 'utf8'))}\n`);
    process.exit(0);
  }
  return parsed;
}

/** A whole number that an option gives. @param name - such as `--seed` */
export function wholeNumber(name, text, least = 0) {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(`${name} ${text}: should be a whole number from ${least}`);
}

/** A number above 0 that an option gives. @param name - such as `--seconds` */
export function positiveNumber(name, text) {
  const number = Number(text);
  if (text.trim() !== '' && number > 0) return number;
  return refuse(`${name} ${text}: should be a number above 0`);
}

/** Ends the process: it was called in a wrong way. */
export function refuse(message) {
  console.error(message);
  process.exit(2);
}

/** Does what a script is for: what fails becomes one line with the script's name, and exit code 1. */
export async function runMain(name, main) {
  try {
    await main();
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}

/** The text of the comment at the top of a script. */
export function helpOf(source) {
  const lines = source.split('\n');
  const start = lines.findIndex((line) => /^\s*\/(\*|\/)/.test(line));
  const end = lines.findIndex((line, index) => index >= start && !/^\s*(\/?\*|\/\/)/.test(line));
  return lines
    .slice(start, end)
    .map((line) => line.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/) ?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim();
}
