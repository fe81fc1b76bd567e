import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runCrashes } from './crash-run.ts';

const KILLS = 20;

test(`nothing acknowledged is lost when the broker is killed ${KILLS} times`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-crash-'));
  const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 1e9));
  const report = await runCrashes({ seed, kills: KILLS, directory });
  expect(report.kills).toBeGreaterThanOrEqual(KILLS);
  expect(report.judged).toBeGreaterThan(0);
  expect(report.acknowledged).toBeGreaterThan(100);
}, 300_000);
