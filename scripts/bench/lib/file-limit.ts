/** How many files, so connections, a process may have open here. */
import { spawnSync } from 'node:child_process';

/** Of a process, besides its connections. */
const OTHER_FILES = 300;

/**
 * Node raises the soft limit to the hard one itself, so the hard one counts; and where this may be raised,
 * a child of a shell that has done so has more.
 *
 * @param wanted - connections of one process
 * @returns `connections` that are possible, at most `wanted`, and `prefix`, the words before a command that
 * raise its limit
 */
export function fileLimit(wanted: number): {
  readonly connections: number;
  readonly prefix: readonly string[];
} {
  const files = wanted + OTHER_FILES;
  const hard = Number(shell('ulimit -Hn').replace('unlimited', String(files)));
  if (hard >= files) return { connections: wanted, prefix: [] };
  const raise = `ulimit -Hn ${files} && ulimit -n ${files}`;
  if (shell(`${raise} && echo raised`) === 'raised') {
    return { connections: wanted, prefix: ['sh', '-c', `${raise} && exec "$0" "$@"`] };
  }
  return { connections: Math.min(wanted, hard - OTHER_FILES), prefix: [] };
}

function shell(command: string): string {
  return spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout?.trim() ?? '';
}
