import type { AdminClient } from '@promptmq/admin';
import type { Argv } from 'yargs';
import { adminSocketOf } from '../admin/index.ts';
import { loadFromProcess } from './options.ts';

/** As init scripts have it: the program is not running. */
export const EXIT_NOT_RUNNING = 3;

export const NO_ADMIN_SOCKET =
  'server.admin-socket says where to ask the broker, and is none; auto needs storage.enabled';

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
  const answer = await askSocket(socketPath, ask);
  if (answer !== NOBODY) return answer;
  process.stderr.write(`promptmq: no broker listens on ${socketPath}\n`);
  process.exitCode = EXIT_NOT_RUNNING;
  return null;
}

/** No broker listens. */
export const NOBODY = Symbol('nobody');

/**
 * Asks the admin API of the broker that listens on a socket.
 *
 * @throws when the socket may not be opened, or the broker refuses
 */
export async function askSocket<T>(
  socketPath: string,
  ask: (admin: AdminClient) => Promise<T>,
): Promise<T | typeof NOBODY> {
  const { AdminError, createAdminClient } = await import('@promptmq/admin');
  try {
    return await ask(createAdminClient({ socketPath }));
  } catch (error) {
    if (error instanceof AdminError) throw new Error(`the broker refuses: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return NOBODY;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new Error(`${socketPath} can be opened only by the user that the broker runs as`);
  }
}

/** As `dataOf` of the client, which is loaded only when a broker is asked. */
export async function dataOf<T>(
  answer: Promise<{ readonly data?: T }>,
): Promise<Exclude<T, undefined>> {
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

/** A page of a list that is read by its cursor. */
export interface CursorPage<T> {
  readonly data: readonly T[];
  readonly meta: {
    readonly cursor?: string;
    /** Processes of which nothing is in it. */
    readonly missing?: readonly string[];
  };
}

/**
 * Prints a line for each thing that the broker lists, page by page, up to `--limit`. What is missing of it is said on standard error.
 *
 * @param args - as parsed, with those of `addListOptions`
 * @param read - asks for a page
 * @param textOf - the line of one, unless `--json` is given
 * @param jsonOf - the object of one, where it is
 */
export async function printPages<T>(
  args: Readonly<Record<string, unknown>>,
  read: (query: { cursor: string; limit: number }) => Promise<CursorPage<T>>,
  textOf: (item: T) => string,
  jsonOf: (item: T) => unknown = (item) => item,
): Promise<void> {
  let left = limitOf(args['limit']);
  let cursor = 'none';
  const missing = new Set<string>();
  do {
    const { data, meta } = await read({ cursor, limit: Math.min(left, PAGE_SIZE) });
    for (const item of data) {
      await printLine(args['json'] ? JSON.stringify(jsonOf(item)) : textOf(item));
    }
    for (const name of meta.missing ?? []) missing.add(name);
    left -= data.length;
    cursor = meta.cursor ?? 'none';
  } while (cursor !== 'none' && left > 0);
  if (missing.size === 0) return;
  const names = [...missing].join(', ');
  process.stderr.write(`promptmq: not there just now, and not in the list: ${names}\n`);
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
