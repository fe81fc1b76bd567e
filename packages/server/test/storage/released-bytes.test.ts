import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { type Message, STORED_MESSAGE } from '@promptmq/session';
import { recordBytes } from '@promptmq/wal';
import { MemoryIndex } from '@promptmq/wal/testing';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { writeDelivery, writeMessageHead } from '../../src/storage/records/message-record.ts';
import { replayRecord } from '../../src/storage/replay/replay-record.ts';
import { StoredState } from '../../src/storage/stored-state.ts';
import { StoredBroker } from '../support/stored-broker.ts';

let machine: StoredBroker;

beforeEach(async () => {
  machine = new StoredBroker();
  await machine.start();
});

afterEach(() => machine.stop());

/** Of each segment, when all that was appended is in it. */
async function liveBytes(): Promise<number[]> {
  const { log } = machine.storage;
  await log.flush();
  return log.segments.map((segment) => segment.liveBytes);
}

test('a replay finds as much of the log alive as the process before did, whatever was done', async () => {
  const publisher = await machine.connected('publisher');
  const subscriber = await machine.connected('subscriber');
  subscriber.subscribe('t/#', 1);
  await subscriber.next();
  const received: (Packet & { cmd: 'publish' })[] = [];
  for (const qos of [1, 2] as const) {
    publisher.publish('t/settled', 'x', qos, qos);
    publisher.publish('t/owed', 'y', qos, 10 + qos);
    for (let count = 0; count < 2; count++) {
      await publisher.next();
      received.push((await subscriber.next()) as Packet & { cmd: 'publish' });
    }
    publisher.send({ cmd: 'pubrel', messageId: qos });
    if (qos === 2) await publisher.next();
  }
  for (const { messageId, qos, topic } of received) {
    if (topic === 't/owed') continue;
    subscriber.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: messageId as number });
  }
  expect(await subscriber.next()).toMatchObject({ cmd: 'pubrel' });
  // Retained messages: one that stays, one that is replaced, one that is removed, and references to them.
  for (const [topic, payload] of [
    ['kept/1', 'stays'],
    ['kept/2', 'former'],
    ['kept/2', 'replaces it'],
    ['kept/3', 'goes'],
    ['kept/3', ''],
  ] as const) {
    publisher.publish(topic, payload, 1, 100, { retain: true });
    await publisher.next();
  }
  subscriber.subscribe('kept/#', 2);
  await subscriber.sentSoFar();
  subscriber.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['kept/#'] });
  await subscriber.sentSoFar();
  // A session that ends with messages in its queue.
  const fleeting = await machine.connected('fleeting');
  fleeting.subscribe('t/#', 1);
  await fleeting.next();
  publisher.publish('t/both', 'z', 1, 5);
  await publisher.next();
  fleeting.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } });
  expect(await fleeting.sentSoFar()).toBeDefined();
  const before = await liveBytes();
  expect(before.some((bytes) => bytes > 0)).toBe(true);

  await machine.crash('everything', new MemoryIndex());
  expect(await liveBytes()).toEqual(before);
});

test('what a message was to a session that isn’t there is given up, as damage may have taken the session', () => {
  const message: Message = { ...STORED_MESSAGE, topic: 't', topicBytes: Buffer.from('t'), qos: 1 };
  const writer = new ByteWriter();
  writeMessageHead(writer, message, null, false, 1);
  writeDelivery(writer, 7, 1, { qos: 1, retain: false, identifiers: [], group: null });
  const data = Buffer.from(writer.bytes);
  const stream = Buffer.from('t');
  const record = { position: 100, origin: 100, stream, data };
  const released: number[][] = [];
  const { broker } = machine;
  replayRecord(new StoredState(), broker.sessions, record, (...one) => released.push(one));
  expect(released).toEqual([[100, recordBytes(data.length, stream.length)]]);
});
