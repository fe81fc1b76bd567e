import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Segment } from '@promptmq/wal';
import { MemoryIndex } from '@promptmq/wal/testing';
import { StoredBroker } from '../support/stored-broker.ts';

// A retained message that has expired is gone for good: whether the log had room for it in that moment or not, with
// the index or without it, even if the clock is set back. And nobody says that it was lost.

let machine: StoredBroker;

beforeEach(async () => {
  machine = new StoredBroker();
  await machine.start();
});

afterEach(() => machine.stop());

async function retain(topic: string, payload: string): Promise<void> {
  const client = await machine.open();
  client.connect('', { clean: true, properties: {} });
  await client.next();
  const properties = { messageExpiryInterval: 60 };
  client.publish(topic, payload, 1, 1, { retain: true, properties });
  expect(await client.next()).toMatchObject({ cmd: 'puback' });
}

/** Time passes, and the broker notices. */
function expire(): void {
  machine.aheadMs = 3 * 3_600_000;
  expect(machine.broker.router.retained.match('#', machine.broker.runtime.now())).toEqual([]);
}

/** Fills the segment that is written to; returns the position at which the next one begins. */
async function fillSegment(): Promise<number> {
  const { log } = machine.storage;
  await retain('filler', 'f');
  const last = log.segments.at(-1);
  while (log.segments.at(-1) === last) await retain('filler', 'f'.repeat(200_000));
  return (log.segments.at(-1) as Segment).first;
}

async function becomeFull(): Promise<void> {
  machine.fillDisk();
  const client = await machine.open();
  client.connect('', { clean: true, properties: {} });
  await client.next();
  client.publish('filler', 'no room', 1, 1, { retain: true });
  expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x97 });
}

function retained(): string[] {
  return machine.broker.router.retained.match('#', 0).map(({ topic }) => topic);
}

describe.each([
  ['a log with room', async () => {}, expire],
  ['a full disk', becomeFull, expire],
  [
    'a disk that becomes full in that moment',
    async () => {},
    () => {
      machine.fillDisk();
      expire();
    },
  ],
])('on %s', (_, prepare, act) => {
  test('it stays away when only the log is left', async () => {
    await retain('expired', 'x');
    await prepare();
    act();
    const { log } = machine.storage;
    await log.flush().catch(() => {});
    if (log.isFull) await machine.makeRoom();
    await log.flush();
    machine.aheadMs = 0;
    await machine.crash('nothing', new MemoryIndex());
    expect(retained()).toEqual([]);
  });
});

test('on a full disk, its segment stays until there was room to say that it is gone', async () => {
  const { log } = machine.storage;
  const first = await fillSegment();
  await retain('expired', 'x');
  await fillSegment();
  // Writes a snapshot after the segment of the message.
  expect(await log.trim(first)).toBeGreaterThan(0);
  await becomeFull();
  expire();
  await log.compact();
  await machine.crash('nothing');
  expect(machine.errors.filter((event) => event === 'retained-message-lost')).toEqual([]);
});
