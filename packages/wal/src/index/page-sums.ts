import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/*
 * Checksums of a file's pages, as they lie in a file of their own; all numbers are little-endian:
 *
 *   offset  size
 *        0     8  magic "PMQ-SUM\0"
 *        8     4  size of a page
 *       12     4  number of pages, of which the last may be shorter
 *       16     8  size of the file
 *       24        CRC-32 of each page
 *                 the first two pages as they are, or what there is of them
 *              4  CRC-32 of all before
 */
const MAGIC = Buffer.from('PMQ-SUM\0', 'latin1');
const HEADER_SIZE = 24;
const TWO_32 = 0x1_0000_0000;

/** Bytes that are summed up at once, some pages: less than a millisecond. */
const CHUNK_SIZE = 1_048_576;

/** Pages at the beginning that are kept as they are. */
const HEAD_PAGES = 2;

/** The checksum of each page of a file, and its first two pages. */
export class PageSums {
  readonly pageSize: number;
  /** Of the file, in bytes. */
  readonly size: number;
  /** By number of the page. */
  readonly sums: Uint32Array;
  /** The first two pages. */
  readonly head: Buffer;

  constructor(pageSize: number, size: number, sums: Uint32Array, head: Buffer) {
    this.pageSize = pageSize;
    this.size = size;
    this.sums = sums;
    this.head = head;
  }

  /** Of a file as it is, at once. */
  static now(path: string, pageSize: number): PageSums {
    const summing = new Summing(pageSize);
    const file = openSync(path, 'r');
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
      while (summing.add(chunk, readSync(file, chunk, 0, CHUNK_SIZE, summing.size)));
      return summing.end();
    } finally {
      closeSync(file);
    }
  }

  /** The same without holding up others for longer than a chunk takes. */
  static async later(path: string, pageSize: number): Promise<PageSums> {
    const summing = new Summing(pageSize);
    const file = await open(path, 'r');
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_SIZE, summing.size);
        if (!summing.add(chunk, bytesRead)) return summing.end();
      }
    } finally {
      await file.close();
    }
  }

  /** Those that `encode` gave; null when the bytes are damaged, or something else. */
  static decode(bytes: Buffer): PageSums | null {
    if (bytes.length < HEADER_SIZE + 4 || !bytes.subarray(0, 8).equals(MAGIC)) return null;
    const end = bytes.length - 4;
    if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return null;
    const sums = new Uint32Array(bytes.readUInt32LE(12));
    for (let page = 0; page < sums.length; page++) {
      sums[page] = bytes.readUInt32LE(HEADER_SIZE + 4 * page);
    }
    const size = bytes.readUInt32LE(20) * TWO_32 + bytes.readUInt32LE(16);
    const head = bytes.subarray(HEADER_SIZE + 4 * sums.length, end);
    return new PageSums(bytes.readUInt32LE(8), size, sums, head);
  }

  encode(): Buffer {
    const { pageSize, size, sums, head } = this;
    const end = HEADER_SIZE + 4 * sums.length + head.length;
    const bytes = Buffer.allocUnsafe(end + 4);
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(pageSize, 8);
    bytes.writeUInt32LE(sums.length, 12);
    bytes.writeUInt32LE(size % TWO_32, 16);
    bytes.writeUInt32LE(Math.floor(size / TWO_32), 20);
    for (let page = 0; page < sums.length; page++) {
      bytes.writeUInt32LE(sums[page] as number, HEADER_SIZE + 4 * page);
    }
    head.copy(bytes, end - head.length);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
    return bytes;
  }

  equals(other: PageSums): boolean {
    if (this.size !== other.size || this.pageSize !== other.pageSize) return false;
    return this.sums.every((sum, page) => sum === other.sums[page]);
  }

  /** Those of the file with other pages at its beginning. */
  withHead(head: Buffer): PageSums {
    const sums = this.sums.slice();
    for (let page = 0; page < HEAD_PAGES; page++) {
      const start = page * this.pageSize;
      sums[page] = crc32(head.subarray(start, start + this.pageSize));
    }
    return new PageSums(this.pageSize, this.size, sums, head);
  }
}

/** Sums up a file whose bytes come in chunks of whole pages. */
class Summing {
  readonly #pageSize: number;
  #sums: Uint32Array;
  #count: number;
  readonly #head: Buffer;
  /** Bytes so far. */
  size: number;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
    this.#sums = new Uint32Array(256);
    this.#count = 0;
    this.#head = Buffer.alloc(HEAD_PAGES * pageSize);
    this.size = 0;
  }

  /** False when that was the end. */
  add(chunk: Buffer, length: number): boolean {
    const pageSize = this.#pageSize;
    for (let start = 0; start < length; start += pageSize) {
      const page = chunk.subarray(start, Math.min(start + pageSize, length));
      if (this.#count === this.#sums.length) this.#grow();
      if (this.#count < HEAD_PAGES) page.copy(this.#head, this.#count * pageSize);
      this.#sums[this.#count++] = crc32(page);
    }
    this.size += length;
    return length === CHUNK_SIZE;
  }

  #grow(): void {
    const grown = new Uint32Array(2 * this.#sums.length);
    grown.set(this.#sums);
    this.#sums = grown;
  }

  end(): PageSums {
    const head = this.#head.subarray(0, Math.min(this.#head.length, this.size));
    return new PageSums(this.#pageSize, this.size, this.#sums.slice(0, this.#count), head);
  }
}
