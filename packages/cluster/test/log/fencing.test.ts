import { expect, test } from '@jest/globals';
import { type ModelCounts, runFencing } from '../support/fencing-model.ts';

const SEEDS = 300;

test.each([1, 4])(
  'nothing acknowledged is lost or doubled, with a window of %i',
  async (window) => {
    const totals: Partial<ModelCounts> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const counts = await runFencing(seed, { window });
        for (const [name, count] of Object.entries(counts) as [keyof ModelCounts, number][]) {
          totals[name] = (totals[name] ?? 0) + count;
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    const { voidEntries, ...others } = totals as ModelCounts;
    // Else the seeds would show nothing.
    for (const count of Object.values(others)) expect(count).toBeGreaterThan(SEEDS / 2);
    // One entry at a time is refused or counts; only behind others can one be appended that doesn't.
    if (window === 1) expect(voidEntries).toBe(0);
    else expect(voidEntries).toBeGreaterThan(SEEDS / 10);
  },
);
