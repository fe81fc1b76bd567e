import { expect, test } from '@jest/globals';
import { moveMessage } from '../../src/storage/log/compaction.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { writeMessageHead } from '../../src/storage/records/message-record.ts';
import { StoredState } from '../../src/storage/stored-state.ts';
import { DurableSimulation } from '../support/durable-simulation.ts';

test('what refers to a message is found where the message has been moved, and back', () => {
  const state = new StoredState();
  const writer = new ByteWriter();
  const message = {
    topic: 't',
    topicBytes: Buffer.from('t'),
    properties: Buffer.alloc(0),
    payload: Buffer.from('x'),
    qos: 1,
    retain: false,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: 'publisher',
  } as const;
  writeMessageHead(writer, message, null, false, 0);
  const data = Buffer.concat([writer.bytes, message.payload]);
  const record = { position: 200, origin: 100, stream: Buffer.from('t'), data };
  state.references.add(100, 1, 5);
  moveMessage(state, 100, 200, record);
  expect(state.references.to(100)).toEqual([]);
  expect(state.references.to(200)).toEqual([{ session: 1, sequence: 5 }]);
  // A full disk takes the move back.
  moveMessage(state, 200, 100, { ...record, position: 100 });
  expect(state.references.to(100)).toEqual([{ session: 1, sequence: 5 }]);
  state.references.remove(100, 1, 5);
  expect(state.references.to(100)).toEqual([]);
});

test('retained messages that expired while the broker was away are gone before their segments are', async () => {
  const first = await DurableSimulation.start();
  const publisher = first.connect('publisher');
  const publish = async (topic: string) => {
    const properties = { messageExpiryInterval: 10 };
    publisher.publish(topic, 'x'.repeat(500), { retain: true, properties });
    await first.settle();
  };
  // Dead records before and after, so that compaction writes a snapshot after those that live.
  for (let count = 0; count < 20; count++) await publish('replaced');
  for (let count = 0; count < 20; count++) await publish(`kept/${count}`);
  for (let count = 0; count < 20; count++) await publish('replaced');
  expect((await first.compact()).removedSegments).toBeGreaterThan(0);

  const second = await first.restart(20_000);
  expect(second.broker.router.retained.count).toBe(0);
  // What is dead as a whole and lies before the snapshot goes without another one.
  const { removedSegments, movedRecords } = await second.compact(1_000_000);
  expect(removedSegments).toBeGreaterThan(0);
  expect(movedRecords).toBe(0);

  const third = await second.restart();
  expect(third.broker.storage?.stats.lostMessages).toBe(0);
  expect(third.broker.router.retained.count).toBe(0);
});
