import { describe, expect, test } from '@jest/globals';
import { QueueBlock } from '../src/stored/queue-block.ts';

function blockOf(
  sequences: readonly number[],
  isTransient: (index: number) => boolean = () => false,
) {
  const block = new QueueBlock(1);
  for (const [index, sequence] of sequences.entries()) {
    const place = isTransient(index)
      ? { sequence: 0, position: 0, share: 0 }
      : { sequence, position: 1000 + index, share: index };
    const entry = { ...place, qos: 1 as const, retain: false, isSent: false, isReference: false };
    block.add(entry, null, null);
  }
  return block;
}

const sequencesOf = (block: QueueBlock) =>
  Array.from({ length: block.end }, (_, index) => block.sequenceAt(index));

describe.each([
  ['one by one', (index: number) => 5 + index],
  ['with gaps', (index: number) => 5 + 3 * index],
  ['with a gap at 40', (index: number) => (index < 40 ? index + 1 : index + 2)],
  ['further apart than 32 bits', (index: number) => 2 ** 33 * index + 1],
])('sequences %s', (_, sequenceOf) => {
  test.each([1, 8, 9, 200, 512, 600])('%d of them are kept, and found', (count) => {
    const sequences = Array.from({ length: count }, (_, index) => sequenceOf(index));
    const block = blockOf(sequences);
    expect(sequencesOf(block)).toEqual(sequences);
    expect(block.lastSequence).toBe(sequences.at(-1));
    for (const [index, sequence] of sequences.entries()) {
      expect(block.indexOf(sequence)).toBe(index);
      expect(block.positionAt(index)).toBe(1000 + index);
      expect(block.shareAt(index)).toBe(index);
    }
    expect(block.indexOf(sequenceOf(count))).toBe(-1);
  });
});

test('an entry that is not stored has the sequence of the one before, and is not found by it', () => {
  const block = blockOf([7, 8, 8, 8, 9], (index) => index === 2 || index === 3);
  expect(sequencesOf(block)).toEqual([7, 8, 8, 8, 9]);
  expect(block.indexOf(8)).toBe(1);
  expect(block.indexOf(9)).toBe(4);
});
