import { expect, test } from '@jest/globals';
import { spareCountOf } from '../../src/cluster/spare-count.ts';

test.each([
  ['alone, nothing can fall to it', 6, 1, 1],
  ['of two, all that the other has', 6, 2, 3],
  ['of three, a half of what one has', 6, 3, 1],
  ['more cells, more of them', 12, 3, 2],
  ['but not more than four', 64, 2, 4],
  ['before it knows of any node', 6, 0, 1],
])('%s: %i cells on %i nodes', (_, cells, nodes, count) => {
  expect(spareCountOf(cells, nodes)).toBe(count);
});
