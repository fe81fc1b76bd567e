import { expect, test } from '@jest/globals';
import { type EntryDetails, QueueBlock, type QueueEntry } from '@promptmq/session';
import fc from 'fast-check';
import { ByteReader } from '../../src/storage/records/byte-reader.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { readBlock, writeBlock } from '../../src/storage/records/checkpoint/block.ts';
import { emptyEntry } from '../../src/storage/records/checkpoint/entry-flags.ts';
import { readFormerBlock } from '../../src/storage/records/checkpoint/former.ts';

interface Entry extends QueueEntry {
  details: EntryDetails | null;
}

/** An entry of QoS 1, unless it is said otherwise. */
function newEntry(fields: Partial<Entry>): Entry {
  return { ...emptyEntry(), qos: 1, details: null, ...fields };
}

function entriesOf(block: QueueBlock): Entry[] {
  const entries: Entry[] = [];
  for (let index = block.start; index < block.end; index++) {
    const entry = newEntry({ details: block.detailsAt(index) });
    block.read(index, entry);
    entries.push(entry);
  }
  return entries;
}

function blockOf(entries: readonly Entry[]): QueueBlock {
  const block = new QueueBlock(7);
  for (const entry of entries) block.add(entry, entry.details, null);
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
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  isSent: fc.boolean(),
  isReference: fc.boolean(),
  details: fc.option(details, { nil: null }),
});

test('a block is read back as it was written, whatever its entries', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40, size: 'max' }), (drawn) => {
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
  const entries = [1, 2, 3].map((sequence) =>
    newEntry({
      ...{ sequence, position: 100 * sequence, share: 90 },
      details: sequence === 3 ? { ...same } : same,
    }),
  );
  const writer = new ByteWriter();
  writeBlock(writer, blockOf(entries));
  const block = readBlock(new ByteReader(writer.take()), 1);
  expect(entriesOf(block)).toEqual(entries);
  expect(block.detailsAt(1)).toBe(block.detailsAt(0));
});

test('transient entries are left out, wherever they lie', () => {
  const transient = newEntry({ sequence: 0, qos: 0 });
  const block = blockOf([
    transient,
    newEntry({ sequence: 1, position: 64, share: 90 }),
    transient,
    newEntry({ sequence: 2, position: 200, share: 90 }),
  ]);
  const writer = new ByteWriter();
  writeBlock(writer, block);
  const read = readBlock(new ByteReader(writer.take()), 1);
  expect(entriesOf(read).map(({ sequence, position }) => [sequence, position])).toEqual([
    [1, 64],
    [2, 200],
  ]);
});

test('entries that follow each other in the log take 3 bytes', () => {
  const block = blockOf(
    Array.from({ length: 512 }, (_, index) =>
      newEntry({ sequence: 1000 + index, position: 1_000_000 + 1100 * index, share: 1090 }),
    ),
  );
  const writer = new ByteWriter();
  writeBlock(writer, block);
  expect(writer.length).toBeLessThan(3 * 512 + 16);
});

test('a block of a former version is read, and counts as changed: it has to be written again', () => {
  const writer = new ByteWriter().u32(2);
  writer.f64(5).f64(4096).u32(90).u8(1).u8(0);
  writer.f64(6).f64(8192).u32(80).u8(2).u8(1).f64(1234).u16(1).u32(17).string('g');
  const block = readFormerBlock(new ByteReader(writer.take()), 3);
  expect(block).toMatchObject({ number: 3, isChanged: true });
  expect(entriesOf(block)).toEqual([
    newEntry({ sequence: 5, position: 4096, share: 90, qos: 1 }),
    newEntry({
      ...{ sequence: 6, position: 8192, share: 80, qos: 2 },
      details: { expiresAt: 1234, identifiers: [17], group: 'g' },
    }),
  ]);
});

test.each([
  [{ qos: 1 }, 1],
  [{ qos: 2 }, 2],
  [{ qos: 1, retain: true }, 5],
  [{ qos: 2, isSent: true }, 10],
  [{ qos: 1, isReference: true }, 17],
] as const)('%j is the byte %d, as logs have it that are there already', (fields, flags) => {
  const writer = new ByteWriter();
  writeBlock(writer, blockOf([newEntry({ sequence: 1, position: 64, share: 90, ...fields })]));
  // One entry; flags and share follow; position 64; flags; share 90.
  expect([...writer.take()]).toEqual([1, 3, 64, flags, 90]);
});

/** Of all that was under way in a former process, a block of any length is made. */
test.each([1, 8, 511, 512, 513, 3000])('a block of %d entries is read back as it was', (count) => {
  const entries = Array.from({ length: count }, (_, index) =>
    newEntry({
      ...{ sequence: index + 1, position: 1000 + index, share: index % 100 },
      qos: (index % 3) as 0 | 1 | 2,
    }),
  );
  const writer = new ByteWriter();
  writeBlock(writer, blockOf(entries));
  expect(entriesOf(readBlock(new ByteReader(writer.take()), 7))).toEqual(entries);
});
