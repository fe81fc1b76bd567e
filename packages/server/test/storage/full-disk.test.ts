import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { systemError } from '@promptmq/wal/testing';
import type { AuthenticationMethod } from '../../src/index.ts';
import { brief, Machine } from '../support/machine.ts';

const QUOTA_EXCEEDED = 0x97;

let machine: Machine;

/** Lets everybody in, as the user that they name. */
const byName: AuthenticationMethod = {
  name: 'by-name',
  begin: () => ({
    next: (data) => ({ result: 'success', userName: Buffer.from(data).toString() }),
  }),
};

beforeEach(async () => {
  machine = new Machine([byName]);
  await machine.start();
});

afterEach(async () => {
  machine.files.beforeOperation = () => {};
  await machine.cutClients();
  await machine.broker.stop();
});

describe('MQTT 5: what the disk has no room for is refused with 0x97 (§4.13)', () => {
  test('QoS 1 and 2, in the moment in which the disk fills up and after it; nobody gets it', async () => {
    const subscriber = await machine.subscribed('subscriber', 't/#');
    const publisher = await machine.connected('publisher');
    machine.fillDisk();
    publisher.publish('t/1', 'refused by the write', 1, 1);
    publisher.publish('t/1', 'refused with it', 2, 2);
    const refused = { messageId: 1, reasonCode: QUOTA_EXCEEDED };
    expect(await publisher.next()).toMatchObject({ cmd: 'puback', ...refused });
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', ...refused, messageId: 2 });
    publisher.publish('t/1', 'refused at once', 1, 3);
    publisher.publish('t/1', 'refused at once, too', 2, 4);
    expect(await publisher.next()).toMatchObject({ cmd: 'puback', ...refused, messageId: 3 });
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', ...refused, messageId: 4 });
    expect(machine.broker.stats.refused['storage-full']).toBe(2);
    // QoS 0 needs no disk.
    publisher.publish('t/1', 'needs no disk', 0, 0);
    expect(brief([await subscriber.next()])).toEqual(['t/1 needs no disk']);

    await machine.makeRoom();
    publisher.publish('t/1', 'first', 1, 1);
    // The identifier is free: PUBREC had an error code [MQTT-4.3.3-9].
    publisher.publish('t/1', 'second', 2, 2);
    expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    const pubrec = await publisher.next();
    expect(pubrec).toMatchObject({ cmd: 'pubrec', messageId: 2 });
    expect((pubrec as { reasonCode?: number }).reasonCode ?? 0).toBe(0);
    expect(brief([await subscriber.next(), await subscriber.next()])).toEqual([
      't/1 first',
      't/1 second',
    ]);
    await machine.restart();
    const again = await machine.connected('subscriber');
    expect(brief([await again.next(), await again.next()])).toEqual(['t/1 first', 't/1 second']);
    expect(await again.sentSoFar()).toEqual([]);
  });

  test('a retained message that is refused leaves the former one in its place', async () => {
    const publisher = await machine.connected('publisher');
    publisher.publish('kept', 'former', 1, 1, { retain: true });
    expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    machine.fillDisk();
    publisher.publish('kept', 'refused', 1, 2, { retain: true });
    publisher.publish('kept', '', 1, 3, { retain: true });
    for (const messageId of [2, 3]) {
      const refused = { cmd: 'puback', messageId, reasonCode: QUOTA_EXCEEDED };
      expect(await publisher.next()).toMatchObject(refused);
    }
    const retained = async () => {
      const client = await machine.open();
      client.connect('', { clean: true, properties: {} });
      client.subscribe('kept', 1);
      await client.next();
      const found = [await client.next(), await client.next()];
      return brief(found);
    };
    expect(await retained()).toEqual(['suback', 'kept former']);
    await machine.makeRoom();
    await machine.restart();
    expect(await retained()).toEqual(['suback', 'kept former']);
  });

  test('a duplicate of what was taken before is acknowledged: it needs no disk', async () => {
    const publisher = await machine.connected('publisher');
    publisher.publish('t', 'taken', 2, 1);
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    machine.fillDisk();
    publisher.publish('t', 'refused', 2, 2);
    const refused = { cmd: 'pubrec', messageId: 2, reasonCode: QUOTA_EXCEEDED };
    expect(await publisher.next()).toMatchObject(refused);
    await publisher.cut();
    const again = await machine.connected('publisher');
    again.publish('t', 'taken', 2, 1, { dup: true });
    expect(brief(await again.sentSoFar())).toEqual(['pubrec']);
  });

  test('SUBSCRIBE and a new session are refused, UNSUBSCRIBE waits, a session that is there continues', async () => {
    const client = await machine.subscribed('client', 'held');
    const other = await machine.subscribed('other', 'given up');
    await machine.becomeFull();
    client.subscribe('more', 2);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [QUOTA_EXCEEDED] });
    other.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['given up'] });
    expect(await other.sentSoFar()).toEqual([]);

    const stranger = await machine.open();
    stranger.connect('stranger');
    expect(await stranger.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
    const old = await machine.open(4);
    old.connect('old');
    expect(await old.next()).toMatchObject({ cmd: 'connack', returnCode: 3 });
    const fleeting = await machine.open();
    fleeting.connect('fleeting', { clean: true, properties: {} });
    expect(await fleeting.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });

    await client.cut();
    const again = await machine.open();
    again.connect('client');
    expect(await again.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    await machine.makeRoom();
    expect(await other.next()).toMatchObject({ cmd: 'unsuback', messageId: 3, granted: [0] });
    again.subscribe('more', 2);
    expect(await again.next()).toMatchObject({ cmd: 'suback', granted: [2] });
    await machine.restart();
    const last = await machine.open();
    last.connect('client');
    expect(await last.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    last.publish('held', 'to both', 1, 1);
    last.publish('more', 'to both', 1, 2);
    const got = [await last.next(), await last.next(), await last.next(), await last.next()];
    expect(brief(got).sort()).toEqual(['held to both', 'more to both', 'puback', 'puback']);
  });

  test('PUBREL that comes on a full disk is answered when there is room [MQTT-4.3.3-11]', async () => {
    const subscriber = await machine.subscribed('subscriber', 't');
    const publisher = await machine.connected('publisher');
    for (const messageId of [1, 2]) {
      publisher.publish('t', `${messageId}`, 2, messageId);
      expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId });
      await subscriber.next();
    }
    machine.fillDisk();
    // The record of the first is refused, the second finds the disk full.
    publisher.send({ cmd: 'pubrel', messageId: 1 });
    await machine.event('storage-full');
    publisher.send({ cmd: 'pubrel', messageId: 2 });
    expect(await publisher.sentSoFar()).toEqual([]);
    await machine.makeRoom();
    for (const messageId of [1, 2]) {
      expect(await publisher.next()).toMatchObject({ cmd: 'pubcomp', messageId });
    }
    await machine.restart();
    const again = await machine.connected('publisher');
    // Free, and durably so.
    again.publish('t', 'another', 2, 1);
    expect(await again.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    const last = await machine.connected('subscriber');
    expect(brief([await last.next(), await last.next(), await last.next()])).toEqual([
      't 1',
      't 2',
      't another',
    ]);
  });

  test('PUBREC of a subscriber that comes on a full disk is answered when there is room', async () => {
    const subscriber = await machine.subscribed('subscriber', 't');
    const publisher = await machine.connected('publisher');
    publisher.publish('t', 'message', 2, 1);
    const { messageId } = (await subscriber.next()) as Packet & { cmd: 'publish' };
    await machine.becomeFull();
    subscriber.send({ cmd: 'pubrec', messageId: messageId as number });
    expect(await subscriber.sentSoFar()).toEqual([]);
    await machine.makeRoom();
    expect(await subscriber.next()).toMatchObject({ cmd: 'pubrel', messageId });
    await machine.restart();
    const again = await machine.connected('subscriber');
    // PUBREL is owed, the message not any more.
    expect(await again.next()).toMatchObject({ cmd: 'pubrel', messageId });
    expect(await again.sentSoFar()).toEqual([]);
  });
});

describe('what the disk refuses in the moment in which it fills up, or has no room for later', () => {
  test('QoS 2 of a stored session is refused, even if nobody gets it from the disk', async () => {
    const publisher = await machine.connected('publisher');
    await machine.becomeFull();
    publisher.publish('nobody', 'x', 2, 1);
    const refused = { cmd: 'pubrec', messageId: 1, reasonCode: QUOTA_EXCEEDED };
    expect(await publisher.next()).toMatchObject(refused);
  });

  test('a message that was taken before is not refused when it is sent again meanwhile', async () => {
    const subscriber = await machine.subscribed('subscriber', 't');
    const first = await machine.connected('publisher');
    first.publish('t', 'taken', 2, 1);
    expect(await first.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(brief([await subscriber.next()])).toEqual(['t taken']);
    await first.cut();
    const second = await machine.connected('publisher');
    machine.fillDisk();
    // In one turn: the second answer waits for the record that the first one needs.
    second.publish('t', 'refused', 1, 2);
    second.publish('t', 'taken', 2, 1, { dup: true });
    const refused = { cmd: 'puback', messageId: 2, reasonCode: QUOTA_EXCEEDED };
    expect(await second.next()).toMatchObject(refused);
    const pubrec = await second.next();
    expect(pubrec).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect((pubrec as { reasonCode?: number }).reasonCode ?? 0).toBe(0);
  });

  test('QoS 2 that was refused when its connection was over is taken when it is sent again', async () => {
    const subscriber = await machine.subscribed('subscriber', 't');
    const publisher = await machine.connected('publisher');
    machine.fillDisk();
    // SUBSCRIBE is refused first, which ends the connection.
    publisher.subscribe('more', 7);
    publisher.publish('t', 'message', 2, 1);
    await machine.event('storage-full');
    await publisher.cut();
    await machine.makeRoom();
    const again = await machine.connected('publisher');
    again.publish('t', 'message', 2, 1, { dup: true });
    expect(await again.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(brief([await subscriber.next()])).toEqual(['t message']);
  });

  test('a new session is not there any more', async () => {
    machine.fillDisk();
    const first = await machine.open();
    first.connect('new');
    expect(await first.next()).toBeNull();
    const second = await machine.open();
    second.connect('new');
    expect(await second.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
  });

  test('a session that ends is over, as soon as there is room for that [MQTT-3.2.2-2]', async () => {
    const client = await machine.connected('client');
    await machine.becomeFull();
    client.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } });
    expect(await client.next()).toBeNull();
    const tooEarly = await machine.open();
    tooEarly.connect('client', { clean: true, properties: {} });
    expect(await tooEarly.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
    await machine.makeRoom();
    const fleeting = await machine.open();
    fleeting.connect('client', { clean: true, properties: {} });
    const fresh = { cmd: 'connack', reasonCode: 0, sessionPresent: false };
    expect(await fleeting.next()).toMatchObject(fresh);
    await machine.restart();
    const last = await machine.open();
    last.connect('client');
    expect(await last.next()).toMatchObject(fresh);
  });

  test('a clean start without a session to store does not end one that is [MQTT-3.1.2-4]', async () => {
    await machine.connected('client');
    await machine.becomeFull();
    const fleeting = await machine.open();
    fleeting.connect('client', { clean: true, properties: {} });
    expect(await fleeting.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
  });

  test('a session that only its will is stored of is none to resume', async () => {
    const will = { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false } as const;
    const fleeting = await machine.open();
    fleeting.connect('client', { clean: true, properties: {}, will });
    expect(await fleeting.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    await machine.becomeFull();
    const lasting = await machine.open();
    lasting.connect('client');
    expect(await lasting.next()).toMatchObject({ cmd: 'connack', reasonCode: QUOTA_EXCEEDED });
  });

  test('a will is published when there is room (§3.1.2.5)', async () => {
    const subscriber = await machine.subscribed('subscriber', 'will');
    const will = { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: false } as const;
    const client = await machine.open();
    client.connect('client', { will });
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    machine.fillDisk();
    await client.cut();
    await machine.event('storage-full');
    await machine.makeRoom();
    expect(brief([await subscriber.next()])).toEqual(['will x']);
  });

  test('what could not be handed over to another member waits for its own (§4.8.2)', async () => {
    const slow = await machine.open();
    slow.connect('slow', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
    expect(await slow.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    slow.subscribe('$share/group/t', 1);
    expect(await slow.next()).toMatchObject({ cmd: 'suback' });
    const publisher = await machine.connected('publisher');
    for (const messageId of [1, 2, 3]) {
      publisher.publish('t', `${messageId}`, 1, messageId);
      expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId });
    }
    expect(brief([await slow.next()])).toEqual(['t 1']);
    const other = await machine.subscribed('other', '$share/group/t');
    machine.fillDisk();
    await slow.cut();
    await machine.event('storage-full');
    await machine.makeRoom();
    expect(await other.sentSoFar()).toEqual([]);
    const again = await machine.connected('slow');
    expect(brief([await again.next(), await again.next(), await again.next()])).toEqual([
      't 1',
      't 2',
      't 3',
    ]);
    await machine.restart();
    const last = await machine.connected('slow');
    expect(brief([await last.next(), await last.next(), await last.next()])).toEqual([
      't 1',
      't 2',
      't 3',
    ]);
  });
});

test('the user of a session resumes it on a full disk, and another user can’t replace it', async () => {
  const connectAs = async (user: string) => {
    const client = await machine.open();
    client.connect('client', {
      properties: {
        sessionExpiryInterval: 1000,
        authenticationMethod: 'by-name',
        authenticationData: Buffer.from(user),
      },
    });
    return client;
  };
  const first = await connectAs('alice');
  expect(await first.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  await first.cut();
  await machine.becomeFull();
  expect(await (await connectAs('bob')).next()).not.toMatchObject({ reasonCode: 0 });
  const again = await connectAs('alice');
  expect(await again.next()).toMatchObject({ cmd: 'connack', reasonCode: 0, sessionPresent: true });
});

test('QoS 2 that is handed over uses no packet identifier that another message has after a restart', async () => {
  const fleeting = await machine.open();
  fleeting.connect('fleeting', { properties: { receiveMaximum: 1 } });
  fleeting.subscribe('$share/group/t', 1);
  expect(brief([await fleeting.next(), await fleeting.next()])).toEqual(['connack', 'suback']);
  const publisher = await machine.connected('publisher');
  for (const messageId of [1, 2]) {
    publisher.publish('t', `${messageId}`, 2, messageId);
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId });
  }
  expect(brief([await fleeting.next()])).toEqual(['t 1']);
  const lasting = await machine.subscribed('lasting', '$share/group/t');
  await machine.becomeFull();
  // Its session ends; what it could not take yet is in memory only.
  fleeting.send({ cmd: 'disconnect' });
  expect(await fleeting.next()).toBeNull();
  const before = await lasting.sentSoFar();
  await machine.makeRoom();
  publisher.publish('t', '3', 2, 3);
  expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
  await machine.restart();
  const again = await machine.connected('lasting');
  const stored = (await again.next()) as Packet & { cmd: 'publish' };
  expect(brief([stored])).toEqual(['t 3']);
  const used = before.map((packet) => (packet as typeof stored).messageId);
  expect(used).not.toContain(stored.messageId);
});

describe('MQTT 3.1.1: a message is refused by not acknowledging it', () => {
  test.each([1, 2] as const)(
    'QoS %d: the connection ends, and it is taken when it is sent again',
    async (qos) => {
      const subscriber = await machine.subscribed('subscriber', 't');
      const publisher = await machine.connected('publisher', 4);
      machine.fillDisk();
      publisher.publish('t', 'message', qos, 1);
      expect(await publisher.next()).toBeNull();
      await machine.event('storage-full');
      const second = await machine.connected('publisher', 4);
      second.publish('t', 'message', qos, 1, { dup: true });
      expect(await second.next()).toBeNull();
      await machine.makeRoom();
      const third = await machine.connected('publisher', 4);
      third.publish('t', 'message', qos, 1, { dup: true });
      const cmd = qos === 1 ? 'puback' : 'pubrec';
      expect(await third.next()).toMatchObject({ cmd, messageId: 1 });
      expect(brief([await subscriber.next()])).toEqual(['t message']);
      expect(await subscriber.sentSoFar()).toEqual([]);
      await machine.restart();
      const again = await machine.connected('subscriber');
      expect(brief([await again.next()])).toEqual(['t message']);
      expect(await again.sentSoFar()).toEqual([]);
    },
  );
});

test('a sync that fails is reported once, and nothing is acknowledged any more', async () => {
  const subscriber = await machine.subscribed('subscriber', 't');
  const publisher = await machine.connected('publisher');
  publisher.publish('t', 'safe', 1, 1);
  expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(brief([await subscriber.next()])).toEqual(['t safe']);
  machine.files.beforeOperation = (name) => {
    if (name === 'sync') throw systemError('EIO', name);
  };
  publisher.publish('t', 'lost', 1, 2);
  const refused = { cmd: 'puback', messageId: 2, reasonCode: QUOTA_EXCEEDED };
  expect(await publisher.next()).toMatchObject(refused);
  // The next sync would succeed: it proves nothing.
  machine.files.beforeOperation = () => {};
  publisher.publish('t', 'lost', 1, 3);
  expect(await publisher.next()).toMatchObject({ ...refused, messageId: 3 });
  expect(machine.failures).toEqual([expect.stringContaining('EIO')]);
  expect(await subscriber.sentSoFar()).toEqual([]);
  await machine.restart();
  const again = await machine.connected('subscriber');
  expect(brief([await again.next()])).toEqual(['t safe']);
  expect(await again.sentSoFar()).toEqual([]);
});
