import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';

/** Says of a data folder for how many workers it is. */
const LAYOUT_FILE = 'workers.json';

/** The file of a log. */
const SEGMENT = /^[0-9a-f]{16}\.log$/;

type Folders = Pick<Config['storage'], 'dataDir' | 'walDir'>;

/** Where the cell of a worker has its data: an ordinary log, for which all commands are good. */
export function cellFolders({ dataDir, walDir }: Folders, number: number): Folders {
  const name = `cell-${number}`;
  return { dataDir: join(dataDir, name), walDir: join(walDir, name) };
}

/**
 * Makes sure that the data in the folders are those of so many workers, which is noted with the first start.
 *
 * @throws when they are of another number of workers, or of a broker without any: a client would not find its session
 */
export function claimLayout(folders: Folders, workers: number): void {
  const { dataDir } = folders;
  const before = readLayout(dataDir);
  if (before === workers) return;
  if (before !== null) throw new Error(otherNumber(dataDir, before, workers));
  if (hasLog(folders)) throw new Error(otherNumber(dataDir, 1, workers));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, LAYOUT_FILE);
  // A file that is there is whole.
  writeFileSync(`${path}.new`, `${JSON.stringify({ workers })}\n`, { flush: true });
  renameSync(`${path}.new`, path);
}

/** The same for a broker that is one process: it notes nothing. */
export function refuseWorkersLayout({ dataDir }: Folders): void {
  const before = readLayout(dataDir);
  if (before !== null) throw new Error(otherNumber(dataDir, before, 1));
}

function otherNumber(dataDir: string, before: number, now: number): string {
  return `storage.data-dir: the data in ${dataDir} are those of server.workers ${before}, and it is ${now} now: each worker has the sessions of its part of the clients. With ${before} they are served; another folder begins without any`;
}

/** @returns null where the folder is not one of workers */
function readLayout(dataDir: string): number | null {
  const path = join(dataDir, LAYOUT_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { workers } = parse(text) as { readonly workers?: unknown };
  if (typeof workers === 'number' && Number.isInteger(workers)) return workers;
  throw new Error(`storage.data-dir: ${path} says of no number of workers whose data these are`);
}

function parse(text: string): object {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}

/** Whether a broker without workers has written a log here. */
function hasLog({ walDir }: Folders): boolean {
  try {
    return readdirSync(walDir).some((name) => SEGMENT.test(name));
  } catch {
    return false;
  }
}
