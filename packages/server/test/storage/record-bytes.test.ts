import { expect, test } from '@jest/globals';
import { Delivery, type Message, QueueBlock, Session, storedOf } from '@promptmq/session';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { writeBlock } from '../../src/storage/records/checkpoint/block.ts';
import { emptyEntry } from '../../src/storage/records/checkpoint/entry-flags.ts';
import { stateKey, writeNumber } from '../../src/storage/records/checkpoint/keys.ts';
import { addToChunk, writeChunkHead } from '../../src/storage/records/checkpoint/retained-chunk.ts';
import { writeUnderWay } from '../../src/storage/records/checkpoint/under-way.ts';
import { writeDocument } from '../../src/storage/records/document-record.ts';
import { writeDelivery, writeMessageHead } from '../../src/storage/records/message-record.ts';
import {
  addProgress,
  ProgressKind,
  writeFree,
  writeProgressHead,
  writeRelease,
} from '../../src/storage/records/progress-record.ts';
import { RecordKind } from '../../src/storage/records/record-kind.ts';
import { writeHandOver, writeReferences } from '../../src/storage/records/reference-record.ts';
import { writeEnd, writeEnding, writeSession } from '../../src/storage/records/session-record.ts';
import {
  writeSubscriptions,
  writeUnsubscriptions,
} from '../../src/storage/records/subscription-record.ts';

/*
 * Each kind of record and each value of a checkpoint, as bytes. These are on the disks of those who have run this
 * version: a change here needs a new kind or a new flag, and a start that reads both.
 */

const writer = new ByteWriter();

/** What was written, with a space after each of these sizes; the last one is what is left. */
function written(...sizes: number[]): string {
  const hex = writer.take().toString('hex');
  const parts: string[] = [];
  let at = 0;
  for (const size of sizes) {
    parts.push(hex.slice(at, at + 2 * size));
    at += 2 * size;
  }
  return [...parts, hex.slice(at)].join(' ').trim();
}

const message: Message = {
  topic: 'a/b',
  topicBytes: Buffer.from('a/b'),
  properties: Buffer.from([1, 1]),
  payload: Buffer.from('hi'),
  qos: 1,
  retain: true,
  expiresAt: Number.POSITIVE_INFINITY,
  publisherId: 'pub',
};

function delivery(qos: 0 | 1 | 2, retain: boolean, ids: number[], group: string | null): Delivery {
  return new Delivery(message, qos, retain, ids, group);
}

function referring(sequence: number): Delivery {
  const one = delivery(2, true, [7], '$share/g/a');
  return Object.assign(one, { sequence, position: 4096, share: 90, isReference: true });
}

test('Message', () => {
  writeMessageHead(writer, message, null, false, 1);
  writeDelivery(writer, 3, 9, delivery(1, false, [], null));
  expect(written(1, 1, 7, 6, 4, 8, 8)).toBe(
    '01 05 03000000707562 020000000101 01000000 0000000000000840 0000000000002240 01',
  );
  const origin = { kind: 'received', session: 3, packetId: 513 } as const;
  writeMessageHead(writer, { ...message, qos: 2, retain: false, expiresAt: 1 }, origin, true, 1);
  writeDelivery(writer, 3, 9, delivery(2, true, [7], '$share/g/a'));
  expect(written(1, 1, 8, 8, 2, 7, 6, 4, 8, 8, 1, 2, 4)).toBe(
    '01 5a 000000000000f03f 0000000000000840 0102 03000000707562 020000000101 01000000 ' +
      '0000000000000840 0000000000002240 0e 0100 07000000 0a0000002473686172652f672f61',
  );
  writeMessageHead(writer, message, { kind: 'will', session: 3 }, false, 0);
  expect(written(1, 1, 8, 2, 7, 6)).toBe(
    '01 25 0000000000000840 0000 03000000707562 020000000101 00000000',
  );
  const forwarded = { kind: 'cell', generation: 3, cell: 1, sequence: 9 } as const;
  writeMessageHead(writer, message, forwarded, false, 0);
  expect(written(1, 1, 8, 8, 8, 7, 6)).toBe(
    '01 85 0000000000000840 000000000000f03f 0000000000002240 03000000707562 020000000101 00000000',
  );
});

test('References and HandOver', () => {
  writeReferences(writer, 3, [referring(9)]);
  expect(written(1, 8, 4, 8, 4, 8, 1, 2, 4, 4)).toBe(
    '02 0000000000000840 01000000 000000000000b040 5a000000 0000000000002240 0e 0100 07000000 0a000000 ' +
      '2473686172652f672f61',
  );
  writeHandOver(writer, 3, [{ former: { sequence: 5 }, to: 4, delivery: referring(9) }]);
  expect(written(1, 8, 4, 8, 8, 8, 4, 8, 1, 2, 4, 4)).toBe(
    '0a 0000000000000840 01000000 0000000000001440 0000000000001040 000000000000b040 5a000000 ' +
      '0000000000002240 0e 0100 07000000 0a000000 2473686172652f672f61',
  );
});

test('Session, End and Ending', () => {
  const session = { number: 3, clientId: 'c', expiryInterval: 60, disconnectedAt: -1 };
  const ofNobody = { willDueAt: Number.POSITIVE_INFINITY, will: null, owner: null };
  writeSession(writer, { ...session, ...ofNobody });
  expect(written(1, 8, 5, 4, 8, 8)).toBe(
    '03 0000000000000840 0100000063 3c000000 000000000000f0bf 000000000000f07f 00',
  );
  const will = { message, delayInterval: 5, messageExpiryInterval: -1 };
  writeSession(writer, { ...session, willDueAt: 1, will, owner: 'u' });
  expect(written(1, 8, 5, 4, 8, 8, 1, 4, 8, 1, 7, 7, 6, 6)).toBe(
    '03 0000000000000840 0100000063 3c000000 000000000000f0bf 000000000000f03f 03 05000000 ' +
      '000000000000f0bf 05 03000000707562 03000000612f62 020000000101 020000006869 0100000075',
  );
  writeEnd(writer, 3);
  expect(written(1)).toBe('04 0000000000000840');
  writeEnding(writer, 3, 9);
  expect(written(1, 8)).toBe('0b 0000000000000840 0000000000002240');
});

test('Subscribe and Unsubscribe', () => {
  const plain = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const other = { qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const;
  writeSubscriptions(writer, 3, [
    { topicFilter: 'a', ...plain, subscriptionIdentifier: 0 },
    { topicFilter: '#', ...other, subscriptionIdentifier: 7 },
  ]);
  expect(written(1, 8, 4, 5, 1, 4, 5, 1)).toBe(
    '05 0000000000000840 02000000 0100000061 01 00000000 0100000023 2e 07000000',
  );
  writeUnsubscriptions(writer, 3, ['a', '#']);
  expect(written(1, 8, 4, 5)).toBe('06 0000000000000840 02000000 0100000061 0100000023');
});

test('Progress, Release and Free', () => {
  writeProgressHead(writer, 3);
  addProgress(writer, ProgressKind.Settled, 3, 9);
  addProgress(writer, ProgressKind.Sent, 3, 10);
  addProgress(writer, ProgressKind.SettledUpTo, 3, 9);
  expect(written(1, 4, 1, 8, 8, 1, 8, 8, 1, 8)).toBe(
    '07 03000000 00 0000000000000840 0000000000002240 01 0000000000000840 0000000000002440 ' +
      '02 0000000000000840 0000000000002240',
  );
  writeRelease(writer, 3, 9, 513);
  expect(written(1, 8, 8)).toBe('08 0000000000000840 0000000000002240 0102');
  writeFree(writer, 3, 513);
  expect(written(1, 8)).toBe('09 0000000000000840 0102');
});

test('Document', () => {
  writeDocument(writer, { key: 'client/a', document: Buffer.from('{}') });
  expect(written(1, 4, 8, 1, 4)).toBe('0c 08000000 636c69656e742f61 01 02000000 7b7d');
  writeDocument(writer, { key: 'a', document: null });
  expect(written(1, 4, 1)).toBe('0c 01000000 61 00');
});

test('each kind of record has its bytes above', () => {
  expect(Object.keys(RecordKind)).toEqual([
    ...['Message', 'References', 'Session', 'End', 'Subscribe', 'Unsubscribe'],
    ...['Progress', 'Release', 'Free', 'HandOver', 'Ending', 'Document'],
  ]);
});

test('keys and numbers of a checkpoint', () => {
  expect(stateKey('b', 3, 0x7fff_ffff)).toBe('b000000000000030000007fffffff');
  expect(stateKey('m')).toBe('m');
  writeNumber(writer, 9);
  expect(written()).toBe('0000000000002240');
});

test('what is under way in a checkpoint', () => {
  const session = new Session('c', {
    ...{ messagesMax: 10, bytesMax: 1000, overflow: 'drop-newest', number: 3, onDrop() {} },
    store: {
      committedPosition: Number.POSITIVE_INFINITY,
      memory: { bytesMax: 1000, bytes: 0 },
      awaitCommit() {},
      fetch: () => null,
      onSettled() {},
      onSettledUpTo() {},
      onSent() {},
      onReleased() {},
    },
  });
  const link = {
    isWritable: true,
    sendPublish: () => null,
    sendImage: () => null,
    sendPubrel() {},
  };
  session.attach(link, 10, 0);
  session.received.add(513);
  storedOf(session).lastSequence = 11;
  for (const sequence of [9, 10]) session.deliver(referring(sequence), 0);
  session.deliver(Object.assign(delivery(1, false, [], null), { sequence: 11, position: 8 }), 0);
  expect(session.onPubrec([...storedOf(session).underWay()][0]?.packetId ?? 0, 0, 0)).toBe(
    'deferred',
  );
  writeUnderWay(writer, session);
  expect(written(8, 8, 4, 2, 4, 8, 2, 4, 8, 8, 4, 1, 1, 8, 2, 4, 14, 8, 8, 4, 1)).toBe(
    '0000000000002640 0000000000002640 01000000 0102 01000000 0000000000002240 0900 ' +
      '02000000 0000000000002440 000000000000b040 5a000000 1e 01 000000000000f07f 0100 07000000 ' +
      '0a0000002473686172652f672f61 0000000000002640 0000000000002040 00000000 09 00',
  );
});

test('a block of a queue in a checkpoint', () => {
  const block = new QueueBlock(7);
  const details = { expiresAt: 1, identifiers: [7], group: 'g' };
  const plain = { ...emptyEntry(), share: 90, qos: 1 } as const;
  block.add({ ...plain, sequence: 9, position: 4096 }, null, null);
  block.add({ ...plain, sequence: 10, position: 4186 }, null, null);
  block.add({ ...plain, sequence: 0, position: 0 }, null, message);
  const other = { ...plain, position: 64, share: 91, qos: 2 } as const;
  const flags = { retain: true, isSent: true, isReference: true };
  block.add({ ...other, sequence: 300, ...flags }, details, null);
  block.add({ ...other, sequence: 301 }, details, null);
  writeBlock(writer, block);
  expect(written(1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 2, 8, 2, 4, 5, 1, 1)).toBe(
    '04 07 8020 01 5a 09 00 5a 1f 9a20 1e 5b a202 000000000000f03f 0100 07000000 0100000067 31 00 02',
  );
});

test('retained messages in a checkpoint', () => {
  writeChunkHead(writer, 2);
  addToChunk(writer, 0, { position: 4096, share: 90 }, 'a');
  addToChunk(writer, 255, { position: 64, share: 200 }, 'b');
  expect(written(1, 1, 2, 1, 5, 1, 1, 2)).toBe('02 00 8020 5a 0100000061 ff 40 c801 0100000062');
});
