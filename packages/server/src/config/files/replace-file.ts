import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Of a file that wasn't there: only its owner reads secrets. */
const OWN_MODE = 0o600;

/** Of a file that was there: its group may go on reading it, everybody may not. */
const GROUP_MODE = 0o770;

/**
 * Writes a file whole or not at all, whenever the process or machine fails: what is there is replaced by what was written beside it.
 * Its owner and group stay, and so do their permissions; nobody else's do. Where the path is a link, what it leads to is replaced.
 *
 * @throws {Error} when that can't be done; the file is as it was then
 */
export function replaceFile(path: string, text: string): void {
  const before = statSync(path, { throwIfNoEntry: false });
  const target = before === undefined ? path : realpathSync(path);
  const unfinished = `${target}.${process.pid}.new`;
  const fd = openSync(unfinished, 'wx', OWN_MODE);
  try {
    try {
      const bytes = Buffer.from(text);
      for (let length = 0; length < bytes.length; ) length += writeSync(fd, bytes, length);
      if (before !== undefined) keepAccess(fd, before);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(dirname(target));
}

/** Owner and group before the mode: a change of owner may take bits of it away. */
function keepAccess(fd: number, { uid, gid, mode }: Stats): void {
  if (process.platform === 'win32') return;
  if (uid !== process.geteuid?.() || gid !== process.getegid?.()) fchownSync(fd, uid, gid);
  fchmodSync(fd, mode & GROUP_MODE);
}

/** A name is on disk when its folder is; Windows opens no folders. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
