import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.ts';

/** Files that the broker needs beside its clients' sockets: segments, index, log, listeners, admin and metrics. */
const OTHER_FILES = 200;

/** What `openFilesWarning` says. */
export interface OpenFilesWarning {
  readonly limit: number;
  readonly needed: number;
  readonly remedy: string;
}

/**
 * Says when the system allows the process fewer open files than its clients need: connections beyond
 * `descriptorsForSockets` are closed at once.
 *
 * @param limits - the text of /proc/self/limits; null where there is none
 */
export function openFilesWarning(
  { mqtt }: Config,
  limits: string | null = readLimits(),
): OpenFilesWarning | null {
  const limit = limitOf(limits);
  const needed = mqtt.maxConnections + OTHER_FILES;
  if (!(limit < needed)) return null;
  const remedy = 'raise LimitNOFILE of the unit or ulimit -Hn, or lower mqtt.max-connections';
  return { limit, needed, remedy };
}

/**
 * How many sockets the listeners may have open. What the process may open but for a reserve: were sockets to take all, the
 * log could not open its next segment, and whoever wants to know why could not ask. Infinity where no limit is known.
 *
 * @param brokerCount - brokers of the process, each of which has other files
 * @param limits - as for `openFilesWarning`
 */
export function descriptorsForSockets(
  brokerCount = 1,
  limits: string | null = readLimits(),
): number {
  const limit = limitOf(limits);
  if (Number.isNaN(limit)) return Number.POSITIVE_INFINITY;
  // Where there is little, half for each.
  return limit - Math.min(brokerCount * OTHER_FILES, Math.ceil(limit / 2));
}

/** NaN when there is none. Node has raised the soft limit to the hard one. */
function limitOf(limits: string | null): number {
  return Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Number.NaN);
}

function readLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
