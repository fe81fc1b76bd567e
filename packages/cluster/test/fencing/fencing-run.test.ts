import { expect, test } from '@jest/globals';
import { otherProgram } from '../support/other-programs.ts';
import { runFencing } from './fencing-run.ts';

const nats = otherProgram('nats-server 2.15.1');
const KILLS = 8;

const title = 'what owners were told counts after writers and servers were killed and stopped';
if (nats.missing === null) test(title, testFencing, 300_000);
else test.skip(`${title}: ${nats.missing}`, () => {});

async function testFencing(): Promise<void> {
  const report = await runFencing({ seed: 5, kills: KILLS, window: 4, command: nats.command });
  expect(report.kills).toBeGreaterThanOrEqual(KILLS);
  expect(report.acknowledged).toBeGreaterThan(KILLS);
}
