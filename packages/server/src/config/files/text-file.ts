import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ConfigError } from '../parse.ts';

/**
 * Largest file that a configuration may name. Password files are the largest that are meant: 64 MB are some 500,000
 * users.
 */
export const FILE_BYTES_MAX = 64_000_000;

/**
 * Reads a file that the configuration names. It never waits: what isn't a regular file is refused, such as a pipe that
 * nobody writes to.
 *
 * @param key - the option that names it, for what is said of problems
 * @throws {ConfigError} when it can't be read
 */
export function readFileBytes(path: string, key: string, bytesMax = FILE_BYTES_MAX): Buffer {
  const refuse = (why: string) => new ConfigError([{ key, source: path, message: why }]);
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    // Big, as after a plain one of a pipe, import() doesn't follow links: see `isStream` in standard-output.ts.
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isDirectory()) throw refuse('it is a folder; name a file in it');
    if (!stat.isFile()) throw refuse('it is a pipe or a device; it takes a regular file');
    const size = Number(stat.size);
    if (size > bytesMax) {
      throw refuse(`it has ${size} bytes; more than ${bytesMax} are not read`);
    }
    return readAll(fd, size);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw refuse(`can't be read: ${(error as Error).message}`);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** As much as there was when it was opened: a file that grows meanwhile has no end. */
function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/**
 * Reads a text file that the configuration names: UTF-8, with or without a byte order mark.
 *
 * @throws {ConfigError} when it can't be read, or is no such text
 */
export function readTextFile(path: string, key: string, bytesMax = FILE_BYTES_MAX): string {
  const bytes = readFileBytes(path, key, bytesMax);
  const why = whyNoText(bytes);
  if (why !== null) throw new ConfigError([{ key, source: path, message: why }]);
  return new TextDecoder().decode(bytes);
}

/** Bytes that have no meaning in UTF-8 are those that other encodings use for letters. */
function whyNoText(bytes: Buffer): string | null {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return 'it is UTF-16, as Windows writes it; save it as UTF-8';
  }
  const zeroAt = bytes.indexOf(0);
  if (zeroAt >= 0) {
    return zeroAt < 4 && bytes.length > 3
      ? 'it is UTF-16 or UTF-32, or no text at all; save it as UTF-8'
      : `it is no text: line ${lineOf(bytes, zeroAt)} has a zero byte`;
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return null;
  } catch {
    const line = lineOf(bytes, firstInvalid(bytes));
    return `it is not UTF-8: line ${line} has a letter of another encoding, such as Windows-1252; save it as UTF-8`;
  }
}

function firstInvalid(bytes: Buffer): number {
  const valid = new TextDecoder().decode(bytes);
  const at = valid.indexOf('\ufffd');
  return at < 0 ? 0 : Buffer.byteLength(valid.slice(0, at));
}

function lineOf(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let index = 0; index < offset; index++) if (bytes[index] === 10) line++;
  return line;
}
