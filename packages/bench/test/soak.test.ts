import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';
import { parseTarget, soak } from '../src/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'promptmq-soak-'));
let broker: RunningBroker | null = null;

afterEach(async () => {
  await broker?.stop();
  broker = null;
  rmSync(directory, { recursive: true, force: true });
});

const SHORT = {
  seconds: 5,
  ratePerSecond: 3000,
  intervalSeconds: 1,
  churn: { durableMs: 300 },
} as const;

async function start(mqtt: object = {}): Promise<{ url: string; metricsUrl: string }> {
  broker = await createBroker({
    mqtt,
    metrics: { enabled: true, sysInterval: 0 },
    storage: { dataDir: join(directory, 'data'), walDir: join(directory, 'wal') },
  });
  return { url: broker.url as string, metricsUrl: `${broker.metricsUrl}/metrics` };
}

test('while clients and sessions come and go, every message is accounted for, in order', async () => {
  const { url, metricsUrl } = await start();
  const report = await soak(parseTarget(url), { ...SHORT, metricsUrl });
  expect(report.checks.filter(({ isPassed }) => !isPassed)).toEqual([]);
  expect(report.checks.map(({ name }) => name)).toEqual([
    'nothing is missing',
    'nothing comes twice',
    'all comes in order',
    'nothing comes that was not asked for',
    'the broker counts the same',
    'nothing is left behind',
  ]);
  // All that should happen has.
  for (const count of Object.values(report.churn)) expect(count).toBeGreaterThan(0);
  expect(report.sent).toBeGreaterThan(0);
  expect(report.samples).toHaveLength(5);
  expect(broker?.stats).toMatchObject({
    connectionsCurrent: 0,
    sessionsCurrent: 0,
    subscriptionsCurrent: 0,
    retainedCurrent: 0,
  });
});

test('what a broker drops is found, and its counters show it', async () => {
  const { url, metricsUrl } = await start({ maxQueuedMessages: 5 });
  const options = { ...SHORT, seconds: 2, metricsUrl, drainSeconds: 0.5 };
  const { checks, problems } = await soak(parseTarget(url), options);
  const failed = checks.filter(({ isPassed }) => !isPassed);
  expect(failed.map(({ name }) => name)).toEqual([
    'nothing is missing',
    'the broker counts the same',
  ]);
  expect(problems.missing).toBeGreaterThan(0);
  expect(failed[0]?.detail).toMatch(/missing: durable-\d: \d+ of .*durable\/\d before \d+/);
  expect(failed[1]?.detail).toMatch(/messages_dropped_total is \d+, not 0/);
});

test('a broker that goes away ends the soak', async () => {
  const { url } = await start();
  const onSample = () => void broker?.stop();
  await expect(soak(parseTarget(url), { ...SHORT, seconds: 60, onSample })).rejects.toThrow(
    /the broker disconnected with 0x8b|was closed by the broker|can't connect/,
  );
});
