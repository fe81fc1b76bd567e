import { expect, test } from '@jest/globals';
import { Delivery, Session, STORED_MESSAGE } from '@promptmq/session';
import type { JournalEntry, JournalPeer } from '../../src/storage/journal.ts';
import { MemoryJournal } from '../../src/storage/memory-journal.ts';
import { Change, StoredState } from '../../src/storage/stored-state.ts';

function entryOf(number: number): JournalEntry {
  const session = new Session<JournalPeer>(`client-${number}`, {
    ...{ messagesMax: 100, bytesMax: 10_000, overflow: 'drop-newest', onDrop() {} },
    ...{ number, store: new MemoryJournal() },
  });
  const times = { disconnectedAt: -1, willDueAt: Number.POSITIVE_INFINITY };
  return { session, number, subscriptions: new Map(), owner: null, will: null, ...times };
}

/** A delivery of a session that refers to a record at 4096. */
function refer(state: StoredState, entry: JournalEntry, sequence: number): void {
  const delivery = new Delivery(STORED_MESSAGE, 1, false);
  Object.assign(delivery, { sequence, position: 4096, share: 90, isReference: true });
  entry.session.stored?.queue.restoreDelivery(delivery);
  state.references.add(4096, entry.number, sequence);
}

function keysOf(entries: Iterable<readonly [string, unknown]>): string[] {
  return [...entries].map(([key, value]) => (value === null ? `-${key[0]}` : `${key[0]}`));
}

test('a checkpoint has what has changed since the one before', () => {
  const state = new StoredState();
  const entry = entryOf(3);
  state.add(entry);
  state.mark(entry, Change.Session | Change.Subscriptions);
  expect(keysOf(state.changes())).toEqual(['m', 's', 'u']);
  expect(keysOf(state.changes())).toEqual(['m']);
  refer(state, entry, 1);
  state.mark(entry, Change.Progress);
  expect(keysOf(state.changes())).toEqual(['m', 'p', 'b']);
  state.setEnding(entry, 7);
  expect(keysOf(state.snapshot())).toEqual(['m', 'e', 's', 'u', 'p', 'b']);
  state.checkInvariants();
});

test('a session that has ended is out of the next checkpoint, and what it holds of the log is released', () => {
  const state = new StoredState();
  const entry = entryOf(3);
  state.add(entry);
  refer(state, entry, 1);
  const released: number[][] = [];
  state.remove(entry, (position, bytes) => released.push([position, bytes]));
  state.checkInvariants();
  expect(released).toEqual([[4096, 90]]);
  expect(state.references.to(4096)).toEqual([]);
  expect(keysOf(state.changes())).toEqual(['m', '-e', '-s', '-u', '-p', '-b']);
});

test('a number that may be given again, and references that nobody has or knows, are found', () => {
  const state = new StoredState();
  const entry = entryOf(3);
  state.add(entry);
  state.checkInvariants();
  state.nextSession = 3;
  expect(() => state.checkInvariants()).toThrow('the number of session 3 may be given again');
  state.nextSession = 4;
  state.references.add(4096, 3, 1);
  expect(() => state.checkInvariants()).toThrow('1 of session 3 is no reference');
  refer(state, entry, 1);
  state.references.remove(4096, 3, 1);
  expect(() => state.checkInvariants()).toThrow('1 deliveries refer to messages, 0 are known');
});
