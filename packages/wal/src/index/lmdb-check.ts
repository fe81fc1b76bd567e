import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/*
 * LMDB trusts its file: one that is damaged ends the process instead of giving an error. What can be seen
 * from outside is checked first. Of the two pages at the beginning, each has
 *
 *   offset  size
 *       18     2  flags; bit 3: it is such a page
 *       24     4  magic
 *       28     4  version of the layout
 *       48     4  size of a page
 *      144     8  number of the last page in use
 *      152     8  transaction that wrote it: the newer one counts
 */
const META_SIZE = 160;
const META_FLAG = 8;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const PAGE_SIZE_MAX = 65_536;

/** Whether a file looks like a database of LMDB that can be opened; an empty one becomes one. */
export function isPlausible(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return true;
    const first = readMeta(file, 0);
    if (first === null) return false;
    // Another layout than that which this knows: LMDB says itself whether it does.
    if (first.version !== VERSION) return true;
    const second = readMeta(file, first.pageSize);
    if (second === null || second.pageSize !== first.pageSize) return false;
    const { lastPage, pageSize } = first.transaction > second.transaction ? first : second;
    return (lastPage + 1n) * BigInt(pageSize) <= BigInt(size);
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, offset: number) {
  const page = Buffer.alloc(META_SIZE);
  if (readSync(file, page, 0, META_SIZE, offset) < META_SIZE) return null;
  const isMeta = (page.readUInt16LE(18) & META_FLAG) !== 0 && page.readUInt32LE(24) === MAGIC;
  const pageSize = page.readUInt32LE(48);
  const isSizeRight = pageSize >= 512 && pageSize <= PAGE_SIZE_MAX && pageSize % 512 === 0;
  if (!isMeta || !isSizeRight) return null;
  return {
    version: page.readUInt32LE(28),
    pageSize,
    lastPage: page.readBigUInt64LE(144),
    transaction: page.readBigUInt64LE(152),
  };
}
