import type { AdminClient } from '@promptmq/admin';
import type { Argv } from 'yargs';
import { adminRequest, adminSocketOf } from '../admin/index.ts';
import { loadFromProcess } from './options.ts';
import { EXIT_NOT_RUNNING, NO_ADMIN_SOCKET } from './service-commands.ts';

/**
 * Asks the broker that the configuration of this process names. Where none runs, that is said and exit code 3 is set.
 *
 * @param args - as parsed
 * @param path - such as `/clients/list`
 * @param parameters - those that are undefined or null are left out
 * @param body - of a POST
 * @returns its answer; null when no broker runs
 * @throws when there is no socket to ask, or the broker refuses
 */
export async function askBroker(
  args: Readonly<Record<string, unknown>>,
  method: 'GET' | 'POST',
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | null | undefined>>,
  body = '',
): Promise<unknown> {
  const socketPath = adminSocketOf(loadFromProcess(args).config);
  if (socketPath === null) throw new Error(NO_ADMIN_SOCKET);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, `${value}`);
  }
  const answer = await adminRequest(socketPath, `${path}?${query}`, method, body);
  if (answer !== null) return answer;
  process.stderr.write(`promptmq: no broker listens on ${socketPath}\n`);
  process.exitCode = EXIT_NOT_RUNNING;
  return null;
}

/**
 * Asks the admin API of the broker that the configuration of this process names, over its socket. Where none runs, that is said and exit
 * code 3 is set.
 *
 * @param args - as parsed
 * @returns what `ask` resolves with; null when no broker runs
 * @throws when there is no socket to ask, or the broker refuses
 */
export async function withBroker<T>(
  args: Readonly<Record<string, unknown>>,
  ask: (admin: AdminClient) => Promise<T>,
): Promise<T | null> {
  const socketPath = adminSocketOf(loadFromProcess(args).config);
  if (socketPath === null) throw new Error(NO_ADMIN_SOCKET);
  const { AdminError, createAdminClient } = await import('@promptmq/admin');
  try {
    return await ask(createAdminClient({ socketPath }));
  } catch (error) {
    if (error instanceof AdminError) throw new Error(`the broker refuses: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Error(`${socketPath} can be opened only by the user that the broker runs as`);
    }
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
  }
  process.stderr.write(`promptmq: no broker listens on ${socketPath}\n`);
  process.exitCode = EXIT_NOT_RUNNING;
  return null;
}

/** As `dataOf` of the client, which is loaded only when a broker is asked. */
export async function dataOf<T>(answer: Promise<{ readonly data?: T }>): Promise<T> {
  const { dataOf: take } = await import('@promptmq/admin');
  return take(answer);
}

/** Whether what was asked about is there: false where the broker answers 404. */
export async function isFound(answer: Promise<unknown>): Promise<boolean> {
  const { AdminError } = await import('@promptmq/admin');
  try {
    await answer;
    return true;
  } catch (error) {
    if (error instanceof AdminError && error.status === 404) return false;
    throw error;
  }
}

/** What is asked for at a time of what the broker lists. */
const PAGE_SIZE = 1000;

/** Options of a command that lists something by `printPages`. */
export function addListOptions<T>(args: Argv<T>): Argv<T> {
  return args
    .option('limit', {
      describe: 'how many at most; all by default',
      type: 'string',
      requiresArg: true,
    })
    .option('json', { describe: 'one JSON object a line', boolean: true, default: false });
}

/**
 * Prints a line for each thing that the broker lists, page by page, up to `--limit`.
 *
 * @param args - as parsed, with those of `addListOptions`
 * @param parameters - what is listed, as for `askBroker`
 * @param itemsOf - what a page has
 * @param textOf - the line of one, unless `--json` is given
 */
export async function printPages<P extends { readonly cursor: string | null }, T>(
  args: Readonly<Record<string, unknown>>,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
  itemsOf: (page: P) => readonly T[],
  textOf: (item: T) => string,
): Promise<void> {
  let left = limitOf(args['limit']);
  let cursor: string | null = null;
  do {
    const limit = Math.min(left, PAGE_SIZE);
    const page = (await askBroker(args, 'GET', path, { ...parameters, cursor, limit })) as P | null;
    if (page === null) return;
    const items = itemsOf(page);
    for (const item of items) await printLine(args['json'] ? JSON.stringify(item) : textOf(item));
    left -= items.length;
    cursor = page.cursor;
  } while (cursor !== null && left > 0);
}

/** Such as `--limit`: a whole number from 1 on; Infinity where it isn't given. */
function limitOf(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(`${value}`)) return Number(value);
  throw new Error(`--limit takes a whole number from 1 on, not ${JSON.stringify(value)}`);
}

/** Writes a line, and waits while the reader takes nothing. */
export async function printLine(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
