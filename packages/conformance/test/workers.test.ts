import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { allCases, parseTarget, runCases } from '../src/index.ts';
import { type OwnWorkers, startWorkers } from './support/own-workers.ts';

/** What a message may take from one process to another on a busy machine. */
const SETTLE_MS = 300;

/** What could be another thing where clients are in several processes: retained messages, and order. */
const RULES = /^MQTT-(3\.3\.1|4\.6\.0)-/;

let workers: OwnWorkers;

beforeAll(async () => {
  workers = await startWorkers(2);
});

afterAll(() => workers.stop());

// `node scripts conformance --workers 2` asks all.
test('two workers keep and order messages as one process does, whichever of them a client’s session is in', async () => {
  const { address, wsUrl } = workers;
  const target = parseTarget(address, { wsUrl, settleMs: SETTLE_MS });
  const cases = allCases.filter(({ rules }) => rules.some((rule) => RULES.test(rule)));
  const results = await runCases(cases, { target, versions: [3, 4, 5] });
  expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(results.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(30);
}, 300_000);
