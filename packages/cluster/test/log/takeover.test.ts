import { expect, jest, test } from '@jest/globals';
import { runLoss, runTakeovers, type TakeoverCounts } from '../support/takeover-model.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const SEEDS = 60;

test('whoever takes a cell over has all that was acknowledged, and nothing that was not written', async () => {
  const totals: Partial<TakeoverCounts> = {};
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const counts = await runTakeovers(seed);
      for (const [name, count] of Object.entries(counts) as [keyof TakeoverCounts, number][]) {
        totals[name] = (totals[name] ?? 0) + count;
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Else the seeds would show nothing.
  for (const count of Object.values(totals)) expect(count).toBeGreaterThan(SEEDS / 2);
});

test('entries that the engine has lost are found by what others were told, and nothing is removed for them', async () => {
  const outcomes = { found: 0, 'not-witnessed': 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      outcomes[await runLoss(seed)]++;
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Else the seeds would show nothing.
  expect(outcomes.found).toBeGreaterThan(SEEDS / 2);
  expect(outcomes['not-witnessed']).toBeGreaterThan(2);
});
