import { expect, test } from '@jest/globals';
import { simulate, traceOf } from './simulate.ts';

const SEED_COUNT = 2000;

test(`what clients were promised is kept over ${SEED_COUNT} simulated runs`, async () => {
  let delivered = 0;
  for (let seed = 1; seed <= SEED_COUNT; seed++) delivered += (await simulate(seed)).delivered;
  expect(delivered).toBeGreaterThan(SEED_COUNT * 50);
}, 300_000);

test('a seed determines all that happens', async () => {
  const [once, again] = [await traceOf(7), await traceOf(7)];
  expect(again.lines).toEqual(once.lines);
  expect(once.lines.length).toBeGreaterThan(100);
});
