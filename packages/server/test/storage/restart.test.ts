import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { brief, Machine } from '../support/machine.ts';

let machine: Machine;

beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});

afterEach(async () => {
  await machine.cutClients();
  await machine.broker.stop();
});

type Publish = Packet & { cmd: 'publish' };

test.each([
  ['in order', () => machine.stopAndStart()],
  ['after a power cut', () => machine.restart()],
])(
  'a restart %s: what was sent is sent again with DUP and its identifier, the rest without [MQTT-4.4.0-1] [MQTT-3.3.1-1]',
  async (_, restart) => {
    const subscriber = await machine.subscribed('subscriber', 't');
    const publisher = await machine.connected('publisher');
    const sent: Publish[] = [];
    for (const messageId of [1, 2]) {
      publisher.publish('t', `sent ${messageId}`, messageId as 1 | 2, messageId);
      sent.push((await subscriber.next()) as Publish);
      await publisher.next();
    }
    await subscriber.cut();
    publisher.publish('t', 'not sent', 1, 3);
    await publisher.next();
    await restart();
    const again = await machine.connected('subscriber');
    for (const { messageId } of sent) {
      expect(await again.next()).toMatchObject({ cmd: 'publish', messageId, dup: true });
    }
    const last = await again.next();
    expect(last).toMatchObject({ cmd: 'publish', dup: false });
    expect(brief([last])).toEqual(['t not sent']);
  },
);

test('what waits for a subscriber is all there after any number of restarts, however much it is', async () => {
  const count = 700;
  const publisher = await machine.connected('publisher');
  const last = { cmd: 'puback', messageId: count };
  for (let id = 1; id <= count; id++)
    publisher.publish(`kept/${id}`, `${id}`, 1, id, { retain: true });
  for (let id = 1; id < count; id++) await publisher.next();
  expect(await publisher.next()).toMatchObject(last);
  const slow = await machine.open();
  const properties = { sessionExpiryInterval: 1000, receiveMaximum: 1 };
  slow.connect('subscriber', { properties });
  slow.subscribe('kept/#', 1);
  expect(brief([await slow.next(), await slow.next()])).toEqual(['connack', 'suback']);
  const first = brief([await slow.next()]);
  for (let restart = 0; restart < 3; restart++) {
    await machine.stopAndStart();
    const again = await machine.open();
    again.connect('subscriber', { properties });
    await again.next();
    expect(brief([await again.next()])).toEqual(first);
  }
  await machine.stopAndStart();
  const again = await machine.connected('subscriber');
  const topics = new Set<string>();
  while (topics.size < count) {
    const packet = (await again.next()) as Publish;
    topics.add(packet.topic);
    again.send({ cmd: 'puback', messageId: packet.messageId as number });
  }
  expect(await again.sentSoFar()).toEqual([]);
}, 30_000);

test('what is handed over in a group is one member’s, whenever the power is cut (§4.8.2)', async () => {
  const first = await machine.open();
  first.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  first.subscribe('$share/group/t', 1);
  first.subscribe('end', 2);
  for (let count = 0; count < 3; count++) await first.next();
  const publisher = await machine.connected('publisher');
  for (const id of [1, 2, 3]) {
    publisher.publish('t', `${id}`, 2, id);
    await publisher.next();
  }
  expect(brief([await first.next()])).toEqual(['t 1']);
  const second = await machine.subscribed('second', '$share/group/t');
  second.subscribe('end', 2);
  await second.next();

  // What the first one can't take now becomes the second one's.
  const cuts = [machine.files.afterPowerCut()];
  machine.files.beforeOperation = () => void cuts.push(machine.files.afterPowerCut());
  await first.cut();
  expect(brief([await second.next(), await second.next()])).toEqual(['t 2', 't 3']);
  await second.sentSoFar();
  publisher.publish('other', 'safe', 1, 9, { retain: true });
  await publisher.next();
  machine.files.beforeOperation = () => {};
  cuts.push(machine.files.afterPowerCut());
  expect(cuts.length).toBeGreaterThan(3);

  for (const files of cuts) {
    const next = new Machine();
    next.files = files;
    await next.start();
    const got: string[] = [];
    for (const clientId of ['first', 'second']) {
      const client = await next.connected(clientId);
      const helper = await next.connected('helper');
      helper.publish('end', 'marker', 1, 1);
      for (let text = ''; text !== 'end marker'; ) {
        const packet = await client.next();
        [text = ''] = brief([packet]);
        if (packet?.cmd === 'publish' && text !== 'end marker') got.push(text);
      }
    }
    expect(got.sort()).toEqual(['t 1', 't 2', 't 3']);
    await next.cutClients();
    await next.broker.stop();
  }
}, 60_000);

test('what a former process had sent stays with its member, but QoS 1 when the session ends [MQTT-4.8.2-4] [MQTT-4.8.2-5]', async () => {
  const first = await machine.subscribed('first', '$share/group/t');
  const publisher = await machine.connected('publisher');
  for (const [messageId, qos] of [
    [1, 1],
    [2, 2],
    [3, 1],
  ] as const) {
    publisher.publish('t', `${messageId}`, qos, messageId);
    await publisher.next();
  }
  const sent = ['t 1', 't 2', 't 3'];
  expect(brief([await first.next(), await first.next(), await first.next()])).toEqual(sent);
  await machine.stopAndStart();
  const second = await machine.subscribed('second', '$share/group/t');
  const slow = await machine.open();
  slow.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  expect(brief([await slow.next(), await slow.next()])).toEqual(['connack', 't 1']);
  slow.send({ cmd: 'disconnect' });
  expect(await slow.next()).toBeNull();
  expect(await second.sentSoFar()).toEqual([]);
  const again = await machine.connected('first');
  expect(brief([await again.next(), await again.next(), await again.next()])).toEqual(sent);

  await machine.stopAndStart();
  const other = await machine.connected('second');
  const clean = await machine.open();
  clean.connect('first', { clean: true });
  expect(await clean.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  expect(brief([await other.next(), await other.next()])).toEqual(['t 1', 't 3']);
  expect(await other.sentSoFar()).toEqual([]);
});

test('of QoS 2, what a killed process may have sent stays with its member [MQTT-4.8.2-5]', async () => {
  const first = await machine.subscribed('first', '$share/group/t');
  const publisher = await machine.connected('publisher');
  for (const [messageId, qos] of [
    [1, 1],
    [2, 2],
  ] as const) {
    publisher.publish('t', `${messageId}`, qos, messageId);
    await publisher.next();
  }
  expect(brief([await first.next(), await first.next()])).toEqual(['t 1', 't 2']);
  // Before anything says that they were sent.
  const next = new Machine();
  next.files = machine.files.afterPowerCut();
  await next.start();
  const second = await next.subscribed('second', '$share/group/t');
  const slow = await next.open();
  slow.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  expect(brief([await slow.next(), await slow.next()])).toEqual(['connack', 't 1']);
  slow.send({ cmd: 'disconnect' });
  expect(await slow.next()).toBeNull();
  expect(await second.sentSoFar()).toEqual([]);
  const again = await next.connected('first');
  expect(brief([await again.next(), await again.next()])).toEqual(['t 1', 't 2']);
  await next.cutClients();
  await next.broker.stop();
});

test('what is handed over to a member with QoS 0 is read back for it', async () => {
  const first = await machine.open();
  first.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  first.subscribe('$share/group/t', 1);
  for (let count = 0; count < 2; count++) await first.next();
  const publisher = await machine.connected('publisher');
  for (const id of [1, 2, 3]) {
    publisher.publish('t', `${id}`, 2, id);
    await publisher.next();
  }
  const second = await machine.open();
  second.connect('second', { properties: { sessionExpiryInterval: 1000 } });
  second.subscribe('$share/group/t', 1, 0);
  for (let count = 0; count < 2; count++) await second.next();
  await first.cut();
  const handedOver = [await second.next(), await second.next()];
  expect(brief(handedOver)).toEqual(['t 2', 't 3']);
  expect(handedOver).toMatchObject([{ qos: 0 }, { qos: 0 }]);
});

test('what was to be read for a member that has left meanwhile stays with its session', async () => {
  const first = await machine.open();
  first.connect('first', { properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } });
  first.subscribe('$share/group/t', 1);
  for (let count = 0; count < 2; count++) await first.next();
  const publisher = await machine.connected('publisher');
  for (const id of [1, 2, 3]) {
    publisher.publish('t', `${id}`, 1, id);
    await publisher.next();
  }
  expect(brief([await first.next()])).toEqual(['t 1']);
  const second = await machine.open();
  second.connect('second', { clean: true, properties: { sessionExpiryInterval: 0 } });
  second.subscribe('$share/group/t', 1);
  for (let count = 0; count < 2; count++) await second.next();
  await Promise.all([first.cut(), second.cut()]);
  const again = await machine.connected('first');
  expect(brief([await again.next(), await again.next(), await again.next()])).toEqual([
    't 1',
    't 2',
    't 3',
  ]);
});

test('what a subscriber has acknowledged is settled when something later is committed, also after a power cut', async () => {
  const subscriber = await machine.subscribed('subscriber', 't');
  const publisher = await machine.connected('publisher');
  publisher.publish('t', 'over', 1, 1);
  const { messageId } = (await subscriber.next()) as Publish;
  await publisher.next();
  subscriber.send({ cmd: 'puback', messageId: messageId as number });
  expect(await subscriber.sentSoFar()).toEqual([]);
  publisher.publish('t', 'not over', 1, 2);
  expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
  await machine.restart();
  const again = await machine.connected('subscriber');
  expect(brief([await again.next()])).toEqual(['t not over']);
  expect(await again.sentSoFar()).toEqual([]);
});
