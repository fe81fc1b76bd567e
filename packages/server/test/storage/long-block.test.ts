import { expect, test } from '@jest/globals';
import { QueueBlock } from '@promptmq/session';
import { readBlock, writeBlock } from '../../src/storage/block-codec.ts';
import { ByteReader, ByteWriter } from '../../src/storage/byte-writer.ts';

/** Of all that was under way in a former process, a block of any length is made. */
test.each([1, 8, 511, 512, 513, 3000])('a block of %d entries is read back as it was', (count) => {
  const block = new QueueBlock(7);
  for (let index = 0; index < count; index++) {
    block.add(index + 1, 1000 + index, index % 100, index % 3, null, null);
  }
  const writer = new ByteWriter();
  writeBlock(writer, block);
  const found = readBlock(new ByteReader(writer.take()), 7);
  expect(found.length).toBe(count);
  for (let index = 0; index < count; index++) {
    const entry = [found.sequences, found.positions, found.shares, found.flags].map(
      (column) => column[found.start + index],
    );
    expect(entry).toEqual([index + 1, 1000 + index, index % 100, index % 3]);
  }
});
