import { describe, expect, test } from '@jest/globals';
import { RecordKind } from '../src/format/format.ts';
import { Streams } from '../src/index/streams.ts';
import { BatchBuilder } from '../src/log/batch-builder.ts';
import { LogState } from '../src/log/log-state.ts';
import { LogTime } from '../src/log/log-time.ts';
import { Segment } from '../src/segments/segment.ts';
import { Segments } from '../src/segments/segments.ts';
import { FaultyFiles } from '../src/testing/index.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

/** What has to hold is checked all the time in other tests; here, that the checks see what doesn't. */

const ID = '00'.repeat(16);

/** Two segments, one after the other. */
function twoSegments(): { segments: Segments; first: Segment; second: Segment } {
  const first = Segment.after(undefined, DIRECTORY, 0, ID);
  first.end = 1000;
  first.recordBytes = 800;
  const second = Segment.after(first, DIRECTORY, 1000, ID);
  return {
    segments: new Segments(new FaultyFiles(), DIRECTORY, [first, second]),
    first,
    second,
  };
}

describe('the positions of a log', () => {
  test('that hold pass, and may grow', () => {
    const state = new LogState(DIRECTORY, 100);
    state.checkInvariants();
    state.head = 300;
    state.written = 200;
    state.acknowledged = 200;
    state.checkInvariants();
  });

  test.each([
    ['more is durable than was written', { head: 300, durable: 200 }],
    ['more is acknowledged than was written', { head: 300, acknowledged: 101 }],
    ['more is written than there is', { written: 101 }],
    ['less than nothing is pending', { pendingBytes: -1 }],
  ])('are found when %s', (_, change) => {
    const state = Object.assign(new LogState(DIRECTORY, 100), change);
    expect(() => state.checkInvariants()).toThrow('invariant: ');
  });

  test('are found when one goes back', () => {
    const state = new LogState(DIRECTORY, 100);
    state.durable = 100;
    state.checkInvariants();
    state.durable = 99;
    expect(() => state.checkInvariants()).toThrow('were ahead before');
  });
});

describe('segments', () => {
  test('that follow each other pass', () => {
    const { segments, second } = twoSegments();
    second.recordBytes = -16;
    segments.checkInvariants(40);
    expect(segments.size).toBe(1064);
    expect(segments.at(999)?.first).toBe(0);
  });

  test('are found when they overlap', () => {
    const { segments, first } = twoSegments();
    first.end = 1001;
    expect(() => segments.checkInvariants(0)).toThrow('begins at 1000, the one before it ends at');
  });

  test.each([
    ['it ends in its header', { end: 10 }],
    ['it has more bytes of records than bytes', { recordBytes: 937 }],
    ['less than nothing of it is dead', { releasedBytes: -1 }],
    ['it is to be synced, and its file is not open', { isDirty: true }],
  ])('one is found when %s', (_, change) => {
    const { segments, first } = twoSegments();
    Object.assign(first, change);
    expect(() => segments.checkInvariants(0)).toThrow('invariant: ');
  });
});

test('a batch is found that has not the records that it counts', () => {
  const batch = new BatchBuilder();
  batch.add([Buffer.from('a')], 1, new Uint8Array(0), RecordKind.data);
  batch.add([Buffer.from('bc')], 2, Buffer.from('stream'), RecordKind.data);
  batch.checkInvariants();
  batch.count++;
  expect(() => batch.checkInvariants()).toThrow('has 2 records, and counts 3');
  batch.count -= 2;
  expect(() => batch.checkInvariants()).toThrow('has 2 records, and counts 1');
});

test('a stream is found whose positions do not grow, or come from later ones', () => {
  const streams = new Streams();
  streams.note(0, 'a', 100, 100);
  streams.note(0, 'a', 200, 50);
  streams.checkInvariants();
  streams.note(0, 'b', 300, 301);
  expect(() => streams.checkInvariants()).toThrow('comes from 301');
  const others = new Streams();
  others.note(0, 'a', 200, 200);
  others.note(0, 'a', 100, 100);
  expect(() => others.checkInvariants()).toThrow('has 100 after 200');
});

test('a time that goes back is found', () => {
  let nowMs = 1000;
  const clock = {
    now: () => nowMs,
    wallNow: () => nowMs,
    defer: () => {},
    setTimer: () => () => {},
  };
  const time = new LogTime(clock);
  time.resume(null);
  time.checkInvariants();
  nowMs = 999;
  expect(() => time.checkInvariants()).toThrow('goes back');
});

test('a log is found whose parts do not agree, and one that is closed still passes', async () => {
  const log = await openLog(new FaultyFiles());
  log.append(Buffer.from('a'));
  log.checkInvariants();
  await settle();
  await log.close();
  log.checkInvariants();
  const last = log.segments.at(-1) as Segment;
  last.recordBytes += 10_000;
  expect(() => log.checkInvariants()).toThrow('invariant: ');
});
