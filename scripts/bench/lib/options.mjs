/** Command lines of the scripts that measure: options with help, and one clear line for what is wrong. */
import { parseArgs } from 'node:util';

/** The script was called wrongly. */
export class UsageError extends Error {}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs a script: with `--help` it prints what there is, and what fails becomes one line and the exit code
 * 1, or 2 when it was called wrongly.
 *
 * @param name - of the script, without its extension
 * @param summary - what it does, some lines
 * @param options - by name: `{ value, default, help }`, where `value` says what to give; without it, a flag
 * @param main - is called with the values: numbers where the default is one, else texts, or booleans
 */
export async function runScript(name, summary, options, main) {
  try {
    const values = parse(options);
    if (values === null) console.log(usage(name, summary, options));
    else await main(values);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${error.message}; see --help` : `${name}: ${error.message}`);
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

function parse(options) {
  const specification = Object.fromEntries(
    Object.entries(options).map(([name, { value, multiple }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', multiple: multiple ?? false },
    ]),
  );
  const values = parsed({ ...specification, help: { type: 'boolean', short: 'h' } });
  if (values.help) return null;
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, valueFor(name, option, values[name])]),
  );
}

function parsed(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error.message.split('. ')[0]);
  }
}

function valueFor(name, { value, default: standard, multiple, isNumber }, given) {
  if (given === undefined) return standard ?? (value === undefined ? false : multiple ? [] : null);
  if (typeof standard !== 'number' && isNumber !== true) return given;
  const number = Number(given);
  if (given.trim() !== '' && number > 0) return number;
  throw new UsageError(`--${name} ${given}: expected a number above 0`);
}

function usage(name, summary, options) {
  const heads = Object.entries(options).map(([option, { value }]) =>
    value === undefined ? `--${option}` : `--${option} ${value}`,
  );
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const lines = Object.values(options).map(({ help, default: standard }, index) => {
    const known = standard === undefined || standard === '' ? '' : ` [${standard}]`;
    return `  ${heads[index].padEnd(width)}${help}${known}`;
  });
  return `node scripts/bench/${name}.mjs [options]\n\n${summary}\n\n${lines.join('\n')}`;
}
