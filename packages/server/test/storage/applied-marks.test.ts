import { expect, test } from '@jest/globals';
import { AppliedMarks } from '../../src/storage/cells/applied-marks.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import type { CellOrigin } from '../../src/storage/records/message-record.ts';

const writer = new ByteWriter();

function origin(cell: number, sequence: number, generation = 7): CellOrigin {
  return { kind: 'cell', generation, cell, sequence };
}

test('what a full disk has refused is not applied', () => {
  const marks = new AppliedMarks();
  expect(marks.of(1)).toBeNull();
  marks.advance(origin(1, 4), 100);
  marks.advance(origin(2, 5), 200);
  marks.advance(origin(1, 6), 300);
  marks.commit(200);
  marks.checkInvariants();
  marks.takeBack(200);
  expect(marks.of(1)).toEqual({ generation: 7, sequence: 4 });
  expect(marks.of(2)).toBeNull();
  marks.takeBack(100);
  expect(marks.of(1)).toEqual({ generation: 7, sequence: 4 });
});

test('a checkpoint has the marks that have changed, and a start restores them as they were', () => {
  const marks = new AppliedMarks();
  marks.replay(origin(1, 4));
  marks.advance(origin(2, 5, 8), 100);
  const entries = [...marks.changes(writer)];
  expect(entries.map(([key]) => key)).toEqual(['c00000000000001', 'c00000000000002']);
  expect(Buffer.from(entries[0]?.[1] ?? []).toString('hex')).toBe(
    '0000000000001c400000000000001040',
  );
  expect([...marks.changes(writer)]).toEqual([]);
  expect([...marks.snapshot(writer)]).toEqual(entries);
  const restored = new AppliedMarks();
  for (const [index, [, value]] of entries.entries()) {
    restored.restore(index + 1, value as Uint8Array);
  }
  expect(restored.of(1)).toEqual(marks.of(1));
  expect(restored.of(2)).toEqual({ generation: 8, sequence: 5 });
  marks.takeBack(100);
  expect([...marks.changes(writer)]).toEqual([['c00000000000002', null]]);
});

test('advances that are out of their order are found', () => {
  const marks = new AppliedMarks();
  marks.advance(origin(1, 4), 200);
  marks.advance(origin(1, 5), 100);
  expect(() => marks.checkInvariants()).toThrow('the advance at 100 follows that at 200');
});
