import { expect, test } from '@jest/globals';
import type { Message } from '../src/index.ts';
import { BlockList, deliveryAt } from '../src/stored/block-list.ts';
import { BLOCK_CAPACITY, QueueBlock } from '../src/stored/queue-block.ts';
import { deliveryOf, payloadOf } from './support/deliveries.ts';

function newList() {
  const counted = { entries: 0, bytes: 0, resident: 0 };
  const list = new BlockList({
    onCounted(entries, bytes) {
      counted.entries += entries;
      counted.bytes += bytes;
    },
    onResident(bytes) {
      counted.resident += bytes;
    },
  });
  const append = (sequence: number, keep = true) => {
    const delivery = deliveryOf('x', { sequence, share: 10 });
    list.append(delivery, keep ? delivery.message : null);
  };
  return { list, counted, append };
}

function sequencesOf(list: BlockList): number[] {
  list.checkInvariants();
  return [...list].flatMap((block) =>
    Array.from({ length: block.length }, (_, index) => block.sequenceAt(block.start + index)),
  );
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('entries lie in blocks, and are found by their sequences', () => {
  const { list, append, counted } = newList();
  for (const sequence of range(1, 1300)) append(sequence);
  expect(sequencesOf(list)).toEqual(range(1, 1300));
  expect([...list].map(({ length }) => length)).toEqual([BLOCK_CAPACITY, BLOCK_CAPACITY, 276]);
  for (const sequence of [1, 512, 513, 1300, 2]) {
    const { block, index } = list.find(sequence) as { block: QueueBlock; index: number };
    expect(block.sequenceAt(index)).toBe(sequence);
  }
  expect([list.find(0), list.find(1301)]).toEqual([null, null]);
  expect(counted).toEqual({ entries: 1300, bytes: 13_000, resident: 1300 });
});

test('entries that are not stored may begin a block: the stored ones are in order, and found', () => {
  const { list, append } = newList();
  for (const sequence of range(1, BLOCK_CAPACITY)) append(sequence);
  for (const sequence of [0, 0, BLOCK_CAPACITY + 1, 0]) append(sequence);
  expect(sequencesOf(list).slice(BLOCK_CAPACITY)).toEqual([0, 0, 513, 513]);
  expect(list.find(BLOCK_CAPACITY + 1)?.index).toBe(2);
  expect(list.transientCount).toBe(3);
});

test('a block that has nothing left leaves, and its number is told once', () => {
  const { list, append } = newList();
  for (const sequence of range(1, 600)) append(sequence);
  const [first] = [...list].map(({ number }) => number);
  for (let count = 0; count < BLOCK_CAPACITY; count++) list.removeFirst();
  expect(sequencesOf(list)).toEqual(range(513, 600));
  expect([list.takeRemovedNumbers(), list.takeRemovedNumbers()]).toEqual([[first], []]);
  expect(list.find(512)).toBeNull();
});

test('an entry is removed from the middle, with what it counted', () => {
  const { list, append, counted } = newList();
  for (const sequence of range(1, 5)) append(sequence);
  const { block, index } = list.find(3) as { block: QueueBlock; index: number };
  list.remove(block, index);
  expect(sequencesOf(list)).toEqual([1, 2, 4, 5]);
  expect(counted).toEqual({ entries: 4, bytes: 40, resident: 4 });
});

test('what is not stored has its message in memory, and no sequence to be found by', () => {
  const { list, append } = newList();
  append(1, false);
  list.append(deliveryOf('gone with the process', { qos: 0, group: '$share/g/t' }), null);
  append(2, false);
  list.checkInvariants();
  expect([list.transientCount, list.groupCount, list.residentCount]).toEqual([1, 1, 0]);
  const taken = list.extract((block, index) => block.isTransient(index));
  expect(taken.map(payloadOf)).toEqual(['gone with the process']);
  expect(taken.map(({ group, sequence }) => [group, sequence])).toEqual([['$share/g/t', 0]]);
  expect(sequencesOf(list)).toEqual([1, 2]);
  expect([list.transientCount, list.groupCount]).toEqual([0, 0]);
});

test('taking out by sequences leaves blocks alone that have none of them', () => {
  const { list, append } = newList();
  for (const sequence of range(1, 1100)) append(sequence);
  const [untouched] = [...list];
  const taken = list.extract(() => true, 600, 610);
  // All of the block that has them, as the filter says.
  expect(taken.map(({ sequence }) => sequence)).toEqual(range(513, 1024));
  expect([...list][0]).toBe(untouched);
  expect(list.takeRemovedNumbers()).toHaveLength(1);
  expect(sequencesOf(list)).toEqual([...range(1, 512), ...range(1025, 1100)]);
});

test.each([
  ['before all others', [1, 3, 2], [10, 11]],
  ['among them', [5, 12], [10, 11]],
  ['into nothing', [4, 2], []],
])('what was under way is put back in its order: %s', (_, back, there) => {
  const { list, append } = newList();
  for (const sequence of there) append(sequence);
  const before = [...list];
  const keep = (message: Message) => message;
  list.putBack(
    back.map((sequence) => deliveryOf('y', { sequence })),
    keep,
  );
  const all = [...back, ...there].sort((a, b) => a - b);
  expect(sequencesOf(list)).toEqual(all);
  append(100);
  expect(sequencesOf(list)).toEqual([...all, 100]);
  if (before.length > 0 && Math.max(...back) < Math.min(...there))
    expect([...list].at(-1)).toBe(before.at(-1));
});

test('messages leave memory, those that are not stored stay', () => {
  const { list, append, counted } = newList();
  append(1);
  list.append(deliveryOf('transient', { qos: 0 }), null);
  list.evictAll();
  list.checkInvariants();
  expect([list.residentCount, counted.resident]).toEqual([0, 0]);
  const first = list.first as QueueBlock;
  expect([first.messageAt(first.start), first.messageAt(first.start + 1)]).toEqual([
    null,
    expect.anything(),
  ]);
});

test('a record that moved counts what it takes there', () => {
  const { list, append, counted } = newList();
  append(1);
  const { block, index } = list.find(1) as { block: QueueBlock; index: number };
  list.relocate(block, index, 4711, 25);
  list.checkInvariants();
  expect([list.bytes, counted.bytes]).toEqual([25, 25]);
  expect(deliveryAt(block, index, deliveryOf('x').message)).toMatchObject({
    sequence: 1,
    position: 4711,
    share: 25,
  });
});

test('a block is restored as it was, and new entries follow it', () => {
  const { list, append, counted } = newList();
  const block = new QueueBlock(7);
  const { message } = deliveryOf('x');
  block.add(deliveryOf('x', { sequence: 40, share: 3 }), null, null);
  block.add(
    deliveryOf('x', { sequence: 41, share: 4 }),
    { expiresAt: 5, identifiers: [], group: 'g' },
    null,
  );
  list.restore(block);
  expect(counted).toEqual({ entries: 2, bytes: 7, resident: 0 });
  expect([list.lastSequence, list.groupCount]).toEqual([41, 1]);
  append(42);
  expect(sequencesOf(list)).toEqual([40, 41, 42]);
  expect(deliveryAt(block, 1, message)).toMatchObject({ sequence: 41, group: 'g' });
});

test('clearing gives everything back, and tells all numbers', () => {
  const { list, append, counted } = newList();
  for (const sequence of range(1, 600)) append(sequence);
  list.clear();
  list.checkInvariants();
  expect(counted).toEqual({ entries: 0, bytes: 0, resident: 0 });
  expect([list.takeRemovedNumbers().length, list.first, list.length]).toEqual([2, undefined, 0]);
});
