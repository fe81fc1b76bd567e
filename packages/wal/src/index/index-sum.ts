import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Bytes that are summed up at once: 0.3 ms. */
const CHUNK_SIZE = 1_048_576;

/** What a checksum says of its file. */
export type Soundness =
  | 'sound'
  /** Its bytes are not those of which the checksum was taken. */
  | 'damaged'
  /** The process ended while it changed the file, or before it took the checksum. */
  | 'unfinished'
  /** There is none: the file is of an older package, or new. */
  | 'unknown';

/**
 * The checksum of a file that is only changed now and then, in a file beside it: its size and its CRC-32 as text. While
 * the file is being changed, a second one is there.
 *
 * LMDB trusts its file: where that is damaged, the process gets wrong values, or ends without an error. So it only
 * gets to see a file that is as it was left. None of this has to be synced: should a power cut bring an older state
 * back, the checksum is wrong.
 */
export class IndexSum {
  readonly #path: string;
  readonly #sumPath: string;
  readonly #changingPath: string;
  /** What the file is to have; null when that isn't known. */
  #expected: string | null;

  /** @param path - of the file that it is of */
  constructor(path: string) {
    this.#path = path;
    this.#sumPath = `${path}.sum`;
    this.#changingPath = `${path}.changing`;
    this.#expected = null;
  }

  /** At the start, before anybody else reads the file. */
  check(): Soundness {
    const isChanging = existsSync(this.#changingPath);
    const expected = this.#read();
    if (expected === null) return isChanging ? 'unfinished' : 'unknown';
    if (expected === sumNow(this.#path)) {
      this.#expected = expected;
      return 'sound';
    }
    return isChanging ? 'unfinished' : 'damaged';
  }

  #read(): string | null {
    try {
      return readFileSync(this.#sumPath, 'latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Whether the file is still as it was left; true when that isn't known. */
  async isRight(): Promise<boolean> {
    return this.#expected === null || this.#expected === (await sumLater(this.#path));
  }

  /** The file is going to be changed. */
  async begin(): Promise<void> {
    await writeFile(this.#changingPath, '', { mode: 0o600 });
    this.#expected = null;
  }

  /** The file has been changed. */
  async end(): Promise<void> {
    const temporary = `${this.#sumPath}.new`;
    const sum = await sumLater(this.#path);
    await writeFile(temporary, sum, { mode: 0o600 });
    await rename(temporary, this.#sumPath);
    await rm(this.#changingPath, { force: true });
    this.#expected = sum;
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

function textOf(size: number, sum: number): string {
  return `${size} ${sum.toString(16).padStart(8, '0')}\n`;
}

function sumNow(path: string): string {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
    let size = 0;
    let sum = 0;
    for (;;) {
      const count = readSync(file, chunk, 0, CHUNK_SIZE, size);
      if (count === 0) return textOf(size, sum);
      sum = crc32(chunk.subarray(0, count), sum);
      size += count;
    }
  } finally {
    closeSync(file);
  }
}

async function sumLater(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
    let size = 0;
    let sum = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_SIZE, size);
      if (bytesRead === 0) return textOf(size, sum);
      sum = crc32(chunk.subarray(0, bytesRead), sum);
      size += bytesRead;
    }
  } finally {
    await file.close();
  }
}
