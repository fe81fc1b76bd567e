import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/index.ts';

/** Bits of a file's mode that give others of its group, and everybody, anything. */
const GROUP_AND_OTHERS = 0o077;

/** Files that are made in a folder get its group: whoever set this means the group to have them. */
const SET_GROUP = 0o2000;
const OTHERS = 0o007;

/** What others than the broker's user may open. */
interface Exposed {
  readonly path: string;
  /** In octal digits, as `chmod` takes it. */
  readonly mode: string;
}

/**
 * A folder with messages of clients, or a file in it, that others than its user may open: an older version made them
 * so, or something else did. The broker's own are never.
 *
 * @returns null when nobody else can, or that can't be found out
 */
function exposedIn(folder: string): Exposed | null {
  // Windows has no such modes.
  if (process.platform === 'win32') return null;
  try {
    const { mode } = statSync(folder);
    const bits = (mode & SET_GROUP) === 0 ? GROUP_AND_OTHERS : OTHERS;
    // Whoever can't enter the folder can't open what is in it.
    if ((mode & bits) === 0) return null;
    const exposed = [folder, ...readdirSync(folder).map((name) => join(folder, name))]
      .map((path) => ({ path, mode: modeOf(path) }))
      .filter((one) => (one.mode & bits) !== 0);
    // A file tells more than its folder.
    const worst = exposed[1] ?? exposed[0];
    return worst === undefined ? null : { ...worst, mode: modeText(worst.mode) };
  } catch {
    return null;
  }
}

/** 0 when it isn't there. Not by a plain stat, as sockets are among them: see `isStream` in standard-output.ts. */
function modeOf(path: string): number {
  return Number(statSync(path, { throwIfNoEntry: false, bigint: true })?.mode ?? 0);
}

function exposedFile(path: string): Exposed | null {
  if (process.platform === 'win32') return null;
  try {
    const { mode } = statSync(path);
    return (mode & GROUP_AND_OTHERS) === 0 ? null : { path, mode: modeText(mode) };
  } catch {
    // Gone, or in a folder that is none any more: no reason to end a broker that serves its clients.
    return null;
  }
}

/** What of the broker's files others may open, and what to type so that they can't. */
export function exposedFiles({ storage, log }: Config): (Exposed & { remedy: string })[] {
  const found: (Exposed & { remedy: string })[] = [];
  const folders = storage.enabled
    ? new Set([storage.walDir, storage.dataDir, join(storage.dataDir, 'index')])
    : [];
  for (const folder of folders) {
    const exposed = exposedIn(folder);
    if (exposed !== null) found.push({ ...exposed, remedy: `chmod -R go= ${folder}` });
  }
  const file = log.file === null ? null : exposedFile(log.file);
  if (file !== null) found.push({ ...file, remedy: `chmod go= ${file.path}` });
  return found;
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
