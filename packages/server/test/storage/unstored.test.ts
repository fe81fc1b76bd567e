import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryReplica } from '@promptmq/wal/testing';
import type { PacketClient } from '../support/packet-client.ts';
import { StoredBroker } from '../support/stored-broker.ts';

const QUOTA_EXCEEDED = 0x97;
const NO_MATCHING_SUBSCRIBERS = 0x10;

let replica: MemoryReplica;
let process: StoredBroker;
let publisher: PacketClient;

beforeEach(() => {
  replica = new MemoryReplica();
});

async function start(resources: { readonly replica?: MemoryReplica }): Promise<void> {
  process = new StoredBroker(resources);
  await process.start();
  publisher = await process.open();
  publisher.connect('publisher', { clean: true, properties: {} });
  await publisher.next();
}

afterEach(async () => {
  letAllGo();
  await process.stop();
});

function letAllGo(): void {
  replica.isPrompt = true;
  replica.confirm();
}

async function untilShipped(count: number): Promise<void> {
  while (replica.waiting < count) await new Promise((resolve) => setImmediate(resolve));
}

test('without a replica nothing is written of what nobody stores', async () => {
  await start({});
  const { stats } = process.storage.log;
  const before = stats.records;
  publisher.publish('t', 'x', 1, 1);
  expect(await publisher.next()).toMatchObject({ reasonCode: NO_MATCHING_SUBSCRIBERS });
  expect(stats.records).toBe(before);
});

describe('what nobody stores, where another process could have taken the log', () => {
  beforeEach(async () => {
    replica.window = 4;
    await start({ replica });
  });

  test('is acknowledged when the replica has what was written after it came', async () => {
    const subscriber = await process.open();
    subscriber.connect('subscriber', { properties: { sessionExpiryInterval: 1000 } });
    await subscriber.next();
    subscriber.subscribe('stored', 1);
    await subscriber.next();
    replica.isPrompt = false;
    publisher.publish('stored', 'x', 1, 1);
    await untilShipped(1);
    // The record before it may have got there while the log was this process's, and the log be another's now.
    publisher.publish('t', 'x', 1, 2);
    await untilShipped(2);
    replica.confirm(1);
    expect(await publisher.next()).toMatchObject({ messageId: 1, reasonCode: 0 });
    expect(await publisher.sentSoFar()).toEqual([]);
    replica.confirm(1);
    expect(await publisher.next()).toMatchObject({
      ...{ messageId: 2, reasonCode: NO_MATCHING_SUBSCRIBERS },
    });
  });

  test('PUBREC waits for it, too', async () => {
    replica.isPrompt = false;
    publisher.publish('t', 'x', 2, 1);
    await untilShipped(1);
    expect(await publisher.sentSoFar()).toEqual([]);
    replica.confirm(1);
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
  });

  test('one record stands for all that came since the last was on its way', async () => {
    const { stats } = process.storage.log;
    const before = stats.records;
    for (let id = 1; id <= 20; id++) publisher.publish('t', 'x', 1, id);
    for (let id = 1; id <= 20; id++) await publisher.next();
    expect(stats.records - before).toBeLessThan(20);
  });

  test('is not acknowledged once another process has the log', async () => {
    replica.isPrompt = false;
    publisher.publish('t', 'x', 1, 1);
    await untilShipped(1);
    process.storage.log.fence('another process has it');
    expect(await publisher.next()).toMatchObject({ messageId: 1, reasonCode: QUOTA_EXCEEDED });
    publisher.publish('t', 'x', 1, 2);
    expect(await publisher.next()).toMatchObject({ messageId: 2, reasonCode: QUOTA_EXCEEDED });
  });

  test('is refused while the disk is full, as nothing can show whose the log is', async () => {
    publisher.publish('t', 'x', 1, 1);
    expect(await publisher.next()).toMatchObject({ reasonCode: NO_MATCHING_SUBSCRIBERS });
    process.fillDisk();
    publisher.publish('t', 'x', 1, 2);
    expect(await publisher.next()).toMatchObject({ reasonCode: QUOTA_EXCEEDED });
    await process.makeRoom();
    publisher.publish('t', 'x', 1, 3);
    expect(await publisher.next()).toMatchObject({ reasonCode: NO_MATCHING_SUBSCRIBERS });
  });

  test('a message that is refused for another reason waits for nothing', async () => {
    replica.isPrompt = false;
    publisher.publish('$SYS/x', 'x', 1, 1);
    expect(await publisher.next()).toMatchObject({ messageId: 1, reasonCode: 0x87 });
  });
});
