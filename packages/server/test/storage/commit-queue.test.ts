import { expect, test } from '@jest/globals';
import { Faults } from '../../src/runtime/faults.ts';
import { CommitQueue } from '../../src/storage/log/commit-queue.ts';

const faults = new Faults(null as never);

/** Waits for positions in this order, and lists what becomes of them. */
function waitFor(queue: CommitQueue, ...positions: number[]): string[] {
  const done: string[] = [];
  for (const [index, position] of positions.entries()) {
    queue.add({
      position,
      onCommitted: () => done.push(`${index} at ${position}`),
      onRefused: () => done.push(`${index} refused`),
    });
  }
  queue.checkInvariants();
  return done;
}

test('what waits is done in the order of its records, and of its coming', () => {
  const queue = new CommitQueue(faults);
  const done = waitFor(queue, 10, 30, 20, 20, 5, 40, 30);
  queue.commit(30);
  expect(done).toEqual(['4 at 5', '0 at 10', '2 at 20', '3 at 20']);
  queue.commit(41);
  expect(done.slice(4)).toEqual(['1 at 30', '6 at 30', '5 at 40']);
});

test('what depends on an earlier record does not wait for one that came first and is refused', () => {
  const queue = new CommitQueue(faults);
  const done = waitFor(queue, 30, 10);
  queue.commit(20);
  expect(done).toEqual(['1 at 10']);
  queue.refuse(20, 20);
  expect(done).toEqual(['1 at 10', '0 refused']);
});

test('what is done when a record is committed may wait for another one', () => {
  const queue = new CommitQueue(faults);
  const done: string[] = [];
  const later = { position: 15, onCommitted: () => done.push('later'), onRefused: () => {} };
  queue.add({ position: 10, onCommitted: () => queue.add(later), onRefused: () => {} });
  queue.add({ position: 20, onCommitted: () => done.push('last'), onRefused: () => {} });
  queue.commit(21);
  expect(done).toEqual(['later', 'last']);
});
