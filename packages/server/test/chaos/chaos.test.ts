import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WRONGS } from './chaos-ledger.ts';
import { type ChaosReport, runChaos } from './chaos-run.ts';
import { workersSystem } from './systems/workers-system.ts';

// Processes are found by /proc.
const testOnLinux = process.platform === 'linux' ? test : test.skip;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-chaos-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function wrongsOf({ verdict }: ChaosReport): readonly string[] {
  return WRONGS.filter((name) => verdict[name] > 0);
}

testOnLinux(
  'workers that are killed and stopped keep what they acknowledged, once at QoS 2, and in order',
  async () => {
    const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
    const report = await runChaos({ system: await workersSystem(folder), seed, faults: 8 });
    // What a broker that comes back has of retained messages is another promise.
    const wrongs = wrongsOf(report).filter((name) => name !== 'staleRetained');
    expect({ seed, wrongs, stuck: report.stuck, details: report.verdict.details }).toEqual({
      seed,
      wrongs: [],
      stuck: 0,
      details: wrongs.length === 0 ? report.verdict.details : [],
    });
    expect(report.verdict.acknowledged).toBeGreaterThan(100);
    expect(report.verdict.delivered).toBeGreaterThan(report.verdict.acknowledged);
  },
  300_000,
);
