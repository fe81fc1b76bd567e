import { expect, test } from '@jest/globals';
import { Deadline, DeadlineQueue } from '../../src/runtime/deadline-queue.ts';
import { DeadlineTimer } from '../../src/runtime/deadline-timer.ts';

/** Timers that go off when the test says so. */
function machine() {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  let now = 0;
  const runtime = {
    now: () => now,
    wallNow: () => now,
    defer: (callback: () => void) => callback(),
    uniqueId: () => '',
    setTimer: (delayMs: number, callback: () => void) => {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return {
    runtime,
    /** When the timers that are set go off. */
    get set() {
      return [...timers].map(({ at }) => at);
    },
    goTo(at: number) {
      now = at;
      for (const timer of [...timers]) {
        if (timer.at > at || !timers.delete(timer)) continue;
        timer.callback();
      }
    },
  };
}

test('a deadline that is scheduled is run in time, without anything else being called', () => {
  const { runtime, ...clock } = machine();
  const queue = new DeadlineQueue(() => {});
  const timer = new DeadlineTimer(queue, runtime);
  const ran: number[] = [];
  const late = new Deadline((now) => ran.push(now));
  const early = new Deadline((now) => ran.push(now));
  queue.schedule(late, 50);
  queue.schedule(early, 20);
  clock.goTo(20);
  expect(ran).toEqual([20]);
  queue.schedule(early, 30);
  clock.goTo(30);
  clock.goTo(50);
  expect(ran).toEqual([20, 30, 50]);
  timer.stop();
});

test('there is one timer, for the earliest deadline; one that comes later sets none', () => {
  const clock = machine();
  const queue = new DeadlineQueue(() => {});
  const timer = new DeadlineTimer(queue, clock.runtime);
  const deadline = new Deadline(() => {});
  queue.schedule(deadline, 40);
  queue.schedule(new Deadline(() => {}), 60);
  expect(clock.set).toEqual([40]);
  queue.schedule(deadline, 10);
  expect(clock.set).toEqual([10]);
  timer.stop();
  expect(clock.set).toEqual([]);
  queue.schedule(deadline, 5);
  expect(clock.set).toEqual([]);
});

test('deadlines that were scheduled before there was a timer are run, too', () => {
  const { runtime, ...clock } = machine();
  const queue = new DeadlineQueue(() => {});
  const ran: number[] = [];
  queue.schedule(new Deadline((now) => ran.push(now)), 7);
  new DeadlineTimer(queue, runtime);
  clock.goTo(7);
  expect(ran).toEqual([7]);
});
