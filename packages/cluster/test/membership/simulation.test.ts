import { expect, test } from '@jest/globals';
import { type RunCounts, runMembership } from '../support/membership-run.ts';

const SEEDS = 12;

test('all cells are served, by one owner each, whatever happens to nodes, links and the engine', async () => {
  const totals: Partial<Record<keyof RunCounts, number>> = {};
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const counts = await runMembership(seed);
      for (const [name, count] of Object.entries(counts) as [keyof RunCounts, number][]) {
        totals[name] = (totals[name] ?? 0) + count;
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Else the seeds would show nothing. That a log says it first is rare: mostly the map does.
  const { fenced: _, ...others } = totals;
  for (const count of Object.values(others)) expect(count).toBeGreaterThan(SEEDS / 2);
});
