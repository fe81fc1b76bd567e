/*
 * Positions and origins of a stream's records in one segment, as the index has them:
 *
 *   u16      length of the stream's name
 *            name as latin1
 *   f64      position of the first record
 *            for each record, varints: twice the distance from the position before, plus 1 when its origin is
 *            another position; then the origin, if it is
 *
 * The records of a segment lie close to each other, so that one mostly takes 2 or 3 bytes. A varint has 7
 * bits a byte, the lowest first, and bit 7 set in all but the last. Version 2 of the index had each number
 * in 8 bytes.
 */

const VARINT_SIZE_MAX = 8;

/** Lists are encoded into this: how long one becomes is known at the end. */
let scratch = Buffer.allocUnsafeSlow(16_384);

/** @param pairs - of position and origin, one after the other, in the order of the positions */
export function encodePairs(name: string, pairs: readonly number[]): Buffer {
  const sizeMax = 10 + name.length + VARINT_SIZE_MAX * pairs.length;
  if (scratch.length < sizeMax) scratch = Buffer.allocUnsafeSlow(sizeMax);
  const start = scratch.writeUInt16LE(name.length, 0);
  let last = pairs[0] as number;
  let offset = scratch.writeDoubleLE(last, start + scratch.write(name, start, 'latin1'));
  for (let index = 0; index < pairs.length; index += 2) {
    const position = pairs[index] as number;
    const origin = pairs[index + 1] as number;
    offset = writeVarint(scratch, offset, 2 * (position - last) + (origin === position ? 0 : 1));
    if (origin !== position) offset = writeVarint(scratch, offset, origin);
    last = position;
  }
  // Not in a page that it shares with what is short-lived: it may stay for long.
  const bytes = Buffer.allocUnsafeSlow(offset);
  bytes.set(scratch.subarray(0, offset));
  return bytes;
}

/** Reads what `encodePairs` wrote; nothing when it is of another stream, whose name has the same hash. */
export function decodePairs(name: string, value: Buffer): number[] {
  const start = 2 + value.readUInt16LE(0);
  if (value.toString('latin1', 2, start) !== name) return [];
  const pairs: number[] = [];
  let position = value.readDoubleLE(start);
  let offset = start + 8;
  const next = () => {
    let number = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = value[offset++];
      if (byte === undefined) throw new RangeError('a number ends after the end of its bytes');
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
    }
  };
  while (offset < value.length) {
    const step = next();
    position += Math.floor(step / 2);
    pairs.push(position, step % 2 === 0 ? position : next());
  }
  return pairs;
}

/**
 * What a value of a former version of the index has.
 *
 * @param version - 1 had positions alone, 2 pairs
 */
export function decodeFormerPairs(
  value: Buffer,
  version: 1 | 2,
): { readonly name: string; readonly pairs: number[] } {
  const start = 2 + value.readUInt16LE(0);
  const pairs: number[] = [];
  for (let offset = start; offset < value.length; offset += 8) {
    const number = value.readDoubleLE(offset);
    if (version === 1) pairs.push(number, number);
    else pairs.push(number);
  }
  return { name: value.toString('latin1', 2, start), pairs };
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let rest = value;
  let offset = start;
  while (rest >= 0x80) {
    buffer[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[offset++] = rest;
  return offset;
}
