import { describe, expect, test } from '@jest/globals';
import { chooseVictims } from '../src/compaction/victims.ts';
import {
  BATCH_HEADER_SIZE,
  RecordKind,
  readBatch,
  SEGMENT_HEADER_SIZE,
} from '../src/format/format.ts';
import { encodeSnapshotEnd, SnapshotFinder } from '../src/format/snapshot.ts';
import { BatchBuilder } from '../src/log/batch-builder.ts';
import { Segment } from '../src/segments/segment.ts';

/** Segments of 1,000 bytes, with the given number of them live. */
function segments(...live: number[]): Segment[] {
  return live.map((liveBytes, index) => {
    const segment = new Segment('/log', index * 1000, index * 1000, 0, null);
    segment.end = segment.first + 1000;
    segment.recordBytes = 900;
    segment.releasedBytes = 900 - liveBytes;
    segment.lastWriteMs = 100 * (index + 1);
    return segment;
  });
}

const LIMITS = { maxSize: 1e9, maxAge: 1e9, canWrite: true, span: 0 };

function firsts(chosen: readonly Segment[]): number[] {
  return chosen.map(({ first }) => first / 1000);
}

describe('which segments are compacted', () => {
  test('none, while the log is neither too large nor old', () => {
    expect(chooseVictims(segments(0, 0, 0), 3000, null, 1000, LIMITS)).toEqual([]);
  });

  test('by size: those from which most is gained, until the log fits', () => {
    const all = segments(500, 100, 900, 0, 300);
    const choose = (maxSize: number) =>
      firsts(chooseVictims(all, 5000, null, 1000, { ...LIMITS, maxSize }));
    expect(choose(4999)).toEqual([3]);
    expect(choose(4000)).toEqual([3]);
    expect(choose(3999)).toEqual([1, 3]);
    expect(choose(3000)).toEqual([1, 3, 4]);
    expect(choose(1)).toEqual([0, 1, 3, 4]);
  });

  test('by size: not those of which less than a quarter is gained', () => {
    const limits = { ...LIMITS, maxSize: 1 };
    expect(firsts(chooseVictims(segments(751, 750), 2000, null, 1000, limits))).toEqual([1]);
  });

  test('by span, for a replica: the oldest, once those that have gone make it twice as long as the log', () => {
    // From 0 to 20,000: what lay between 4,000 and 16,000 has gone.
    const all = segments(800, 800, 800, 800, 800, 800, 800, 800);
    for (const segment of all.slice(4)) {
      (segment as { first: number }).first += 12_000;
      segment.end += 12_000;
    }
    const choose = (span: number, maxSize = 1e4) =>
      firsts(chooseVictims(all, 8000, null, 1000, { ...LIMITS, maxSize, span }));
    expect(choose(20_000)).toEqual([]);
    expect(choose(20_001)).toEqual([0, 1, 2, 3, 16]);
    // Not for ever, where all of the log is live.
    expect(choose(16_000, 1000)).toEqual([]);
    expect(choose(16_001, 1000)).toEqual([0, 1, 2, 3, 16]);
  });

  test('by age: those that were written last before it, if a sixteenth is dead', () => {
    const limits = { ...LIMITS, maxAge: 800 };
    const choose = (nowMs: number) =>
      firsts(chooseVictims(segments(0, 838, 837, 0), 4000, null, nowMs, limits));
    expect(choose(900)).toEqual([]);
    expect(choose(901)).toEqual([0]);
    expect(choose(1101)).toEqual([0, 2]);
    expect(choose(1201)).toEqual([0, 2, 3]);
  });

  test('those whose age is not known are not old', () => {
    const [one] = segments(0) as [Segment];
    one.lastWriteMs = 0;
    expect(chooseVictims([one], 1000, null, 1e15, { ...LIMITS, maxAge: 1 })).toEqual([]);
  });

  test('only if twice as much is gained as a snapshot takes, which counts as dead itself', () => {
    const limits = { ...LIMITS, maxSize: 1 };
    const all = segments(500, 500, 900);
    const choose = (start: number, end: number) =>
      firsts(chooseVictims(all, 3000, { start, end }, 1000, limits));
    expect(choose(2000, 2000)).toEqual([0, 1]);
    // Half of two segments is dead, and a third one becomes worth it by its snapshot.
    expect(choose(2100, 2500)).toEqual([0, 1, 2]);
    expect(choose(2100, 3100)).toEqual([]);
    expect(chooseVictims(segments(900), 1000, { start: 64, end: 1000 }, 1000, limits)).toEqual([]);
  });

  test('dead ones before the last snapshot in any case, and only they on a full disk', () => {
    const limits = { ...LIMITS, maxSize: 1 };
    const all = segments(0, 300, 300, 0);
    const snapshot = { start: 2000, end: 20_000 };
    expect(firsts(chooseVictims(all, 4000, snapshot, 1000, limits))).toEqual([0]);
    const full = { ...limits, canWrite: false };
    expect(firsts(chooseVictims(all, 4000, { start: 2000, end: 2100 }, 1000, full))).toEqual([0]);
    expect(chooseVictims(all, 4000, null, 1000, full)).toEqual([]);
  });
});

describe('a snapshot in the log', () => {
  type Part = readonly [kind: RecordKind, data: Buffer];

  /** Batches at positions one after the other. */
  function find(...batches: (readonly Part[])[]): SnapshotFinder {
    const finder = new SnapshotFinder();
    let position = SEGMENT_HEADER_SIZE;
    for (const parts of batches) {
      const builder = new BatchBuilder();
      builder.reset(position);
      for (const [kind, data] of parts) {
        const name = Buffer.from(kind === RecordKind.snapshotEntry ? 'key' : '');
        builder.add([data], data.length, name, kind);
      }
      const bytes = Buffer.from(builder.seal(0, 0));
      const batch = readBatch(bytes, 0, position);
      if (batch === null) throw new Error('no batch');
      finder.add(bytes, 0, batch);
      position += bytes.length;
    }
    return finder;
  }

  const data: Part = [RecordKind.data, Buffer.alloc(3)];
  const begin: Part = [RecordKind.snapshotBegin, Buffer.alloc(0)];
  const entry: Part = [RecordKind.snapshotEntry, Buffer.alloc(5)];
  const endOf = (position: number, count: number): Part => [
    RecordKind.snapshotEnd,
    encodeSnapshotEnd({ begin: position, count, releasedBytes: new Map([[64, 7]]) }),
  ];
  const first = SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE;

  test('counts when its begin, all entries and its end are there, over any batches', () => {
    const whole = find([begin, entry, entry, endOf(first, 2)]);
    expect(whole.last).toMatchObject({
      start: SEGMENT_HEADER_SIZE,
      releasedBytes: new Map([[64, 7]]),
    });
    expect(find([begin, entry], [entry], [endOf(first, 2)]).last).toMatchObject({
      start: SEGMENT_HEADER_SIZE,
    });
    expect(find([begin, endOf(first, 0)]).last).not.toBeNull();
  });

  test('does not when something of it is missing or comes between', () => {
    expect(find([begin, entry, entry]).last).toBeNull();
    expect(find([begin, entry], [endOf(first, 2)]).last).toBeNull();
    expect(find([entry, endOf(first, 1)]).last).toBeNull();
    expect(find([begin, entry, endOf(first + 8, 1)]).last).toBeNull();
    expect(find([begin, entry], [data], [endOf(first, 1)]).last).toBeNull();
  });

  test('is replaced by a newer whole one only', () => {
    const whole = [begin, endOf(first, 0)];
    const { last } = find(whole);
    const next = (last?.end ?? 0) + BATCH_HEADER_SIZE;
    expect(find(whole, [begin, entry, endOf(next, 1)]).last).toMatchObject({ start: last?.end });
    expect(find(whole, [begin, entry, endOf(next, 2)]).last).toEqual(last);
    expect(find(whole, [begin, entry]).last).toEqual(last);
  });
});
