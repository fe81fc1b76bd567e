import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const scripts = join(import.meta.dirname, '../../../../scripts/index.js');

export interface OtherProgram {
  readonly name: string;
  readonly command: readonly string[];
  /** Why it isn't there; null when it is. */
  readonly missing: string | null;
}

/** A program of another project, fetched if it can be. */
export function otherProgram(name: string): OtherProgram {
  const found = list(name);
  if (found.missing === null) return found;
  spawnSync(process.execPath, [scripts, 'clients', '--only', name], { encoding: 'utf8' });
  return list(name);
}

function list(wanted: string): OtherProgram {
  const args = [scripts, 'clients', '--list', '--only', wanted];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const [line] = stdout.trim().split('\n');
  return line ? JSON.parse(line) : { name: wanted, command: [], missing: 'not known' };
}
