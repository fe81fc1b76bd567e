import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';

/** Says of a data folder for how many workers it is, or for which cluster. */
const LAYOUT_FILE = 'workers.json';

/** The file of a log. */
const SEGMENT = /^[0-9a-f]{16}\.log$/;

type Folders = Pick<Config['storage'], 'dataDir' | 'walDir'>;

/** Where the cell of a worker has its data: an ordinary log, for which all commands are good. */
export function cellFolders({ dataDir, walDir }: Folders, number: number): Folders {
  const name = `cell-${number}`;
  return { dataDir: join(dataDir, name), walDir: join(walDir, name) };
}

/** Whose data a folder has: that of so many workers, or of a node of a cluster with so many cells. */
export type DataLayout =
  | { readonly workers: number }
  | { readonly cluster: string; readonly cells: number };

/**
 * Makes sure that the data in the folders are those of such a broker, which is noted with the first start.
 *
 * @throws when they are another's: a client would not find its session
 */
export function claimLayout(folders: Folders, layout: DataLayout): void {
  const { dataDir } = folders;
  const before = readLayout(dataDir);
  if (before !== null && textOf(before) === textOf(layout)) return;
  if (before !== null) throw new Error(otherLayout(dataDir, before, layout));
  if (hasLog(folders)) throw new Error(otherLayout(dataDir, { workers: 1 }, layout));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, LAYOUT_FILE);
  // A file that is there is whole.
  writeFileSync(`${path}.new`, `${JSON.stringify(layout)}\n`, { flush: true });
  renameSync(`${path}.new`, path);
}

/** The same for a broker that is one process: it notes nothing. */
export function refuseWorkersLayout({ dataDir }: Folders): void {
  const before = readLayout(dataDir);
  if (before !== null) throw new Error(otherLayout(dataDir, before, { workers: 1 }));
}

function otherLayout(dataDir: string, before: DataLayout, now: DataLayout): string {
  if ('workers' in before && 'workers' in now) {
    return `storage.data-dir: the data in ${dataDir} are those of server.workers ${before.workers}, and it is ${now.workers} now: each worker has the sessions of its part of the clients. With ${before.workers} they are served; another folder begins without any`;
  }
  return `storage.data-dir: the data in ${dataDir} are those of ${textOf(before)}, and this is ${textOf(now)}; another folder begins without any`;
}

function textOf(layout: DataLayout): string {
  if ('workers' in layout) {
    return layout.workers === 1 ? 'a broker alone' : `server.workers ${layout.workers}`;
  }
  return `a node of the cluster ${layout.cluster} with ${layout.cells} cells`;
}

/** @returns null where the folder is neither of workers nor of a node */
function readLayout(dataDir: string): DataLayout | null {
  const path = join(dataDir, LAYOUT_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { workers, cluster, cells } = parse(text) as Record<string, unknown>;
  if (typeof workers === 'number' && Number.isInteger(workers)) return { workers };
  if (typeof cluster === 'string' && typeof cells === 'number') return { cluster, cells };
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
