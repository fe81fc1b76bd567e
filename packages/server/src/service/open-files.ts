import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.ts';

/** Files that the broker needs beside its clients' sockets: segments, index, log, listeners. */
const OTHER_FILES = 200;

/** What `openFilesWarning` says. */
export interface OpenFilesWarning {
  readonly limit: number;
  readonly needed: number;
  readonly remedy: string;
}

/**
 * Says when the system allows the process fewer open files than its clients need. Connections beyond the limit are closed by
 * the system without the broker being told, so nothing else would tell of it.
 *
 * @param limits - the text of /proc/self/limits; null where there is none
 */
export function openFilesWarning(
  { mqtt }: Config,
  limits: string | null = readLimits(),
): OpenFilesWarning | null {
  // Node has raised the soft limit to the hard one.
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Number.NaN);
  const needed = mqtt.maxConnections + OTHER_FILES;
  if (!(limit < needed)) return null;
  const remedy = 'raise LimitNOFILE of the unit or ulimit -Hn, or lower mqtt.max-connections';
  return { limit, needed, remedy };
}

function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
