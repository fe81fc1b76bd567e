import { expect, test } from '@jest/globals';
import { Congestion } from '../../src/connection/congestion.ts';
import type { HeldPublisher } from '../../src/connection/peer.ts';
import { DeadlineQueue } from '../../src/runtime/deadline-queue.ts';

class Publisher implements HeldPublisher {
  isRead = true;

  pauseReading(): void {
    expect(this.isRead).toBe(true);
    this.isRead = false;
  }

  resumeReading(): void {
    expect(this.isRead).toBe(false);
    this.isRead = true;
  }
}

function subscriber() {
  const deadlines = new DeadlineQueue((_, error) => {
    throw error;
  });
  const stats = { publishersHeldBack: 0 };
  return { deadlines, stats, congestion: new Congestion(deadlines, stats) };
}

test('a publisher is held once, however often it is to be, until the subscriber has caught up', () => {
  const { congestion, stats, deadlines } = subscriber();
  const publisher = new Publisher();
  congestion.hold(publisher, 0);
  congestion.hold(publisher, 10);
  expect(publisher.isRead).toBe(false);
  expect(stats.publishersHeldBack).toBe(1);
  congestion.checkInvariants();
  congestion.end();
  expect(publisher.isRead).toBe(true);
  expect(deadlines.length).toBe(0);
});

test('a subscriber that takes nothing for 100 ms holds nobody back any more, until it has caught up', () => {
  const { congestion, deadlines } = subscriber();
  const [first, second] = [new Publisher(), new Publisher()];
  congestion.hold(first, 0);
  congestion.hold(second, 50);
  deadlines.runDue(99);
  expect([first.isRead, second.isRead]).toEqual([false, false]);
  deadlines.runDue(100);
  expect([first.isRead, second.isRead]).toEqual([true, true]);
  congestion.hold(first, 101);
  expect(first.isRead).toBe(true);
  congestion.end();
  congestion.hold(first, 200);
  expect(first.isRead).toBe(false);
  congestion.checkInvariants();
});

test('one that takes something all the while, and does not catch up, holds them for a second at most', () => {
  const { congestion, deadlines } = subscriber();
  const publisher = new Publisher();
  congestion.hold(publisher, 0);
  for (let now = 100; now < 1000; now += 100) {
    congestion.noteProgress();
    deadlines.runDue(now);
    expect(publisher.isRead).toBe(false);
    congestion.checkInvariants();
  }
  congestion.noteProgress();
  deadlines.runDue(1000);
  expect(publisher.isRead).toBe(true);
});

test('progress before the deadline was set counts for that one only', () => {
  const { congestion, deadlines } = subscriber();
  const publisher = new Publisher();
  congestion.noteProgress();
  congestion.hold(publisher, 0);
  deadlines.runDue(100);
  expect(publisher.isRead).toBe(true);
});
