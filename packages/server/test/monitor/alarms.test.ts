import { afterEach, expect, test } from '@jest/globals';
import { connectAsync } from 'mqtt';
import { parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import type { ConfigInput } from '../../src/index.ts';
import type { Logger } from '../../src/log/index.ts';
import { AlarmBook, type Condition } from '../../src/monitor/alarms/alarm-book.ts';
import { conditionsOf, type Findings } from '../../src/monitor/alarms/conditions.ts';
import { MONITOR_FIELDS, type MonitorValues } from '../../src/monitor/index.ts';
import { AdminApi } from '../support/admin-api.ts';
import { SteeredClock } from '../support/steered-clock.ts';

const opened: AdminApi[] = [];

afterEach(async () => {
  for (const api of opened.splice(0)) await api[Symbol.asyncDispose]();
});

async function open(clock: SteeredClock, options: ConfigInput, logger?: Logger): Promise<AdminApi> {
  const api = await AdminApi.open(options, logger === undefined ? {} : { logger }, {
    runtime: clock,
  });
  opened.push(api);
  return api;
}

const namesOf = (body: { data: { name: string }[] }) => body.data.map(({ name }) => name);

function condition(name: string): Condition {
  return { name, message: `${name} is so`, remedy: 'mend it', details: {} };
}

test('a queue that fills up, and what it drops, are alarms until half a minute after they end', async () => {
  const clock = new SteeredClock();
  const lines: string[] = [];
  const log = (event: string, fields?: object) => {
    if (event.startsWith('alarm-')) lines.push(`${event} ${JSON.stringify(fields)}`);
  };
  const logger = { info: log, warn: log, error: log, debug: log, trace: log, fatal: log };
  const api = await open(clock, { mqtt: { maxQueuedMessages: 10 } }, logger as unknown as Logger);
  const sleeper = await connectAsync(`${api.broker.url}`, {
    clientId: 'sleeper',
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 86_400 },
  });
  await sleeper.subscribeAsync('a', { qos: 1 });
  await sleeper.endAsync();
  const publisher = await connectAsync(`${api.broker.url}`, { protocolVersion: 5 });
  for (let count = 0; count < 8; count++) await publisher.publishAsync('a', 'x', { qos: 1 });
  await publisher.publishAsync('a', 'nothing is kept at QoS 0, and that is no alarm', { qos: 0 });
  clock.advance(10);
  const { body } = await api.get('/alarms');
  expect(body.data).toMatchObject([
    {
      node: 'promptmq@127.0.0.1',
      name: 'client_queue_filling/sleeper',
      details: { client: 'sleeper', messages: 8, percent: 80, remedy: expect.any(String) },
      deactivate_at: 'infinity',
    },
  ]);
  for (let count = 0; count < 5; count++) await publisher.publishAsync('a', 'x', { qos: 1 });
  clock.advance(10);
  const both = await api.get('/alarms');
  expect(namesOf(both.body)).toEqual(['client_queue_filling/sleeper', 'messages_dropped']);
  expect(both.body.data[1]).toMatchObject({
    message: '3 messages were not delivered to a client in the last minute: queue-full 3.',
    details: { 'queue-full': 3 },
  });
  const slow = await api.get('/slow_subscriptions');
  expect(slow.body).toMatchObject({
    data: [{ clientid: 'sleeper', topic: 'a', connected: false, mqueue_len: 10 }],
    meta: { page: 1, limit: 100, hasnext: false },
  });
  expect(slow.body.data[0].timespan).toBeGreaterThanOrEqual(10_000);
  expect((await api.get('/alarms?activated=false')).body.data).toEqual([]);

  await publisher.endAsync();
  await api.broker.clients.disconnect('sleeper', { dropSession: true });
  clock.advance(120);
  expect((await api.get('/alarms')).body.data).toEqual([]);
  const past = (await api.get('/alarms?activated=false')).body;
  expect(namesOf(past).sort()).toEqual(['client_queue_filling/sleeper', 'messages_dropped']);
  expect(past.data[0].deactivate_at).toMatch(/Z$/);
  expect(past.data[0].duration).toBeGreaterThan(20_000);
  expect(lines.map((line) => line.split(' ', 1)[0])).toEqual([
    'alarm-raised',
    'alarm-raised',
    'alarm-cleared',
    'alarm-cleared',
  ]);
  expect((await api.delete('/alarms')).status).toBe(204);
  expect((await api.get('/alarms?activated=false')).body.data).toEqual([]);
  expect((await api.get('/slow_subscriptions')).body.data).toEqual([]);
  expect((await api.get('/alarms?activated=1')).status).toBe(400);
});

test('as many clients as may connect, nearly', async () => {
  const clock = new SteeredClock();
  const api = await open(clock, { mqtt: { maxConnections: 1 } });
  const client = await connectAsync(`${api.broker.url}`);
  clock.advance(10);
  expect(namesOf((await api.get('/alarms')).body)).toEqual(['connections_near_limit']);
  await client.endAsync();
});

const NO_VALUES = Object.fromEntries(MONITOR_FIELDS.map((name) => [name, 0])) as MonitorValues;

/** What is found when all is well, but for what is given. */
function findings(given: {
  storage?: object;
  overload?: object;
  certificates?: readonly object[];
  admin?: readonly object[];
  latest?: Partial<MonitorValues>;
  minute?: Partial<MonitorValues>;
}): Findings {
  const config = parseEmbeddedConfig({});
  const runtime = { wallNow: () => Date.UTC(2026, 0, 1) };
  const overload = { level: 0, memoryPart: 0, text: '', ...given.overload };
  const stats = { quarantinedStretches: 0 };
  const storage = { isFull: false, failure: null, usageBytes: 1, stats, ...given.storage };
  const listeners = [{ name: 'tls', certificates: given.certificates ?? [] }];
  return {
    source: {
      broker: { config, runtime, overload, stats: { admin: { certificates: given.admin ?? [] } } },
      listeners,
      storage,
    },
    latest: { ...NO_VALUES, ...given.latest },
    minute: { ...NO_VALUES, ...given.minute },
    drops: { expired: 0 },
    filling: [],
  } as unknown as Findings;
}

test.each([
  ['storage_failed', { storage: { failure: new Error('EIO') } }],
  ['disk_full', { storage: { isFull: true } }],
  ['storage_damaged', { storage: { stats: { quarantinedStretches: 2 } } }],
  ['fsync_slow', { latest: { syncP99Ms: 101 } }],
  ['event_loop_lag', { latest: { loopLagP99Ms: 201 } }],
  ['overload', { overload: { level: 1, text: 'new clients are refused' } }],
  ['messages_refused', { minute: { refused: 1 } }],
  ['log_lines_dropped', { minute: { logLinesDropped: 1 } }],
  ['internal_errors', { minute: { internalErrors: 1 } }],
  ['authentication_failing', { minute: { providerFailures: 1 } }],
  [
    'certificate_expiring/tls/example.com',
    { certificates: [{ name: 'example.com', expiresAt: Date.UTC(2026, 0, 14) }] },
  ],
  [
    'certificate_expiring/tls/old.example',
    { certificates: [{ name: 'old.example', expiresAt: Date.UTC(2025, 0, 1) }] },
  ],
  [
    'certificate_expiring/admin API/ops.example',
    { admin: [{ name: 'ops.example', expiresAt: Date.UTC(2026, 0, 14) }] },
  ],
])('%s is seen, and says what to do', (name, given) => {
  const [first, ...others] = conditionsOf(findings(given));
  expect(others).toEqual([]);
  expect(first?.name).toBe(name);
  expect(first?.message.length).toBeGreaterThan(20);
  expect(first?.remedy.length).toBeGreaterThan(20);
});

test('when all is well there is no alarm', () => {
  const certificates = [{ name: 'new.example', expiresAt: Date.UTC(2026, 3, 1) }];
  const latest = { syncP99Ms: 100, loopLagP99Ms: 200 };
  expect(conditionsOf(findings({ certificates, latest }))).toEqual([]);
});

test('alarms that are over are remembered, the last 500; at most 200 are active', () => {
  const book = new AlarmBook({ onRaised: () => {}, onCleared: () => {} });
  const all = Array.from({ length: 300 }, (_, index) => condition(`c${index}`));
  for (let round = 0; round < 3; round++) {
    book.update(all, round * 100_000);
    expect(book.active.length).toBe(200);
    book.update([], round * 100_000 + 29_999);
    expect(book.active.length).toBe(200);
    book.update([], round * 100_000 + 30_000);
    expect(book.active).toEqual([]);
  }
  expect(book.past.length).toBe(500);
  expect(book.past[0]).toMatchObject({ activatedAt: 200_000, deactivatedAt: 230_000 });
});
