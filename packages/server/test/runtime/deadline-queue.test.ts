import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Deadline, DeadlineQueue } from '../../src/runtime/deadline-queue.ts';

test('deadlines run in the order of their time, whatever is moved or cancelled in between', () => {
  const operation = fc.record({
    which: fc.nat(9),
    at: fc.option(fc.nat(1000), { nil: Number.POSITIVE_INFINITY }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
      const queue = new DeadlineQueue(() => {});
      const ran: number[] = [];
      const deadlines = Array.from(
        { length: 10 },
        (_, index) => new Deadline(() => ran.push(index)),
      );
      const expected = new Map<number, number>();
      for (const { which, at } of operations) {
        queue.schedule(deadlines[which] as Deadline, at);
        if (at === Number.POSITIVE_INFINITY) expected.delete(which);
        else expected.set(which, at);
      }
      expect(queue.length).toBe(expected.size);
      expect(queue.nextAt).toBe(Math.min(...expected.values()));
      queue.runDue(1000);
      expect(ran.map((index) => expected.get(index))).toEqual(
        [...expected.values()].sort((a, b) => a - b),
      );
    }),
  );
});

test('a deadline that is not due stays, and one may schedule itself again', () => {
  const queue = new DeadlineQueue(() => {});
  const ran: number[] = [];
  const deadline: Deadline = new Deadline((now) => {
    ran.push(now);
    queue.schedule(deadline, now + 10);
  });
  queue.schedule(deadline, 5);
  queue.runDue(4);
  expect(ran).toEqual([]);
  queue.runDue(5);
  expect(ran).toEqual([5]);
  expect(queue.nextAt).toBe(15);
});

test('a deadline that throws is reported with the connection that it is for, and the others run', () => {
  const reported: unknown[] = [];
  const queue = new DeadlineQueue((connection, error) => reported.push(connection, error));
  const ran: string[] = [];
  const error = new RangeError('planted');
  queue.schedule(
    new Deadline(() => {
      throw error;
    }),
    1,
  );
  queue.schedule(new Deadline(() => ran.push('second')), 2);
  queue.runDue(2);
  expect(reported).toEqual([null, error]);
  expect(ran).toEqual(['second']);
  expect(queue.length).toBe(0);
});
