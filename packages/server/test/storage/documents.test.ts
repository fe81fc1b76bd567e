import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemoryIndex } from '@promptmq/wal/testing';
import { StoredDocuments } from '../../src/storage/documents/stored-documents.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { StoredBroker } from '../support/stored-broker.ts';

let machine: StoredBroker;

beforeEach(async () => {
  machine = new StoredBroker();
  await machine.start();
});

afterEach(() => machine.stop());

/** Writes one, and resolves when it is committed. */
function keep(key: string, document: string | null): Promise<void> {
  const { storage } = machine;
  const position = storage.writeDocument(key, document === null ? null : Buffer.from(document));
  return new Promise((resolve, reject) =>
    storage.whenCommitted({ position, onCommitted: resolve, onRefused: () => reject('refused') }),
  );
}

function kept(): Record<string, string> {
  machine.broker.checkInvariants();
  return Object.fromEntries(
    Array.from(machine.storage.documents(), ([key, document]) => [
      key,
      Buffer.from(document).toString(),
    ]),
  );
}

test('what is committed outlives a crash: of records, of a checkpoint, and without its index', async () => {
  await keep('a', 'first');
  await keep('b', 'gone soon');
  await keep('c', '');
  await machine.crash('everything');
  expect(kept()).toEqual({ a: 'first', b: 'gone soon', c: '' });
  await machine.storage.log.checkpoint();
  await keep('a', 'second');
  await keep('b', null);
  await machine.crash('everything');
  expect(kept()).toEqual({ a: 'second', c: '' });
  await machine.storage.log.checkpoint();
  await keep('d', 'after');
  await machine.crash('everything');
  expect(kept()).toEqual({ a: 'second', c: '', d: 'after' });
  await machine.crash('everything', new MemoryIndex());
  expect(kept()).toEqual({ a: 'second', c: '', d: 'after' });
});

test('what the disk refuses holds for the process, and is written when there is room', async () => {
  await keep('a', 'first');
  machine.fillDisk();
  await expect(keep('a', 'refused')).rejects.toBe('refused');
  machine.storage.writeDocument('b', Buffer.from('without room'));
  expect(kept()).toEqual({ a: 'refused', b: 'without room' });
  await machine.makeRoom();
  // Its record, not the checkpoint alone.
  await machine.crash('everything', new MemoryIndex());
  expect(kept()).toEqual({ a: 'refused', b: 'without room' });
});

test('the next checkpoint holds what has changed, and no more', () => {
  const writer = new ByteWriter();
  const documents = new StoredDocuments();
  const changes = () =>
    Array.from(documents.changes(writer), ([key, value]) => [key, value === null ? null : 'set']);
  documents.set('a', Buffer.from('1'));
  documents.set('b', Buffer.from('2'));
  expect(changes()).toEqual([
    ['d00000000000001', 'set'],
    ['d00000000000002', 'set'],
  ]);
  expect(changes()).toEqual([]);
  documents.set('a', null);
  documents.set('a', Buffer.from('3'));
  documents.set('c', null);
  expect(changes()).toEqual([
    ['d00000000000001', null],
    ['d00000000000003', 'set'],
  ]);
  const restored = new StoredDocuments();
  for (const [key, value] of documents.snapshot(writer)) {
    restored.restore(Number.parseInt(key.slice(1), 16), value);
  }
  restored.checkInvariants();
  expect([...restored.entries()]).toEqual(
    [...documents.entries()].map(([key, value]) => [key, new Uint8Array(value)]),
  );
  documents.set('b', Buffer.from('4'));
  documents.forgetChanges();
  expect(changes()).toEqual([]);
});
