import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { traceOfCluster } from './simulate-cluster.ts';

const SEED_COUNT = 250;
const script = join(import.meta.dirname, '../../../../../scripts/index.js');

test(`what clients of several cells were promised is kept over ${SEED_COUNT} simulated runs`, async () => {
  const args = [script, 'simulate', '--cluster', '--seeds', `1..${SEED_COUNT}`];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => {
    throw new Error(`${error.stdout}${error.stderr}`, { cause: error });
  });
  for (const [what, countMin] of [
    ['forwarded', SEED_COUNT * 5],
    ['duplicates', 0],
    ['cuts', 300],
    ['crashes', 200],
    ['stops', 100],
    ['outages', 100],
    ['wiped', 30],
    ['moves', 30],
    ['zombies', 30],
    ['elections', 50],
  ] as const) {
    const count = Number(new RegExp(`(\\d+) ${what}`).exec(stdout)?.[1]);
    expect(count).toBeGreaterThan(countMin);
  }
  expect(stdout).toMatch(new RegExp(`^seeds 1 to ${SEED_COUNT} in .* 0 failed$`, 'm'));
}, 300_000);

// The last digit says whether there is an engine.
test.each([8, 12])('a seed determines all that happens to several cells: %d', async (seed) => {
  const [once, again] = [await traceOfCluster(seed), await traceOfCluster(seed)];
  expect(again.lines).toEqual(once.lines);
  expect(once.lines.length).toBeGreaterThan(100);
});
