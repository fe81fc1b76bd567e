import type { Argv } from 'yargs';
import type { UserCommand, UserCommandAnswer } from '../../embed/users/users.ts';
import { dataOf, printLine, withBroker } from '../ask-broker.ts';
import { addConfigOptions } from '../options.ts';

type Arguments = Readonly<Record<string, unknown>>;

/**
 * Has the running broker carry out commands of dynamic security.
 *
 * @returns the answers; null when no broker runs
 * @throws with what the first one that was refused is refused for
 */
export async function askUsers(
  args: Arguments,
  commands: readonly UserCommand[],
): Promise<readonly UserCommandAnswer[] | null> {
  const body = { commands: commands as { command: string }[] };
  const answer = await withBroker(args, (admin) =>
    dataOf(admin.POST('/dynamic_security', { body })),
  );
  if (answer === null) return null;
  const responses = answer.responses as unknown as UserCommandAnswer[];
  for (const { error } of responses) if (error !== undefined) throw new Error(error);
  return responses;
}

/**
 * The same, for one thing that is shown.
 *
 * @param name - of it in `data` of the answer
 * @returns null when no broker runs
 */
export async function askForUser<T>(
  args: Arguments,
  name: string,
  command: UserCommand,
): Promise<T | null> {
  const answers = await askUsers(args, [command]);
  return answers === null ? null : ((answers[0]?.data?.[name] ?? null) as T | null);
}

/** The same, and says what was done. */
export async function changeUsers(
  args: Arguments,
  done: string,
  ...commands: readonly UserCommand[]
): Promise<void> {
  if ((await askUsers(args, commands)) !== null) await printLine(done);
}

/** Prints a line for each name, or a JSON object with `--json`. */
export async function printNames(args: Arguments, command: string, list: string): Promise<void> {
  const answers = await askUsers(args, [{ command, verbose: args['json'] === true }]);
  const items = (answers?.[0]?.data?.[list] ?? []) as unknown[];
  for (const item of items) await printLine(typeof item === 'string' ? item : JSON.stringify(item));
}

/** A command that names things: `promptmq user show NAME`. */
export function withNames<T>(args: Argv<T>, names: Readonly<Record<string, string>>): Argv<T> {
  let all = args;
  for (const [name, describe] of Object.entries(names)) {
    all = all.positional(name, { describe, type: 'string' }) as unknown as Argv<T>;
  }
  return addConfigOptions(all);
}

export function withJson<T>(args: Argv<T>): Argv<T> {
  return args.option('json', {
    describe: 'JSON, with all that there is',
    boolean: true,
    default: false,
  }) as unknown as Argv<T>;
}

export function withPriority<T>(args: Argv<T>, describe: string): Argv<T> {
  return args.option('priority', {
    describe,
    type: 'string',
    requiresArg: true,
  }) as unknown as Argv<T>;
}

/** `--priority`, as a command has it. */
export function priorityOf(args: Arguments): { priority?: number } {
  const given = args['priority'];
  if (given === undefined) return {};
  if (!/^-?\d{1,6}$/.test(`${given}`) || Math.abs(Number(given)) > 100_000) {
    throw new Error(
      `--priority takes a whole number from -100000 to 100000, not ${JSON.stringify(given)}`,
    );
  }
  return { priority: Number(given) };
}
