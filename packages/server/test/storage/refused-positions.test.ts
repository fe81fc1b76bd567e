import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { StoredBroker } from '../support/stored-broker.ts';

let machine: StoredBroker;

beforeEach(async () => {
  machine = new StoredBroker();
  await machine.start();
});

afterEach(() => machine.stop());

/** Writes a document, whose record nobody asks for yet. */
function write(text: string): number {
  return machine.storage.writeDocument('key', Buffer.from(text));
}

/** What becomes of the record at a position. */
function outcomeOf(position: number): Promise<string> {
  return new Promise((resolve) => {
    machine.storage.whenCommitted({
      position,
      onCommitted: () => resolve('committed'),
      onRefused: () => resolve('refused'),
    });
  });
}

test('what was refused is so for who asks late, however much is committed after it', async () => {
  const before = write('before');
  expect(await outcomeOf(before)).toBe('committed');
  for (let round = 0; round < 2; round++) {
    machine.fillDisk();
    const [first, last] = [write('first'), write('last')];
    expect(await outcomeOf(last)).toBe('refused');
    // While the disk is full, too.
    expect(await outcomeOf(first)).toBe('refused');
    await machine.makeRoom();
    const after = write('after');
    expect(await outcomeOf(after)).toBe('committed');
    const found = [before, first, last, after].map(outcomeOf);
    expect(await Promise.all(found)).toEqual(['committed', 'refused', 'refused', 'committed']);
  }
});

test('who waits for room and has it goes on at once', async () => {
  machine.fillDisk();
  await outcomeOf(write('refused'));
  const done: string[] = [];
  machine.storage.whenRoom(() => done.push('waited'));
  expect(done).toEqual([]);
  await machine.makeRoom();
  machine.storage.whenRoom(() => done.push('at once'));
  expect(done).toEqual(['waited', 'at once']);
});

test('SUBACK that waits for others says nothing of a subscription that was refused meanwhile', async () => {
  const client = await machine.connected('client');
  const routed: (() => void)[] = [];
  const announcements = {
    add: () => {},
    remove: () => {},
    isRouted: () => false,
    whenRouted: (onDone: (isRouted: boolean) => void) => {
      routed.push(() => onDone(true));
      return () => {};
    },
  };
  Object.assign(machine.broker, { announcements });
  machine.fillDisk();
  client.subscribe('t', 1);
  while (!machine.storage.log.isFull || routed.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await machine.makeRoom();
  expect(await outcomeOf(write('committed after it'))).toBe('committed');
  routed[0]?.();
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x97 });
});
