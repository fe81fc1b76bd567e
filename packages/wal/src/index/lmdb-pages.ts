import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/*
 * LMDB trusts its file: one that is damaged ends the process instead of giving an error. What can be seen
 * from outside is checked first. A page begins with
 *
 *   offset  size
 *        0     8  its number
 *        8     8  transaction that wrote it
 *       18     2  flags; bit 2: it has a long value, and pages after it the rest of it; bit 3: it is a meta page
 *       20     4  of one with a long value: how many pages that takes, this one included
 *
 * The two pages at the beginning are meta pages. Each has
 *
 *       24     4  magic
 *       28     4  version of the layout
 *       48     4  size of a page
 *      144     8  number of the last page in use
 *      152     8  transaction that wrote it: the newer one counts
 *
 * A transaction writes to pages that neither the last state nor the one before it has, and then to the older meta page.
 */
const META_SIZE = 160;
const META_FLAG = 8;
const LONG_FLAG = 4;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const PAGE_SIZE_MAX = 65_536;

/** How many bytes of a page `pagesWrittenBy` needs. */
export const PAGE_HEADER_SIZE = 24;

/** Of a file that doesn't say. */
const PAGE_SIZE_DEFAULT = 4096;

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

/** The size of a file's pages, as its first one says. */
export function pageSizeOf(path: string): number {
  const file = openSync(path, 'r');
  try {
    return readMeta(file, 0)?.pageSize ?? PAGE_SIZE_DEFAULT;
  } finally {
    closeSync(file);
  }
}

/**
 * The last transaction of a file.
 *
 * @param metas - its first two pages
 * @returns null when they aren't such pages, or have a layout that isn't known
 */
export function lastTransaction(metas: Buffer): bigint | null {
  const first = decodeMeta(metas);
  const second = decodeMeta(metas.subarray(metas.length / 2));
  if (first?.version !== VERSION || second?.version !== VERSION) return null;
  return first.transaction > second.transaction ? first.transaction : second.transaction;
}

/**
 * How many pages a transaction wrote from one on: 1, or more where a long value begins; 0 when the page isn't of
 * that transaction.
 *
 * @param header - the first bytes of the page
 * @param page - its number
 */
export function pagesWrittenBy(transaction: bigint, header: Buffer, page: number): number {
  if (header.readBigUInt64LE(0) !== BigInt(page)) return 0;
  if (header.readBigUInt64LE(8) !== transaction) return 0;
  return (header.readUInt16LE(18) & LONG_FLAG) === 0 ? 1 : header.readUInt32LE(20);
}

function readMeta(file: number, offset: number) {
  const page = Buffer.alloc(META_SIZE);
  return readSync(file, page, 0, META_SIZE, offset) < META_SIZE ? null : decodeMeta(page);
}

/** Null when it is no such page. */
function decodeMeta(page: Buffer) {
  if (page.length < META_SIZE) return null;
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
