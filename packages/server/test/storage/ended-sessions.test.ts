import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionEntry } from '../../src/sessions/session-entry.ts';
import { brief } from '../support/machine.ts';
import type { PacketClient } from '../support/packet-client.ts';
import { StoredBroker } from '../support/stored-broker.ts';

let process: StoredBroker;

beforeEach(async () => {
  process = new StoredBroker();
  await process.start();
});

afterEach(() => process.stop());

test('what waited for a session that has ended counts no more after a crash', async () => {
  const subscriber = await process.connected('subscriber');
  subscriber.subscribe('t', 1);
  await subscriber.next();
  await subscriber.cut();
  const publisher = await process.connected('publisher');
  for (let id = 1; id <= 10; id++) {
    publisher.publish('t', `${id}`, 1, id);
    await publisher.next();
  }
  expect(process.broker.sessions.queuedCount).toBe(10);
  const clean = await process.open();
  clean.connect('subscriber', { clean: true });
  expect(await clean.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  expect(process.broker.sessions.queuedCount).toBe(0);
  await process.crash('nothing');
  expect(process.broker.sessions.queuedCount).toBe(0);
});

const GROUP = '$share/group/t';

/** Has what is read back of the log wait, until it is called. */
function holdReads(): () => void {
  const { storage } = process;
  const readBack = storage.readBack.bind(storage);
  const held: Parameters<typeof readBack>[] = [];
  storage.readBack = (...read) => void held.push(read);
  return () => {
    storage.readBack = readBack;
    for (const read of held.splice(0)) readBack(...read);
  };
}

async function member(
  clientId: string,
  sessionExpiryInterval: number,
  fields: object = {},
): Promise<PacketClient> {
  const client = await process.open();
  client.connect(clientId, { properties: { sessionExpiryInterval }, ...fields });
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

/** The broker knows that a client is gone. */
async function left(client: PacketClient, clientId: string): Promise<void> {
  await client.cut();
  while (process.broker.sessions.connectionOf(clientId) !== null) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what a session was sent while it was read for another member stays with it [MQTT-4.8.2-4]', async () => {
  const first = await process.open();
  first.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  first.subscribe(GROUP, 1);
  expect(brief([await first.next(), await first.next()])).toEqual(['connack', 'suback']);
  const publisher = await process.connected('publisher');
  for (const id of [1, 2]) {
    publisher.publish('t', `${id}`, 2, id);
    await publisher.next();
  }
  expect(brief([await first.next()])).toEqual(['t 1']);
  const second = await member('second', 0);
  second.subscribe(GROUP, 1);
  await second.next();
  const release = holdReads();
  await left(first, 'first');
  const again = await member('first', 1000);
  expect(brief([await again.next(), await again.next()])).toEqual(['t 1', 't 2']);
  await left(again, 'first');
  release();
  expect(await second.sentSoFar()).toEqual([]);
  const last = await member('first', 1000);
  expect(brief([await last.next(), await last.next()])).toEqual(['t 1', 't 2']);
});

test('a session that has ended is kept until what was read of it is committed for another', async () => {
  const stored = await member('stored', 1000);
  stored.subscribe(GROUP, 1);
  await stored.next();
  await stored.cut();
  const first = await member('first', 1000);
  first.subscribe(GROUP, 1);
  await first.next();
  const publisher = await process.connected('publisher');
  publisher.publish('t', 'shared', 1, 1);
  await publisher.next();
  expect(brief([await first.next()])).toEqual(['t shared']);
  const fleeting = await member('fleeting', 0);
  fleeting.subscribe(GROUP, 1);
  await fleeting.next();
  const release = holdReads();
  first.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } });
  expect(await first.next()).toBeNull();
  // Now only one is left that stores it.
  await fleeting.cut();
  process.fillDisk();
  release();
  while (!process.storage.log.isFull) await new Promise((resolve) => setImmediate(resolve));
  await process.makeRoom();
  const again = await member('stored', 1000);
  expect(brief([await again.next()])).toEqual(['t shared']);
});

test('a session that has ended isn’t stored again for a will that may not be published any more', async () => {
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: true };
  const client = await member('client', 1000, { will });
  const publisher = await process.connected('publisher');
  process.fillDisk();
  publisher.publish('t', 'no room', 1, 1, { retain: true });
  await publisher.next();
  client.send({ cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 0 } });
  expect(await client.next()).toBeNull();
  process.broker.access.permissionsOf = () => ({ mayPublish: () => false }) as never;
  await process.makeRoom();
  const stored = [...process.storage.entries].map(({ session }) => session.clientId);
  expect(stored).toEqual(['publisher']);
});

test('on a disk that is full, what went through two sessions that ended together is given on once', async () => {
  const publisher = await process.connected('publisher');
  for (const name of ['first', 'second', 'third']) {
    const client = await member(name, 1000);
    client.subscribe(GROUP, 1);
    await client.next();
    await left(client, name);
  }
  for (let id = 1; id <= 30; id++) publisher.publish('t', `${id}`, 1, id);
  for (let id = 1; id <= 30; id++) await publisher.next();
  const clients = [await process.open(), await process.open()];
  process.fillDisk();
  for (const [index, name] of ['first', 'second'].entries()) {
    clients[index]?.connect(name, { clean: true, properties: {} });
  }
  while (!process.storage.log.isFull) await new Promise((resolve) => setImmediate(resolve));
  await process.makeRoom();
  const again = await member('third', 1000);
  const got: string[] = [];
  while (new Set(got).size < 30) got.push(...brief([await again.next()]));
  got.push(...brief(await again.sentSoFar()));
  expect([...got].sort()).toEqual([...new Set(got)].sort());
});

test('a session whose end a full disk has refused keeps nobody else from connecting', async () => {
  const client = await member('client', 1000);
  client.subscribe('t', 1);
  await client.next();
  const other = await process.open();
  process.fillDisk();
  // The end isn't the first record that is refused.
  const message = { topic: 't', payload: Buffer.from('no room'), qos: 1, messageId: 2 } as const;
  client.send(
    { cmd: 'publish', dup: false, retain: false, ...message },
    { cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } },
  );
  while (!process.storage.log.isFull) await new Promise((resolve) => setImmediate(resolve));
  other.connect('other', { clean: true, properties: {} });
  expect(await other.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  await process.makeRoom();
  expect([...process.storage.entries]).toEqual([]);
});

describe('what nobody stores is acknowledged only when no session comes back that would have had it', () => {
  const QUOTA_EXCEEDED = 0x97;
  const NO_MATCHING_SUBSCRIBERS = 0x10;
  let publisher: PacketClient;

  async function answer(packetId: number): Promise<number> {
    publisher.publish('t', 'x', 1, packetId);
    const puback = await publisher.next();
    expect(puback).toMatchObject({ cmd: 'puback', messageId: packetId });
    return (puback as { reasonCode?: number }).reasonCode ?? 0;
  }

  beforeEach(async () => {
    publisher = await process.open();
    publisher.connect('publisher', { clean: true, properties: {} });
    await publisher.next();
    const client = await member('client', 1000);
    client.subscribe('t', 1);
    await client.next();
    await left(client, 'client');
  });

  async function becomeFull(): Promise<void> {
    process.fillDisk();
    publisher.publish('t', 'refused', 1, 9);
    expect(await publisher.next()).toMatchObject({ messageId: 9, reasonCode: QUOTA_EXCEEDED });
  }

  test('not while the end of a session is on its way to the disk', async () => {
    const held: (() => void)[] = [];
    process.files.delay = () => new Promise((resolve) => held.push(resolve));
    const { sessions } = process.broker;
    sessions.drop(sessions.find('client') as SessionEntry);
    publisher.publish('t', 'x', 1, 1);
    expect(await publisher.sentSoFar()).toEqual([]);
    process.files.delay = async () => {};
    for (const goOn of held) goOn();
    expect(await publisher.next()).toMatchObject({ reasonCode: NO_MATCHING_SUBSCRIBERS });
  });

  test('not while a full disk keeps the end from being written', async () => {
    await becomeFull();
    const { sessions } = process.broker;
    sessions.drop(sessions.find('client') as SessionEntry);
    expect(await answer(1)).toBe(QUOTA_EXCEEDED);
    await process.makeRoom();
    expect(await answer(1)).toBe(NO_MATCHING_SUBSCRIBERS);
  });

  test('a session that expires meanwhile ends when there is room, and isn’t resumed [MQTT-4.1.0-2]', async () => {
    await becomeFull();
    process.aheadMs = 1000 * 1000;
    const { broker } = process;
    broker.deadlines.runDue(broker.runtime.now());
    expect(await answer(1)).toBe(QUOTA_EXCEEDED);
    // What goes to others is taken.
    publisher.publish('elsewhere', 'x', 1, 2);
    expect(await publisher.next()).toMatchObject({ reasonCode: NO_MATCHING_SUBSCRIBERS });
    const early = await process.open();
    early.connect('client', { properties: { sessionExpiryInterval: 1000 } });
    expect(await early.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
    await process.makeRoom();
    const late = await process.open();
    late.connect('client', { properties: { sessionExpiryInterval: 1000 } });
    const fresh = { cmd: 'connack', reasonCode: 0, sessionPresent: false };
    expect(await late.next()).toMatchObject(fresh);
    expect(process.broker.stats.sessionsExpired).toBe(1);
  });

  test('however many expire meanwhile, a thousand of them are tried again in a second at most', async () => {
    const names = Array.from({ length: 20 }, (_, number) => `many-${number}`);
    for (const name of names) await left(await member(name, 1000), name);
    await becomeFull();
    process.aheadMs = 1000 * 1000;
    const { broker } = process;
    const due = () =>
      names
        .map((name) => (broker.sessions.find(name) as SessionEntry).expiry.at)
        .sort((one, other) => one - other);
    for (let round = 0; round < 3; round++) {
      const now = broker.runtime.now();
      broker.deadlines.runDue(now);
      const times = due();
      for (const [index, at] of times.entries()) {
        expect(at).toBeGreaterThanOrEqual(
          index === 0 ? now + 1000 : (times[index - 1] as number) + 1,
        );
      }
      process.aheadMs += 10_000;
    }
    await process.makeRoom();
    broker.deadlines.runDue(broker.runtime.now() + 10_000);
    expect(broker.stats.sessionsExpired).toBe(names.length + 1);
  });
});
