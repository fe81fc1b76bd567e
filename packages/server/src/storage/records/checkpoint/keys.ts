import { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';

/*
 * The entries of a checkpoint. A key is a letter and numbers, each in 14 hexadecimal digits:
 *
 *   m                     f64 number that the next stored session gets
 *   e SESSION             f64 sequence, as in its Ending record (session-record.ts)
 *   s SESSION             the Session record (session-record.ts)
 *   u SESSION             the Subscribe record of all its subscriptions (subscription-record.ts)
 *   p SESSION             what is under way, and packet identifiers received (under-way.ts)
 *   b SESSION BLOCK       a block of its queue (block.ts)
 *   t CHUNK               where retained messages lie (retained-chunk.ts)
 *   c CELL                f64 generation and f64 sequence: what is applied of another cell (../../cells/applied-marks.ts)
 *   d NUMBER              a Document record (document-record.ts); the number is given to its key by the process that wrote it first
 *
 * What former versions wrote, and a checkpoint replaces (former.ts):
 *
 *   q SESSION BLOCK       a block of a queue
 *   r NUMBER              a retained message
 */

export const KeyLetter = {
  Meta: 'm',
  Ending: 'e',
  Session: 's',
  Subscriptions: 'u',
  UnderWay: 'p',
  Block: 'b',
  RetainedChunk: 't',
  Document: 'd',
  Applied: 'c',
  FormerBlock: 'q',
  FormerRetained: 'r',
} as const;

const NUMBER_DIGITS = 14;

/** Keys sort as their numbers do. */
export function stateKey(letter: string, ...numbers: readonly number[]): string {
  let key = letter;
  for (const number of numbers) key += number.toString(16).padStart(NUMBER_DIGITS, '0');
  return key;
}

/** The numbers of a key, in their order. */
export function keyNumbers(key: string): number[] {
  const numbers: number[] = [];
  for (let offset = 1; offset < key.length; offset += NUMBER_DIGITS) {
    numbers.push(Number.parseInt(key.slice(offset, offset + NUMBER_DIGITS), 16));
  }
  return numbers;
}

/** The value of `m` and `e`; a copy. */
export function writeNumber(writer: ByteWriter, number: number): Uint8Array {
  return writer.reset().f64(number).take();
}

export function readNumber(value: Uint8Array): number {
  return new ByteReader(value).f64();
}
