import { expect, test } from '@jest/globals';
import { type DeliveryStore, Session, storedOf } from '@promptmq/session';
import type { Subscription } from '@promptmq/topics';
import type { RecoveryHost } from '../../src/storage/host.ts';
import type { JournalPeer, JournalSession } from '../../src/storage/journal.ts';
import { ByteReader } from '../../src/storage/records/byte-reader.ts';
import { ByteWriter } from '../../src/storage/records/byte-writer.ts';
import { stateKey } from '../../src/storage/records/checkpoint/keys.ts';
import { writeUnderWay } from '../../src/storage/records/checkpoint/under-way.ts';
import { writeSession } from '../../src/storage/records/session-record.ts';
import { restoreCheckpoint } from '../../src/storage/replay/restore-checkpoint.ts';
import { StoredState } from '../../src/storage/stored-state.ts';

const store: DeliveryStore<JournalSession> = {
  committedPosition: 0,
  memory: { bytesMax: 0, bytes: 0 },
  awaitCommit() {},
  fetch: () => null,
  onSettled() {},
  onSettledUpTo() {},
  onSent() {},
  onReleased() {},
};

const host: RecoveryHost = {
  restoreEntry({ clientId, number }) {
    const limits = { messagesMax: 100, bytesMax: 10_000, overflow: 'drop-newest' as const };
    const options = { ...limits, number, store, onDrop() {} };
    const session = new Session<JournalPeer>(clientId, options);
    const times = { disconnectedAt: -1, willDueAt: Number.POSITIVE_INFINITY };
    const subscriptions = new Map<string, Subscription>();
    return { session, subscriptions, number, owner: null, will: null, ...times };
  },
  updateEntry() {},
  dropEntry() {},
  restoreSubscription() {},
  dropSubscription() {},
  takeUp() {},
};

function queueLengthOf(state: StoredState): number {
  return [...state.entries.values()][0]?.session.queue.length ?? 0;
}

test('queues of a former version are in the checkpoint after the next, too', () => {
  const record = {
    ...{ number: 3, clientId: 'client', expiryInterval: 3600, disconnectedAt: 0 },
    ...{ willDueAt: Number.POSITIVE_INFINITY, will: null, owner: null },
  };
  const session = new ByteWriter();
  writeSession(session, record);
  const progress = new ByteWriter();
  const former = host.restoreEntry(record).session;
  storedOf(former).lastSequence = 2;
  writeUnderWay(progress, former);
  const block = new ByteWriter().u32(2);
  block.f64(1).f64(4096).u32(90).u8(1).u8(0);
  block.f64(2).f64(8192).u32(90).u8(1).u8(0);
  const kept = new Map<string, Uint8Array>([
    [stateKey('p', 3), progress.take()],
    [stateKey('q', 3, 0), block.take()],
    [stateKey('s', 3), session.take()],
  ]);
  const state = new StoredState();
  restoreCheckpoint(state, host, kept);
  expect(queueLengthOf(state)).toBe(2);
  for (const [key, value] of state.changes()) {
    if (value === null) kept.delete(key);
    else kept.set(key, Uint8Array.from(value));
  }
  expect([...kept.keys()].filter((key) => key.startsWith('q'))).toEqual([]);
  const next = new StoredState();
  restoreCheckpoint(
    next,
    host,
    [...kept].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  expect(queueLengthOf(next)).toBe(2);
});

test('a number that ends after the end of its bytes is refused instead of read for ever', () => {
  expect(() => new ByteReader(Uint8Array.of(0x80, 0x80)).varint()).toThrow(RangeError);
});
