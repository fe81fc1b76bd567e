import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { createBroker, parseConfig } from '../../src/index.ts';
import { CertificateWatch } from '../../src/listeners/certificate-watch.ts';
import { loadListeners } from '../../src/listeners/loaded-listener.ts';
import { noopLogger } from '../../src/log/index.ts';
import { DeadlineQueue } from '../../src/runtime/deadline-queue.ts';
import { createStats } from '../../src/runtime/stats.ts';
import { CertificateAuthority } from '../support/certificates.ts';

const DAY_MS = 86_400_000;
const authority = new CertificateAuthority();
const folder = mkdtempSync(join(tmpdir(), 'promptmq-expiry-'));
const { cert, key } = authority.issue('brief', ['200101000000Z', '300101000000Z']);
writeFileSync(join(folder, 'cert.pem'), cert);
writeFileSync(join(folder, 'key.pem'), key);
const listener = {
  name: 'watched',
  kind: 'tls' as const,
  bind: '127.0.0.1:0',
  cert: join(folder, 'cert.pem'),
  key: join(folder, 'key.pem'),
};

afterAll(() => rmSync(folder, { recursive: true }));

test('the log warns of a certificate once a day, from as early on as configured', () => {
  const config = parseConfig({
    listeners: [listener],
    server: { tls: { expiryWarning: '10d' } },
  });
  const expiresAt = Date.UTC(2030, 0, 1);
  let now = 0;
  const why: string[] = [];
  const deadlines = new DeadlineQueue((_owner, error) => {
    throw error;
  });
  const log = {
    ...noopLogger,
    warn: (_event: string, fields: object = {}) => why.push((fields as { why: string }).why),
  };
  const startedAt = expiresAt - 11.5 * DAY_MS;
  const runtime = { now: () => now, wallNow: () => startedAt + now };
  const loaded = loadListeners(config);
  const stats = createStats();
  const watch = new CertificateWatch({ config, deadlines, log, runtime, stats }, loaded, null);
  const passDay = () => {
    now += DAY_MS;
    deadlines.runDue(now);
  };
  expect(why).toEqual([]);
  passDay();
  expect(why).toEqual([]);
  passDay();
  expect(why).toEqual([expect.stringContaining('"brief" expires soon, on 2030-01-01')]);
  watch.set(loaded, null);
  expect(why).toHaveLength(2);
  for (let day = 0; day < 10; day++) passDay();
  expect(why).toHaveLength(12);
  expect(why.at(-1)).toContain('has expired');
});

test('metrics have the days that are left, and the clients of each listener', async () => {
  const broker = await createBroker({
    listeners: [listener, { name: 'plain', kind: 'tcp', bind: '127.0.0.1:0' }],
    metrics: { bind: '127.0.0.1:0' },
  });
  const text = await (await fetch(`${broker.metricsUrl}/metrics`)).text();
  const days =
    /promptmq_certificate_days_left\{listener="watched",certificate="brief"\} ([\d.]+)/.exec(text);
  const left = (Date.UTC(2030, 0, 1) - Date.now()) / DAY_MS;
  expect(Number(days?.[1])).toBeCloseTo(left, 1);
  expect(text).toContain('promptmq_listener_connections{listener="plain"} 0');
  expect(text).toContain('promptmq_listener_connections{listener="watched"} 0');
  await broker.stop();
});
