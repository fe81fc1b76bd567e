/**
 * Kills a broker again and again while real clients use it, and looks whether it keeps what it promised.
 *
 *   node scripts crash [--kills N] [--seed N] [--directory DIR] [--json]
 *
 * Ends with 1 and the last events when something is lost, comes twice that may not, or comes in a wrong
 * order; what the broker had on disk is left in the folder then. Else the folder is removed.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashReport } from '../packages/server/test/crash/crash-run.ts';
import { readArguments, wholeNumber } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import { buildIfNeeded } from './lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    directory: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const kills = wholeNumber('--kills', values.kills);
const seed = wholeNumber('--seed', values.seed);
buildIfNeeded();
await import('./lib/sources.js');
const { runCrashes } = await import('../packages/server/test/crash/crash-run.ts');

const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'promptmq-crash-'));
const startedAt = performance.now();
let shownAt = startedAt;
try {
  const report = await runCrashes({
    seed,
    kills,
    directory,
    onProgress: ({ kills, acknowledged, judged }) => {
      if (values.json || performance.now() - shownAt < 5000) return;
      shownAt = performance.now();
      console.log(`${kills} kills, ${acknowledged} acknowledged, judged ${judged} times`);
    },
  });
  print(report);
} catch (error) {
  console.error(messageOf(error));
  console.error(`what the broker had on disk is in ${directory}`);
  process.exitCode = 1;
}

function print(report: CrashReport): void {
  const { points, recoveries, ...counts } = report;
  const sorted = recoveries.sort((a, b) => a - b);
  const recoveryMs = { median: sorted[sorted.length >> 1] ?? 0, most: sorted.at(-1) ?? 0 };
  const seconds = (performance.now() - startedAt) / 1000;
  if (values.json) {
    console.log(JSON.stringify({ ...counts, points, recoveryMs, seconds }));
    return;
  }
  for (const [name, count] of Object.entries(points).sort(([, a], [, b]) => b - a)) {
    console.log(`${String(count).padStart(6)} killed ${name}`);
  }
  for (const [name, count] of Object.entries(counts)) console.log(`${name}: ${count}`);
  console.log(
    `started in ${recoveryMs.median.toFixed(1)} ms (median), ${recoveryMs.most.toFixed(1)} ms (most)`,
  );
  console.log(`nothing lost, ${seconds.toFixed(1)} s`);
}
