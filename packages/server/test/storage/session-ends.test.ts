import { expect, test } from '@jest/globals';
import { Faults } from '../../src/runtime/faults.ts';
import { CommitQueue } from '../../src/storage/log/commit-queue.ts';
import type { RecordLog } from '../../src/storage/log/record-log.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { SessionEnds } from '../../src/storage/write/session-ends.ts';

/** A log whose records lie at 1, 2, 3 and so on, as far as there is room. */
class FakeLog {
  readonly writer = new ByteWriter();
  readonly written: string[] = [];
  isOpen = true;
  lastPosition = -1;
  #whenRoom: (() => void)[] = [];

  append(): number {
    this.written.push(this.writer.take().toString('hex', 0, 1));
    this.lastPosition = this.written.length;
    return this.lastPosition;
  }

  whenRoom(action: () => void): void {
    this.#whenRoom.push(action);
  }

  /** The disk refuses everything from a position on. */
  refuse(position: number, queue: CommitQueue): void {
    this.isOpen = false;
    this.lastPosition = Math.min(this.lastPosition, position - 1);
    queue.refuse(position, position);
  }

  makeRoom(ends: SessionEnds): void {
    this.isOpen = true;
    ends.onHasRoom();
    for (const action of this.#whenRoom.splice(0)) action();
  }
}

function begin() {
  const log = new FakeLog();
  const queue = new CommitQueue(new Faults(null as never));
  return { log, queue, ends: new SessionEnds(log as unknown as RecordLog, queue) };
}

test('the end of a session is written at once: End, or Ending while something is left of it', () => {
  const { log, ends } = begin();
  ends.write('one', 1);
  ends.write('two', 2, 7);
  ends.finish(2);
  expect(log.written).toEqual(['04', '0b', '04']);
  expect(ends.lastPosition).toBe(2);
  ends.checkInvariants();
});

test('an end without room is known by its client, and written when there is room', () => {
  const { log, ends } = begin();
  log.isOpen = false;
  ends.write('one', 1);
  ends.checkInvariants();
  expect([ends.hasUnwritten('one'), ends.hasUnwritten('two')]).toEqual([true, false]);
  log.isOpen = true;
  expect(() => ends.checkInvariants()).toThrow('1 ends are not written, and there is room');
  log.makeRoom(ends);
  ends.checkInvariants();
  expect(ends.hasUnwritten('one')).toBe(false);
  expect(log.written).toEqual(['04']);
});

test('nobody waits for an end that was refused, be it not the first record to be', () => {
  const { log, queue, ends } = begin();
  log.writer.reset().u8(1);
  log.append();
  ends.write('one', 1);
  ends.finish(2);
  log.refuse(1, queue);
  ends.checkInvariants();
  expect(ends.lastPosition).toBeLessThan(1);
  expect(ends.hasUnwritten('one')).toBe(true);
  log.makeRoom(ends);
  expect(log.written.slice(3)).toEqual(['04', '04']);
  expect(ends.hasUnwritten('one')).toBe(false);
});
