import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Packet, ProtocolVersion } from '@promptmq/codec';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'promptmq-mount-'));
let broker: RunningBroker;

beforeAll(async () => {
  const aclFile = join(folder, 'acl.yaml');
  // Rules have whole topics.
  writeFileSync(
    aclFile,
    'rules:\n  - {publish: ["#", "$foo/#"], subscribe: ["#", "$foo/#", "$SYS/#"]}\n',
  );
  const bind = '127.0.0.1:0';
  broker = await createBroker({
    listeners: [
      { name: 'all', kind: 'tcp', bind },
      { name: 'a', kind: 'tcp', bind, mountPoint: 't/a' },
      { name: 'b', kind: 'tcp', bind, mountPoint: 't/b/' },
    ],
    auth: { aclFile },
    storage: { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') },
    mqtt: { maxTopicAliasOut: 10 },
  });
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function open(
  listener: string,
  clientId: string,
  version: ProtocolVersion = 5,
  fields: object = {},
): Promise<PacketClient> {
  const url = broker.listeners.find(({ name }) => name === listener)?.url;
  const client = await PacketClient.open(`${url}`, version);
  client.connect(clientId, fields);
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

/** What of the packets are messages: topic and payload. */
const messagesOf = (packets: Packet[]) =>
  packets.flatMap((packet) =>
    packet.cmd === 'publish' ? [`${packet.topic} ${Buffer.from(packet.payload)}`] : [],
  );

async function subscribed(client: PacketClient, filter: string, qos: 0 | 1 | 2 = 1): Promise<void> {
  client.subscribe(filter, 1, qos);
  expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [qos] });
}

const clean = { clean: true, properties: {} };

/** Between versions, at each QoS, small and large: each of these is encoded in another way. */
const ways = ([5, 4] as const).flatMap((from) =>
  ([5, 4] as const).flatMap((to) =>
    ([0, 1, 2] as const).flatMap((qos) =>
      [10, 20_000].map((size) => ({ from, to, qos, size, isStored: size === 10 })),
    ),
  ),
);

test.each(ways)(
  'MQTT $from to $to at QoS $qos, $size bytes',
  async ({ from, to, qos, size, isStored }) => {
    const session = isStored ? {} : clean;
    const inside = await open('a', 'inside', to, session);
    const other = await open('b', 'other', to, session);
    const all = await open('all', 'all', to, session);
    await subscribed(inside, 'x/#', qos);
    await subscribed(other, '#', qos);
    await subscribed(all, 't/#', qos);
    const publisher = await open('a', 'publisher', from, clean);
    const outsider = await open('all', 'outsider', from, clean);
    const payload = 'y'.repeat(size);
    publisher.publish('x/1', payload, qos, 1);
    await publisher.sentSoFar();
    outsider.publish('t/a/x/2', payload, qos, 1);
    outsider.publish('x/3', payload, qos, 2);
    await outsider.sentSoFar();
    const received = async (client: PacketClient, count: number) => {
      const packets: Packet[] = [];
      while (packets.length < count) packets.push((await client.next()) as Packet);
      return messagesOf([...packets, ...(await client.sentSoFar())]);
    };
    expect(await received(inside, 2)).toEqual([`x/1 ${payload}`, `x/2 ${payload}`]);
    expect(await received(all, 2)).toEqual([`t/a/x/1 ${payload}`, `t/a/x/2 ${payload}`]);
    expect(await received(other, 0)).toEqual([]);
    await Promise.all([inside, other, all, publisher, outsider].map((client) => client.cut()));
    for (const id of ['inside', 'other', 'all'])
      await broker.clients.disconnect(id, { dropSession: true });
  },
);

test('aliases, in both directions', async () => {
  const inside = await open('a', 'inside-alias', 5, {
    clean: true,
    properties: { topicAliasMaximum: 5 },
  });
  await subscribed(inside, '#', 0);
  const publisher = await open('a', 'publisher', 5, clean);
  const properties = { topicAlias: 3 };
  publisher.publish('x/1', '1', 0, 0, { properties });
  publisher.publish('', '2', 0, 0, { properties });
  publisher.publish('', '3', 0, 0, { properties });
  await publisher.sentSoFar();
  const [first, ...others] = [await inside.next(), await inside.next(), await inside.next()];
  expect(first).toMatchObject({ topic: 'x/1', properties: { topicAlias: 1 } });
  for (const one of others) expect(one).toMatchObject({ topic: '', properties: { topicAlias: 1 } });
  await Promise.all([inside.cut(), publisher.cut()]);
});

test('an empty topic without an alias is no topic, whatever it would become', async () => {
  const publisher = await open('a', 'empty', 5, clean);
  publisher.publish('', 'x', 0, 0, { properties: { topicAlias: 1 } });
  expect(await publisher.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
});

test('retained messages, with those of others left out', async () => {
  const publisher = await open('a', 'publisher', 5, clean);
  publisher.publish('kept/1', 'a', 1, 1, { retain: true });
  await publisher.next();
  const outsider = await open('all', 'outsider', 4, { clean: true });
  outsider.publish('t/a', 'the point itself', 1, 1, { retain: true });
  await outsider.next();
  outsider.publish('t/a/$SYS/broker/version', 'false', 1, 2, { retain: true });
  await outsider.next();
  for (const version of [4, 5] as const) {
    const inside = await open('a', 'reader', version, { clean: true });
    inside.subscribe('#', 1, 1);
    const packets = [await inside.next(), await inside.next()];
    expect(messagesOf([...(packets as Packet[]), ...(await inside.sentSoFar())])).toEqual([
      'kept/1 a',
    ]);
    await inside.cut();
  }
  const other = await open('b', 'reader', 5, clean);
  other.subscribe('#', 1, 1);
  expect(messagesOf(await other.sentSoFar())).toEqual([]);
  for (const topic of ['t/a/kept/1', 't/a', 't/a/$SYS/broker/version']) {
    outsider.publish(topic, '', 1, 3, { retain: true });
    await outsider.next();
  }
  await Promise.all([publisher, outsider, other].map((client) => client.cut()));
});

test('$SYS is the same for all', async () => {
  const inside = await open('a', 'reader', 5, clean);
  inside.subscribe('$SYS/broker/version', 1, 0);
  const packets = [await inside.next(), await inside.next()] as Packet[];
  expect(messagesOf(packets)[0]).toMatch(/^\$SYS\/broker\/version /);
  inside.publish('$SYS/broker/version', 'mine', 1, 7);
  expect(await inside.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x87 });
  await inside.cut();
});

test('other topics that begin with $ are their own, and no wildcard sees them', async () => {
  const [wild, named, other, all] = await Promise.all([
    open('a', 'wild', 5, clean),
    open('a', 'named', 5, clean),
    open('b', 'other', 5, clean),
    open('all', 'all', 5, clean),
  ]);
  await subscribed(wild, '#', 0);
  await subscribed(named, '$foo/#', 0);
  await subscribed(other, '$foo/#', 0);
  await subscribed(all, '$foo/t/a/x', 0);
  named.publish('$foo/x', '1', 0, 0);
  expect(messagesOf([(await named.next()) as Packet])).toEqual(['$foo/x 1']);
  expect(messagesOf([(await all.next()) as Packet])).toEqual(['$foo/t/a/x 1']);
  expect(messagesOf(await wild.sentSoFar())).toEqual([]);
  expect(messagesOf(await other.sentSoFar())).toEqual([]);
  await Promise.all([wild, named, other, all].map((client) => client.cut()));
});

test('shared subscriptions, which somebody who sees all may take part in', async () => {
  const inside = await open('a', 'member-a', 5, clean);
  const all = await open('all', 'member-all', 5, clean);
  await subscribed(inside, '$share/g/work', 0);
  await subscribed(all, '$share/g/t/a/work', 0);
  const publisher = await open('a', 'publisher', 5, clean);
  for (const payload of ['1', '2']) publisher.publish('work', payload, 0, 0);
  await publisher.sentSoFar();
  const first = messagesOf(await inside.sentSoFar());
  const second = messagesOf(await all.sentSoFar());
  expect(first).toHaveLength(1);
  expect(second).toHaveLength(1);
  expect(first[0]).toMatch(/^work /);
  expect(second[0]).toMatch(/^t\/a\/work /);
  await Promise.all([inside, all, publisher].map((client) => client.cut()));
});

test('unsubscribing, and a will', async () => {
  const all = await open('all', 'all', 5, clean);
  await subscribed(all, 't/a/#', 0);
  const client = await open('a', 'mortal', 5, {
    ...clean,
    will: { topic: 'gone', payload: Buffer.from('x'), qos: 0, retain: false },
  });
  await subscribed(client, 'x', 0);
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['x', 't/a/x'] });
  expect(await client.next()).toMatchObject({ cmd: 'unsuback', granted: [0, 0x11] });
  await client.cut();
  expect(messagesOf([(await all.next()) as Packet])).toEqual(['t/a/gone x']);
  await all.cut();
});

test('a session that comes back by another listener has what lies there, and nothing else', async () => {
  const session = await open('all', 'wanderer');
  for (const filter of ['t/a/x', 't/b/x', '#']) await subscribed(session, filter);
  await session.cut();
  const publisher = await open('all', 'publisher', 5, clean);
  publisher.publish('t/a/x', 'for a', 1, 1);
  publisher.publish('t/b/x', 'for b', 1, 2);
  await publisher.next();
  await publisher.next();
  const { dropped } = broker.stats;
  const before = dropped['outside-mount-point'];
  const atA = await open('a', 'wanderer');
  expect(messagesOf(await atA.sentSoFar())).toEqual(['x for a']);
  // Of the one message in both, and that of the filter for all, those of elsewhere are counted.
  expect(dropped['outside-mount-point'] - before).toBe(1);
  publisher.publish('t/b/x', 'for b', 1, 3);
  publisher.publish('t/a/x', 'more', 1, 4);
  await publisher.next();
  await publisher.next();
  expect(messagesOf(await atA.sentSoFar())).toEqual(['x more']);
  await atA.cut();
  const back = await open('all', 'wanderer', 5, { clean: false });
  publisher.publish('t/a/x', 'again', 1, 5);
  await publisher.next();
  const seen = messagesOf(await back.sentSoFar());
  expect(seen.filter((message) => message.endsWith('again'))).toEqual(['t/a/x again']);
  await broker.clients.disconnect('wanderer', { dropSession: true });
  await Promise.all([back.cut(), publisher.cut()]);
});

test('hooks, events and lists have whole topics', async () => {
  const topics: string[] = [];
  const listener = ({ topic }: { topic: string }) => topics.push(topic);
  broker.on('publish', listener);
  const client = await open('a', 'seen', 5, clean);
  await subscribed(client, 'own/+', 0);
  client.publish('own/x', '1', 0, 0);
  await client.sentSoFar();
  broker.off('publish', listener);
  expect(topics).toEqual(['t/a/own/x']);
  await client.cut();
});
