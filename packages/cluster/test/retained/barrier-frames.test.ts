import { expect, test } from '@jest/globals';
import {
  decodeBarrier,
  decodePassed,
  encodeBarrier,
  encodePassed,
} from '../../src/retained/barrier-frames.ts';

test('a question and its answer are read as they were written', () => {
  for (const cells of [[], [0], [0, 7, 8, 31, 32, 63], Array.from({ length: 64 }, (_, n) => n)]) {
    const barrier = { number: 4_294_967_295, cells };
    expect(decodeBarrier(encodeBarrier(barrier))).toEqual(barrier);
  }
  expect(decodePassed(encodePassed(7))).toBe(7);
});

test('what is cut off or too long is refused', () => {
  for (const body of [encodeBarrier({ number: 1, cells: [1] }), encodePassed(1)]) {
    const decode = body.length > 4 ? decodeBarrier : decodePassed;
    expect(() => decode(body.subarray(1))).toThrow(RangeError);
    expect(() => decode(Buffer.concat([body, Buffer.of(0)]))).toThrow(RangeError);
  }
});
