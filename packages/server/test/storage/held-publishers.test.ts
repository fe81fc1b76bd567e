import { expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/index.ts';
import { HeldPublishers } from '../../src/storage/log/held-publishers.ts';
import type { RecordLog } from '../../src/storage/log/record-log.ts';

const config = parseConfig({});
const MAX = config.storage.wal.maxPendingBytes;

/** A log of which so much waits to be written, and a publisher that notes what is done with it. */
function begin() {
  const log = { pendingBytes: 0 };
  const records = { isOpen: true, log };
  const stats = { publishersHeldBack: 0 };
  const held = new HeldPublishers(config, records as unknown as RecordLog, stats);
  const calls: string[] = [];
  const publisher = {
    pauseReading: () => void calls.push('pause'),
    resumeReading: () => void calls.push('resume'),
  };
  return { log, records, stats, held, calls, publisher };
}

test('a publisher is not read from while too much waits, and again when half of it is written', () => {
  const { log, stats, held, calls, publisher } = begin();
  log.pendingBytes = MAX - 1;
  held.holdBack(publisher);
  expect(calls).toEqual([]);
  log.pendingBytes = MAX;
  held.holdBack(publisher);
  held.holdBack(publisher);
  held.checkInvariants();
  expect(calls).toEqual(['pause']);
  expect(stats.publishersHeldBack).toBe(1);
  log.pendingBytes = MAX / 2 + 1;
  held.letGo();
  expect(calls).toEqual(['pause']);
  log.pendingBytes = MAX / 2;
  // Nobody has let it go yet.
  expect(() => held.checkInvariants()).toThrow('held back for nothing');
  held.letGo();
  held.checkInvariants();
  expect(calls).toEqual(['pause', 'resume']);
});

test('when nothing can be written, all are read from: what they publish is refused', () => {
  const { log, records, held, calls, publisher } = begin();
  log.pendingBytes = MAX;
  held.holdBack(publisher);
  records.isOpen = false;
  held.letGo();
  expect(calls).toEqual(['pause', 'resume']);
});
