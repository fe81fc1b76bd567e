import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MetricsRegistry } from '@promptmq/metrics';
import { Log, LogError, NoIndex } from '@promptmq/wal';
import { Broker } from '../../src/broker.ts';
import { parseConfig } from '../../src/config/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { brokerCatalogue } from '../../src/observability/catalogue.ts';
import { Observability } from '../../src/observability/index.ts';
import {
  addStorageMetrics,
  type StorageMetricsSource,
  storageSourceOf,
} from '../../src/observability/storage-metrics.ts';
import { nodeRuntime } from '../../src/runtime/runtime.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function values(registry: MetricsRegistry<typeof brokerCatalogue>) {
  const text = await registry.render('prometheus');
  const pairs = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))] as const);
  return new Map<string, number>(pairs);
}

function isOfStorage(name: string): boolean {
  return /^promptmq_(storage|recovery)_/.test(name);
}

function append(log: Log, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(Buffer.from(text), (error) => (error === null ? resolve() : reject(error)));
  });
}

test('every metric of storage is read from a real log, and moves with it', async () => {
  const log = await Log.open({ directory: folder, index: new NoIndex() });
  const registry = new MetricsRegistry(brokerCatalogue);
  addStorageMetrics(registry, storageSourceOf(log), nodeRuntime.now);
  const before = await values(registry);
  for (const name of Object.keys(brokerCatalogue).filter(isOfStorage)) {
    const isThere = [...before.keys()].some((key) => key.startsWith(name));
    expect([name, isThere]).toEqual([name, true]);
  }
  await Promise.all(['one', 'two', 'three'].map((text) => append(log, text)));
  await append(log, 'four');
  const after = await values(registry);
  expect(after.get('promptmq_storage_records_total')).toBe(4);
  expect(after.get('promptmq_storage_wal_group_records_sum')).toBe(4);
  expect(after.get('promptmq_storage_wal_group_records_count')).toBe(2);
  expect(after.get('promptmq_storage_wal_sync_duration_seconds_count')).toBe(2);
  expect(after.get('promptmq_storage_wal_write_duration_seconds_count')).toBe(2);
  expect(after.get('promptmq_storage_segments')).toBe(1);
  expect(after.get('promptmq_storage_usage_bytes')).toBe(log.size);
  expect(after.get('promptmq_storage_unsynced_bytes')).toBe(0);
  expect(after.get('promptmq_storage_oldest_unsynced_seconds')).toBe(0);
  const liveRatio = after.get('promptmq_storage_live_ratio') ?? 0;
  expect(liveRatio > 0 && liveRatio <= 1).toBe(true);
  await log.close();

  const reopened = await Log.open({ directory: folder, index: new NoIndex() });
  const registryNow = new MetricsRegistry(brokerCatalogue);
  addStorageMetrics(registryNow, storageSourceOf(reopened), nodeRuntime.now);
  expect((await values(registryNow)).get('promptmq_recovery_records')).toBe(4);
  await reopened.close();
});

test('the age of what is unsynced counts from its write, and from each sync on', async () => {
  const log = await Log.open({ directory: folder, index: new NoIndex() });
  let now = 1_000_000;
  let unsyncedBytes = 0;
  const source: StorageMetricsSource = {
    ...storageSourceOf(log),
    get unsyncedBytes() {
      return unsyncedBytes;
    },
  };
  const registry = new MetricsRegistry(brokerCatalogue);
  addStorageMetrics(registry, source, () => now);
  const age = async () => (await values(registry)).get('promptmq_storage_oldest_unsynced_seconds');
  now += 5000;
  expect(await age()).toBe(0);
  unsyncedBytes = 100;
  log.stats.onWrite?.(1);
  now += 2000;
  expect(await age()).toBe(2);
  log.stats.onSync?.(500, 3);
  expect(await age()).toBe(0.5);
  unsyncedBytes = 0;
  expect(await age()).toBe(0);
  await log.close();
});

test('readiness waits for the recovery, and fails while the disk is full or the log has failed', async () => {
  const config = parseConfig({
    metrics: { bind: '127.0.0.1:0', sysInterval: 0 },
    storage: { enabled: false },
  });
  const broker = new Broker(config, nodeRuntime, noopLogger);
  const observability = new Observability(broker, [
    {
      name: 'tcp',
      isRunning: true,
      maxConnections: 10,
      clientCount: 0,
      certificates: [],
      urls: [],
      protocol: 'mqtt',
      address: '127.0.0.1:1',
      url: '',
      close: async () => {},
      cut: () => {},
    },
  ]);
  await observability.start();
  const ready = async () => {
    const response = await fetch(`${observability.url}/ready`);
    const { checks } = (await response.json()) as { checks: Record<string, object> };
    return { status: response.status, checks };
  };
  expect(await ready()).toMatchObject({ status: 200 });

  observability.expectStorage();
  expect(await ready()).toMatchObject({
    status: 503,
    checks: { storage: { status: 'failed', detail: 'recovering' } },
  });

  const log = await Log.open({ directory: folder, index: new NoIndex() });
  const state: { isFull: boolean; failure: Error | null } = { isFull: false, failure: null };
  observability.useStorage({
    ...storageSourceOf(log),
    get isFull() {
      return state.isFull;
    },
    get failure() {
      return state.failure;
    },
  });
  expect(await ready()).toMatchObject({ status: 200, checks: { disk: { status: 'ok' } } });
  state.isFull = true;
  expect(await ready()).toMatchObject({
    status: 503,
    checks: { disk: { detail: 'the disk is full' }, storage: { status: 'ok' } },
  });
  state.failure = new LogError('failed', 'fdatasync failed');
  expect(await ready()).toMatchObject({
    status: 503,
    checks: { storage: { detail: 'fdatasync failed' } },
  });
  await log.close();
  await observability.close();
  await broker.stop(0, 0x8b);
});
