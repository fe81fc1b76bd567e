import { expect, test } from '@jest/globals';
import { ByteReader, ByteWriter } from '../../src/storage/byte-writer.ts';

test('what is written across each growth of the buffer is read back', () => {
  // One after the other, each kind of value is the one that makes the buffer grow.
  const kinds = ['u8', 'u16', 'u32', 'f64', 'string', 'data'] as const;
  for (const kind of kinds) {
    for (let size = 4080; size <= 4096; size++) {
      const writer = new ByteWriter().raw(new Uint8Array(size).fill(1));
      if (kind === 'string') writer.string('längere Wörter');
      else if (kind === 'data') writer.data(new Uint8Array(20).fill(7));
      else writer[kind](77);
      writer.u8(99);
      const reader = new ByteReader(writer.take());
      reader.skip(size);
      const read = reader[kind]();
      const expected =
        kind === 'string' ? 'längere Wörter' : kind === 'data' ? Buffer.alloc(20, 7) : 77;
      expect(read).toEqual(expected);
      expect(reader.u8()).toBe(99);
    }
  }
});
