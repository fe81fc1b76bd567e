import { expect, test } from '@jest/globals';
import { Sampling } from '../../src/monitor/analytics/sampling.ts';

/** Numbers from 0 to below 1, the same each time. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test('few messages are all looked at', () => {
  const sampling = new Sampling(() => 1000, seeded());
  for (let second = 0; second < 20; second++) {
    for (let count = 0; count < 100; count++) {
      expect(sampling.isDue()).toBe(true);
      expect(sampling.standsFor).toBe(1);
      sampling.next(4, second * 1000 + count * 10);
    }
  }
});

test('of many, about as many are noted as may be, and the estimate is right to its deviation', () => {
  const sampling = new Sampling(() => 1000, seeded());
  let notes = 0;
  let estimate = 0;
  let variance = 0;
  const perSecond = 100_000;
  for (let message = 0; message < 20 * perSecond; message++) {
    if (!sampling.isDue()) continue;
    const count = sampling.standsFor;
    // Every tenth message is of one topic: nothing of it comes in step with the choice.
    if (message % 10 === 0) {
      estimate += count;
      variance += count * (count - 1);
    }
    notes += 4;
    sampling.next(4, (message * 1000) / perSecond);
  }
  // The first second finds out how many there are.
  expect(notes / 20).toBeGreaterThan(700);
  expect(notes / 20).toBeLessThan(2000);
  expect(Math.abs(estimate - 2 * perSecond)).toBeLessThan(3 * Math.sqrt(variance));
  expect(Math.sqrt(variance)).toBeLessThan(0.1 * 2 * perSecond);
});

test('also where one stands for a few, nothing is counted too often', () => {
  const sampling = new Sampling(() => 1500, seeded());
  let estimate = 0;
  let variance = 0;
  for (let message = 0; message < 200_000; message++) {
    if (!sampling.isDue()) continue;
    const count = sampling.standsFor;
    estimate += count;
    variance += count * (count - 1);
    sampling.next(4, message);
  }
  expect(sampling.standsFor).toBe(3);
  expect(Math.abs(estimate - 200_000)).toBeLessThan(3 * Math.sqrt(variance));
});

test('when there are few again, all are looked at again', () => {
  const sampling = new Sampling(() => 100, seeded());
  for (let message = 0; message < 50_000; message++) {
    if (sampling.isDue()) sampling.next(4, message / 100);
  }
  expect(sampling.standsFor).toBeGreaterThan(1);
  let now = 1000;
  for (let message = 0; message < 10_000; message++) {
    now += 1000;
    if (sampling.isDue()) sampling.next(4, now);
  }
  expect(sampling.standsFor).toBe(1);
});
