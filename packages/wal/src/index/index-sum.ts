import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nodeFiles } from '../files/node-files.ts';
import { lastTransaction, PAGE_HEADER_SIZE, pageSizeOf, pagesWrittenBy } from './lmdb-pages.ts';
import { PageSums } from './page-sums.ts';

/** What the checksums say of their file. */
export type Soundness =
  | 'sound'
  /** The process ended while it changed the file: all that was there before is there, and can be had back by `revert`. */
  | 'interrupted'
  /** Its bytes are not those of which the checksums were taken. */
  | 'damaged'
  /** The process ended while it changed the file, and what was there before isn't whole. */
  | 'unfinished'
  /** There are none: the file is of an older package, or new. */
  | 'unknown';

/**
 * The checksums of a file of LMDB, which is only changed now and then, in a file beside it. While the file is being
 * changed, a second one is there.
 *
 * LMDB trusts its file: where that is damaged, the process gets wrong values, or ends without an error. So it only
 * gets to see a file that is as it was left. While it is being changed, nothing has to be synced: what a power cut leaves is
 * what a kill does, or the checksums are wrong. But when a checkpoint is over, its checksums are on disk: with those of the one
 * before, it would be undone, and what the log has removed since is in no other.
 *
 * A process may be killed while it changes the file. LMDB's transactions leave alone what the state before needs, but
 * for a meta page. So that state can be had back, and checked as any other: every page that isn't as it was must have been
 * written by that one transaction, and the meta pages are those that lie with the checksums.
 */
export class IndexSum {
  readonly #path: string;
  readonly #sumPath: string;
  readonly #changingPath: string;
  /** What the file is to have; null when that isn't known. */
  #expected: PageSums | null;

  /** @param path - of the file that they are of */
  constructor(path: string) {
    this.#path = path;
    this.#sumPath = `${path}.sum`;
    this.#changingPath = `${path}.changing`;
    this.#expected = null;
  }

  /** At the start, before anybody else reads the file. Reads only. */
  check(): Soundness {
    const isChanging = existsSync(this.#changingPath);
    const bytes = this.#read();
    if (bytes === null) return isChanging ? 'unfinished' : 'unknown';
    const expected = PageSums.decode(bytes);
    if (expected === null) return isChanging ? 'unfinished' : 'damaged';
    const found = PageSums.now(this.#path, expected.pageSize);
    if (expected.equals(found)) {
      this.#expected = expected;
      return 'sound';
    }
    if (!isChanging) return 'damaged';
    return isOneTransactionAhead(this.#path, expected, found) ? 'interrupted' : 'unfinished';
  }

  #read(): Buffer | null {
    try {
      return readFileSync(this.#sumPath);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** After `check` has found it interrupted: undoes what was being changed. Ended in the middle, it can be done again. */
  revert(): void {
    const before = PageSums.decode(this.#read() as Buffer) as PageSums;
    const file = openSync(this.#path, 'r+');
    try {
      writeSync(file, before.head, 0, before.head.length, 0);
      // Before the checksums say so.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // What the transaction wrote stays, where nothing of the state before is: it is no part of it.
    const sums = PageSums.now(this.#path, before.pageSize);
    const temporary = `${this.#sumPath}.new`;
    writeFileSync(temporary, sums.encode(), { mode: 0o600 });
    renameSync(temporary, this.#sumPath);
    rmSync(this.#changingPath, { force: true });
    this.#expected = sums;
  }

  /** After `check` has found it sound: nobody changes it any more. */
  settle(): void {
    rmSync(this.#changingPath, { force: true });
  }

  /** Whether the file is still as it was left; true when that isn't known. */
  async isRight(): Promise<boolean> {
    const expected = this.#expected;
    return (
      expected === null || expected.equals(await PageSums.later(this.#path, expected.pageSize))
    );
  }

  /** The file is going to be changed. */
  async begin(): Promise<void> {
    await writeFile(this.#changingPath, '', { mode: 0o600 });
    this.#expected = null;
  }

  /** The file has been changed: returns when that is durable. */
  async end(): Promise<void> {
    const temporary = `${this.#sumPath}.new`;
    const sums = await PageSums.later(this.#path, pageSizeOf(this.#path));
    await writeFile(temporary, sums.encode(), { mode: 0o600 });
    await syncFile(temporary);
    await rename(temporary, this.#sumPath);
    await nodeFiles.syncDirectory(dirname(this.#sumPath));
    await rm(this.#changingPath, { force: true });
    this.#expected = sums;
  }

  /** The file is gone, or nothing is known of it. */
  forget(): void {
    this.#expected = null;
    rmSync(this.#sumPath, { force: true });
    rmSync(this.#changingPath, { force: true });
  }

  /** What the file holds isn't whole: the next process is not to use it. */
  spoil(): void {
    this.#expected = null;
    rmSync(this.#sumPath, { force: true });
    writeFileSync(this.#changingPath, '', { mode: 0o600 });
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await nodeFiles.open(path, 'write');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether all that isn't as it was, but for the meta pages, was written by the transaction after those that were there. */
function isOneTransactionAhead(path: string, before: PageSums, now: PageSums): boolean {
  const last = lastTransaction(before.head);
  if (last === null || now.size < before.size || now.pageSize !== before.pageSize) return false;
  const header = Buffer.alloc(PAGE_HEADER_SIZE);
  const file = openSync(path, 'r');
  try {
    let page = before.head.length / before.pageSize;
    while (page < before.sums.length) {
      if (now.sums[page] === before.sums[page]) {
        page++;
        continue;
      }
      readSync(file, header, 0, PAGE_HEADER_SIZE, page * before.pageSize);
      const count = pagesWrittenBy(last + 1n, header, page);
      if (count === 0) return false;
      page += count;
    }
    return true;
  } finally {
    closeSync(file);
  }
}
