import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const script = join(import.meta.dirname, '../../../../scripts/index.js');

/** A client or broker of another project that tests use. */
export interface OtherProgram {
  readonly name: string;
  /** What runs it. */
  readonly command: readonly string[];
  /** Why its tests have to be skipped, or null. */
  readonly missing: string | null;
}

/** Looks which programs are there; fetches nothing. */
export function otherPrograms(): readonly OtherProgram[] {
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, 'clients', '--list'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export function otherProgram(name: string): OtherProgram {
  const program = otherPrograms().find((entry) => entry.name === name);
  if (program === undefined) throw new Error(`scripts/clients doesn't know ${name}`);
  return program;
}
