import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteReader } from '../../src/storage/records/byte-reader.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';

const value = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant('f64' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
  fc.record({ kind: fc.constant('data' as const), value: fc.uint8Array() }),
);

test('what is written is read back, also over the growth of the buffer at any place', () => {
  const writer = new ByteWriter();
  fc.assert(
    fc.property(fc.array(value), fc.integer({ min: 4000, max: 4096 }), (values, before) => {
      writer.reset().raw(new Uint8Array(before));
      for (const { kind, value } of values) writer[kind](value as never);
      const reader = new ByteReader(writer.take());
      reader.skip(before);
      for (const { kind, value } of values) {
        const read = reader[kind]();
        expect(read instanceof Uint8Array ? Uint8Array.from(read) : read).toEqual(value);
      }
      expect(reader.rest()).toHaveLength(0);
    }),
  );
});

test('a buffer that has grown large is given up', () => {
  const writer = new ByteWriter();
  writer.raw(new Uint8Array(3_000_000));
  expect(writer.reset().u8(7).bytes.buffer.byteLength).toBeLessThan(1_000_000);
});
