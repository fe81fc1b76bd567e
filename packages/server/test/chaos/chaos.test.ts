import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { otherProgram } from '../support/other-programs.ts';
import { WRONGS } from './chaos-ledger.ts';
import { type ChaosOptions, runChaos } from './chaos-run.ts';
import { clusterSystem } from './systems/cluster-system.ts';
import { workersSystem } from './systems/workers-system.ts';

const nats = otherProgram('nats-server 2.15.1');

// Processes are found by /proc.
const testOnLinux = process.platform === 'linux' ? test : test.skip;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-chaos-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function expectNothingWrong(options: Omit<ChaosOptions, 'seed'>): Promise<void> {
  const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
  const { verdict, stuck } = await runChaos({ ...options, seed });
  // Who comes while a cell is away, and has been for longer than anybody waits for it, may get older retained messages.
  const wrongs = WRONGS.filter((name) => name !== 'staleRetained' && verdict[name] > 0);
  const details = wrongs.length + stuck === 0 ? [] : verdict.details;
  expect({ seed, wrongs, stuck, details }).toEqual({ seed, wrongs: [], stuck: 0, details: [] });
  expect(verdict.acknowledged).toBeGreaterThan(100);
  expect(verdict.delivered).toBeGreaterThan(verdict.acknowledged);
}

testOnLinux(
  'workers that are killed and stopped keep what they acknowledged, once at QoS 2, and in order',
  async () => expectNothingWrong({ system: await workersSystem(folder), faults: 8 }),
  300_000,
);

(nats.missing === null ? testOnLinux : test.skip)(
  'so do nodes of a cluster that are killed and cut off, and lose their disk',
  async () => {
    const only = ['node killed, its disk lost', 'partition'];
    await expectNothingWrong({
      system: await clusterSystem(folder, { cells: 3 }),
      faults: 3,
      only,
    });
  },
  600_000,
);
