import { expect, test } from '@jest/globals';
import { RestartDelays } from '../../src/cluster/restart-delays.ts';

test('a worker that ends again and again is started later each time, and then no more', () => {
  const delays = new RestartDelays();
  const waits = Array.from({ length: 11 }, () => delays.next(59_999));
  const doubled = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];
  expect(waits).toEqual([...doubled, null]);
});

test('one that has run for a minute is started as if it had ended for the first time', () => {
  const delays = new RestartDelays();
  for (let count = 0; count < 10; count++) delays.next(0);
  expect(delays.next(60_000)).toBe(100);
  expect(delays.failures).toBe(1);
  expect(delays.next(0)).toBe(200);
});
