import { expect, test } from '@jest/globals';
import { BenchError } from '../src/bench-error.ts';
import { FrameWalker, HEAD_SIZE_MAX } from '../src/client/frame-walker.ts';

/** A packet with a body of `size` bytes, each its first one's number. */
function frame(type: number, size: number): Uint8Array {
  const header = [type << 4];
  let length = size;
  do {
    header.push(length > 127 ? (length & 0x7f) | 0x80 : length);
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(size, type)]);
}

interface Seen {
  readonly type: number;
  readonly bodySize: number;
  readonly isBodyRight: boolean;
}

function walk(stream: Uint8Array, cuts: readonly number[]): Seen[] {
  const seen: Seen[] = [];
  const walker = new FrameWalker({
    onFrame: (buffer, start, bodyStart, end) => {
      const type = (buffer[start] as number) >> 4;
      // Of a split packet, only its head is there.
      const body = buffer.subarray(bodyStart, Math.min(end, start + HEAD_SIZE_MAX, buffer.length));
      seen.push({ type, bodySize: end - bodyStart, isBodyRight: body.every((b) => b === type) });
    },
  });
  const chunk = new Uint8Array(stream.length);
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    // As a socket does it: all chunks come in the same memory.
    chunk.fill(0xff);
    chunk.set(stream.subarray(from, to));
    walker.push(chunk, 0, to - from);
    from = to;
  }
  return seen;
}

const FRAMES = [
  frame(3, 5),
  frame(13, 0),
  frame(3, 127),
  frame(4, 2),
  frame(3, 128),
  frame(3, 300),
];
const EXPECTED = [5, 0, 127, 2, 128, 300].map((bodySize, index) => ({
  type: (FRAMES[index]?.[0] as number) >> 4,
  bodySize,
  isBodyRight: true,
}));

test('packets are counted whole at every split, and at every two splits', () => {
  const stream = Buffer.concat(FRAMES.slice(0, 5));
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const seen = walk(stream, [first, second]);
      if (
        seen.length !== 5 ||
        seen.some((one, index) => one.bodySize !== EXPECTED[index]?.bodySize)
      )
        throw new Error(`wrong when split at ${first} and ${second}: ${JSON.stringify(seen)}`);
    }
    expect(walk(stream, [first])).toEqual(EXPECTED.slice(0, 5));
  }
});

test('packets are counted byte by byte', () => {
  const stream = Buffer.concat(FRAMES);
  expect(
    walk(
      stream,
      Array.from({ length: stream.length }, (_, index) => index),
    ),
  ).toEqual(EXPECTED);
});

test.each([16_383, 16_384, 2_097_151, 2_097_152])('a body of %i bytes, split', (size) => {
  const stream = Buffer.concat([frame(3, size), frame(4, 2)]);
  for (const cut of [1, 2, 3, 4, 5, HEAD_SIZE_MAX, size - 1, size, size + 3]) {
    expect(walk(stream, [cut])).toEqual([
      { type: 3, bodySize: size, isBodyRight: true },
      { type: 4, bodySize: 2, isBodyRight: true },
    ]);
  }
});

test('a remaining length of five bytes is an error, split or not', () => {
  const stream = Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]);
  expect(() => walk(stream, [])).toThrow(BenchError);
  expect(() => walk(stream, [3])).toThrow('malformed remaining length');
});
