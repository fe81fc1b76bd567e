import { describe, expect, test } from '@jest/globals';
import { PairList } from '../src/format/pair-list.ts';
import { decodePairs } from '../src/format/stream-pairs.ts';

/** A list, and the array that it stands for: every seventh record was moved. */
function listOf(count: number, name = 'building/3/température') {
  const list = new PairList(name);
  const pairs: number[] = [];
  for (let index = 0; index < count; index++) {
    const position = 2 ** 40 + index * 1100;
    const origin = index % 7 === 3 ? index : position;
    list.push(position, origin);
    pairs.push(position, origin);
  }
  return { list, pairs, name };
}

describe.each([0, 1, 2, 511, 512, 513, 1024, 5000])('%d pairs', (count) => {
  test('are what was pushed', () => {
    const { list, pairs } = listOf(count);
    expect(list.toArray()).toEqual(pairs);
  });

  test('are read back from the encoded lists, each known by its first position', () => {
    const { list, pairs, name } = listOf(count, Buffer.from('é/ü').toString('latin1'));
    const found: number[] = [];
    for (const [first, bytes] of list.encoded()) {
      const some = decodePairs(name, bytes);
      expect(some[0]).toBe(first);
      found.push(...some);
    }
    expect(found).toEqual(pairs);
  });
});

test('a list that was encoded continues', () => {
  const { list, pairs } = listOf(700);
  expect([...list.encoded()]).toHaveLength(2);
  list.push(2 ** 50, 1);
  expect(list.toArray()).toEqual([...pairs, 2 ** 50, 1]);
});
