import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
const brokers: Command[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-backup-'));
});

afterEach(async () => {
  await Promise.all(brokers.splice(0).map(stop));
  rmSync(folder, { recursive: true });
});

async function start(walDir: string, dataDir: string): Promise<{ broker: Command; url: string }> {
  const broker = new Command(
    [
      ...['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'],
      ...['--log-format', 'json', '--wal-dir', walDir, '--data-dir', dataDir],
      // So that the log has several segments, and compaction is at it meanwhile.
      ...['--wal-segment-size', '1MiB', '--compaction-max-wal-size', '1MiB'],
      ...['--compaction-check-interval', '100ms'],
    ],
    folder,
  );
  brokers.push(broker);
  const [, address] = await broker.waitFor(/"address":"([^"]+)"/);
  await broker.waitFor(/"event":"ready"/);
  return { broker, url: `mqtt://${address}` };
}

async function stop(broker: Command): Promise<void> {
  broker.child.kill('SIGTERM');
  await broker.exitCode();
}

const kept = { clientId: 'keeper', protocolVersion: 5 } as const;
const resumed = { ...kept, clean: false, properties: { sessionExpiryInterval: 3600 } };

test('a backup that is made while messages come has all that was acknowledged before, and can be served', async () => {
  const { url } = await start('wal', 'data');
  const keeper = await TestClient.connect(url, resumed);
  await keeper.mqtt.subscribeAsync('queue', { qos: 1 });
  await keeper.end();
  const publisher = await TestClient.connect(url);
  await publisher.mqtt.publishAsync('state', 'on', { qos: 1, retain: true });
  const padding = 'x'.repeat(4000);
  let count = 0;
  const publish = async () => {
    const number = count++;
    await publisher.mqtt.publishAsync('queue', `${number} ${padding}`, { qos: 1 });
    // Dead as soon as the next one is there: something to compact.
    await publisher.mqtt.publishAsync('churn', `${number} ${padding}`, { qos: 1, retain: true });
  };
  while (count < 300) await publish();
  const acknowledged = count;

  let isDone = false;
  const publishing = (async () => {
    while (!isDone) await publish();
  })();
  const backup = new Command(['wal', 'backup', 'wal', 'copy'], folder);
  expect(await backup.exitCode()).toBe(0);
  isDone = true;
  await publishing;
  expect(count).toBeGreaterThan(acknowledged);
  expect(backup.output).toMatch(/^\d+ segments of \d+ bytes, up to position \d+\n$/);
  await publisher.end();
  await Promise.all(brokers.splice(0).map(stop));

  expect(readdirSync(join(folder, 'copy')).every((name) => name.endsWith('.log'))).toBe(true);
  const verify = new Command(['wal', 'verify', 'copy'], folder);
  expect(await verify.exitCode()).toBe(0);
  const { url: restored } = await start('copy', 'new-data');
  const client = await TestClient.connect(restored, resumed);
  await client.mqtt.subscribeAsync('state', { qos: 1 });
  await client.messages(acknowledged + 1);
  const of = (topic: string) => client.received.filter((message) => message.topic === topic);
  while (of('state').length === 0) await client.messages(client.received.length + 1);
  expect(of('state').map(({ payload }) => payload)).toEqual(['on']);
  const numbers = of('queue').map(({ payload }) => Number.parseInt(payload, 10));
  expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
  expect(numbers).toEqual([...numbers.keys()]);
  await client.end();
});

test('a backup goes to a folder of its own, and says when there is nothing to copy', async () => {
  const nothing = new Command(['wal', 'backup', 'none', 'copy'], folder);
  expect(await nothing.exitCode()).toBe(1);
  expect(nothing.errors).toBe('promptmq: none: no such directory\n');
  const { broker } = await start('wal', 'data');
  const same = new Command(['wal', 'backup', 'wal', 'wal'], folder);
  expect(await same.exitCode()).toBe(1);
  expect(same.errors).toBe('promptmq: wal is not empty: a backup needs a folder of its own\n');
  expect(broker.child.exitCode).toBeNull();
});
