import { adminRequest, adminSocketOf } from '../admin/index.ts';
import { loadFromProcess } from './options.ts';
import { EXIT_NOT_RUNNING, NO_ADMIN_SOCKET } from './service-commands.ts';

/**
 * Asks the broker that the configuration of this process names. Where none runs, that is said and exit code 3 is set.
 *
 * @param args - as parsed
 * @param path - such as `/clients/list`
 * @param parameters - those that are undefined or null are left out
 * @returns its answer; null when no broker runs
 * @throws when there is no socket to ask, or the broker refuses
 */
export async function askBroker(
  args: Readonly<Record<string, unknown>>,
  method: 'GET' | 'POST',
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | null | undefined>>,
): Promise<unknown> {
  const socketPath = adminSocketOf(loadFromProcess(args).config);
  if (socketPath === null) throw new Error(NO_ADMIN_SOCKET);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, `${value}`);
  }
  const answer = await adminRequest(socketPath, `${path}?${query}`, method);
  if (answer !== null) return answer;
  process.stderr.write(`promptmq: no broker listens on ${socketPath}\n`);
  process.exitCode = EXIT_NOT_RUNNING;
  return null;
}

/** Such as `--limit`: a whole number from 1 on; Infinity where it isn't given. */
export function limitOf(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(`${value}`)) return Number(value);
  throw new Error(`--limit takes a whole number from 1 on, not ${JSON.stringify(value)}`);
}

/** Writes a line, and waits while the reader takes nothing. */
export async function printLine(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
