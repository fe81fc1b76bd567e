import { expect, test } from '@jest/globals';
import { EntryFlag, QueueBlock } from '@promptmq/session';
import fc from 'fast-check';
import { readBlock, writeBlock } from '../../src/storage/records/block-codec.ts';
import { ByteReader, ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { readFormerBlock } from '../../src/storage/records/state-codec.ts';

interface Entry {
  readonly sequence: number;
  readonly position: number;
  readonly share: number;
  readonly flags: number;
  readonly details: QueueBlock['details'] extends (infer D)[] | null ? D : never;
}

function entriesOf(block: QueueBlock): Entry[] {
  const entries: Entry[] = [];
  for (let index = block.start; index < block.end; index++) {
    entries.push({
      sequence: block.sequenceAt(index),
      position: block.positions[index] as number,
      share: block.shares[index] as number,
      flags: block.flags[index] as number,
      details: block.details?.[index] ?? null,
    });
  }
  return entries;
}

function blockOf(entries: readonly Entry[]): QueueBlock {
  const block = new QueueBlock(7);
  for (const { sequence, position, share, flags, details } of entries) {
    block.add(sequence, position, share, flags, details, null);
  }
  return block;
}

const details = fc.record({
  expiresAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat()),
  identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
  group: fc.option(fc.string({ minLength: 1 }), { nil: null }),
});

const entry = fc.record({
  step: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2 ** 40 })),
  position: fc.oneof(fc.nat(), fc.maxSafeNat()),
  share: fc.integer({ min: 0, max: 0xffff_ffff }),
  flags: fc.integer({ min: 0, max: 31 }),
  details: fc.option(details, { nil: null }),
});

test('a block is read back as it was written, whatever its entries', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), (drawn) => {
      let sequence = 0;
      const entries = drawn.map(({ step, ...others }) => {
        sequence += step;
        return { sequence, ...others };
      });
      const writer = new ByteWriter();
      writeBlock(writer, blockOf(entries));
      const block = readBlock(new ByteReader(writer.take()), 7);
      expect(entriesOf(block)).toEqual(entries);
      expect(block).toMatchObject({ number: 7, isChanged: false });
    }),
  );
});

test('neighbours with the same details have them in common again', () => {
  const same = { expiresAt: 5, identifiers: [1], group: null };
  const entries = [1, 2, 3].map((sequence) => ({
    ...{ sequence, position: 100 * sequence, share: 90, flags: 1 },
    details: sequence === 3 ? { ...same } : same,
  }));
  const writer = new ByteWriter();
  writeBlock(writer, blockOf(entries));
  const block = readBlock(new ByteReader(writer.take()), 1);
  expect(entriesOf(block)).toEqual(entries);
  expect(block.details?.[1]).toBe(block.details?.[0]);
});

test('transient entries are left out, wherever they lie', () => {
  const block = new QueueBlock(1);
  block.add(0, 0, 0, EntryFlag.Transient, null, null);
  block.add(1, 64, 90, 1, null, null);
  block.add(1, 0, 0, EntryFlag.Transient, null, null);
  block.add(2, 200, 90, 1, null, null);
  const writer = new ByteWriter();
  writeBlock(writer, block);
  const read = readBlock(new ByteReader(writer.take()), 1);
  expect(entriesOf(read).map(({ sequence, position }) => [sequence, position])).toEqual([
    [1, 64],
    [2, 200],
  ]);
});

test('entries that follow each other in the log take 3 bytes', () => {
  const block = new QueueBlock(1);
  for (let index = 0; index < 512; index++) {
    block.add(1000 + index, 1_000_000 + 1100 * index, 1090, 1, null, null);
  }
  const writer = new ByteWriter();
  writeBlock(writer, block);
  expect(writer.length).toBeLessThan(3 * 512 + 16);
});

test('a block of a former version is read, and counts as changed: it has to be written anew', () => {
  const writer = new ByteWriter().u32(2);
  writer.f64(5).f64(4096).u32(90).u8(1).u8(0);
  writer.f64(6).f64(8192).u32(80).u8(2).u8(1).f64(1234).u16(1).u32(17).string('g');
  const block = readFormerBlock(new ByteReader(writer.take()), 3);
  expect(block).toMatchObject({ number: 3, isChanged: true });
  expect(entriesOf(block)).toEqual([
    { sequence: 5, position: 4096, share: 90, flags: 1, details: null },
    {
      ...{ sequence: 6, position: 8192, share: 80, flags: 2 },
      details: { expiresAt: 1234, identifiers: [17], group: 'g' },
    },
  ]);
});

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
    const at = found.start + index;
    const columns = [found.positions, found.shares, found.flags].map((column) => column[at]);
    expect([found.sequenceAt(at), ...columns]).toEqual([
      index + 1,
      1000 + index,
      index % 100,
      index % 3,
    ]);
  }
});
