import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { parseConfig } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { PacketClient } from '../support/packet-client.ts';

const RULES = `rules:
  - { publish: "#", subscribe: "#" }
  - { permission: deny, subscribe: secret/# }
  - { permission: deny, client: narrow-*, subscribe: "wide/+/hidden" }
  - { permission: deny, publish: kept/#, retain: true }
  - { permission: deny, publish: once/#, qos: [1, 2] }
  - { permission: deny, action: subscribe, topic: exact/#, qos: 2 }
  - { permission: deny, client: blind-*, receive: shared/# }
  - { permission: deny, action: unsubscribe, topic: forever }
  - { permission: deny, publish: guarded/# }
  - { address: 127.0.0.0/8, client: near-*, publish: guarded/#, rank: 1 }
`;

let folder: string;
let broker: RunningBroker;
let lines: { event: string; [field: string]: unknown }[];
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-denied-'));
  const warn = (event: string, fields = {}) => lines.push({ event, ...fields });
  broker = await createBroker(
    { auth: { aclFile: write('acl.yaml', RULES) }, log: { clientLinesPerSecond: 1000 } },
    { logger: { ...noopLogger, warn } },
  );
});

beforeEach(() => {
  lines = [];
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function open(
  version: 4 | 5 = 5,
  name = 'c',
  fields: Partial<Packet & { cmd: 'connect' }> = {},
): Promise<PacketClient> {
  const client = await PacketClient.open(`${broker.url}`, version);
  count++;
  client.connect(`${name}-${count}`, { clean: true, properties: {}, ...fields });
  await client.next();
  return client;
}

async function subscribed(client: PacketClient, filter: string, qos: 0 | 1 | 2): Promise<unknown> {
  client.subscribe(filter, 100, qos);
  const packets = await client.sentSoFar();
  return packets.find(({ cmd }) => cmd === 'suback');
}

async function topicsSentTo(client: PacketClient): Promise<string[]> {
  const packets = await client.sentSoFar();
  return packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []));
}

describe('what a subscription brings', () => {
  test.each([
    [4, 0],
    [4, 2],
    [5, 0],
    [5, 1],
    [5, 2],
  ] as const)('version %d, QoS %d: is without what a rule denies', async (version, qos) => {
    const subscriber = await open(version);
    const publisher = await open();
    await subscribed(subscriber, '#', qos);
    for (const [index, topic] of ['secret/1', 'a', 'secret', 'b'].entries()) {
      publisher.publish(topic, 'x', qos, index + 1);
    }
    await publisher.sentSoFar();
    expect(await topicsSentTo(subscriber)).toEqual(['a', 'b']);
    expect(lines.map(({ action, topic, reason, rule }) => [action, topic, reason, rule])).toEqual([
      ['receive', 'secret/1', 'rule', 'acl.yaml:3'],
      ['receive', 'secret', 'rule', 'acl.yaml:3'],
    ]);
    await subscriber.cut();
    await publisher.cut();
  });

  test('is counted as dropped, and by action and reason', async () => {
    const { dropped, accessDenied } = broker.stats;
    const before = [dropped['not-authorized'], accessDenied.get('receive rule') ?? 0];
    const subscriber = await open();
    await subscribed(subscriber, '+/1', 0);
    subscriber.publish('secret/1', 'x', 0, 0);
    expect(await topicsSentTo(subscriber)).toEqual([]);
    const after = [dropped['not-authorized'], accessDenied.get('receive rule') ?? 0];
    expect(after).toEqual(before.map((value) => value + 1));
    await subscriber.cut();
  });

  test('with identifiers and aliases, large, and queued for who is away', async () => {
    const subscriber = await open(5, 'c', {
      clean: false,
      properties: { sessionExpiryInterval: 100, topicAliasMaximum: 10 },
    });
    subscriber.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: '#', qos: 1 }],
      properties: { subscriptionIdentifier: 5 },
    });
    await subscriber.sentSoFar();
    const publisher = await open();
    const publish = async () => {
      publisher.publish('secret/1', 'x'.repeat(100_000), 1, 1);
      publisher.publish('secret/1', 'x', 0, 0);
      publisher.publish('a', 'x'.repeat(100_000), 1, 2);
      await publisher.sentSoFar();
    };
    await publish();
    expect(await topicsSentTo(subscriber)).toEqual(['a']);
    await subscriber.cut();
    await publish();
    const again = await PacketClient.open(`${broker.url}`);
    again.connect(`c-${count - 1}`, { properties: {} });
    // One was sent before, and not acknowledged.
    expect(await topicsSentTo(again)).toEqual(['a', 'a']);
    // The session is back, and so is what its subscription may not bring.
    publisher.publish('secret/1', 'x', 0, 0);
    publisher.publish('b', 'x', 0, 0);
    await publisher.sentSoFar();
    expect((await topicsSentTo(again)).length).toBe(1);
    await again.cut();
    await publisher.cut();
  });

  test('of retained messages is without those that a rule denies', async () => {
    const publisher = await open();
    publisher.publish('secret/r', 'x', 0, 0, { retain: true });
    publisher.publish('open/r', 'x', 1, 1, { retain: true });
    await publisher.sentSoFar();
    const subscriber = await open();
    subscriber.subscribe('+/r', 1, 1);
    const packets = await subscriber.sentSoFar();
    expect(packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []))).toEqual([
      'open/r',
    ]);
    for (const topic of ['secret/r', 'open/r'])
      publisher.publish(topic, '', 0, 0, { retain: true });
    await publisher.sentSoFar();
    await publisher.cut();
    await subscriber.cut();
  });

  test('goes to a member of a shared group that may have it, whoever’s turn it is', async () => {
    const blind = await open(5, 'blind');
    const seeing = await open(5, 'seeing');
    for (const client of [blind, seeing]) await subscribed(client, '$share/g/shared/#', 1);
    const publisher = await open();
    for (let index = 1; index <= 4; index++) publisher.publish('shared/1', `${index}`, 1, index);
    await publisher.sentSoFar();
    expect((await topicsSentTo(seeing)).length).toBe(4);
    expect(await topicsSentTo(blind)).toEqual([]);
    // Nobody else is left who may have it.
    await seeing.cut();
    publisher.publish('shared/2', 'x', 0, 0);
    await publisher.sentSoFar();
    expect(await topicsSentTo(blind)).toEqual([]);
    await blind.cut();
    await publisher.cut();
  });

  test('is whole where the rules deny no part of it', async () => {
    const subscriber = await open(5, 'narrow');
    await subscribed(subscriber, 'wide/+/open', 0);
    await subscribed(subscriber, 'a/#', 0);
    subscriber.publish('wide/1/hidden', 'x', 0, 0);
    subscriber.publish('wide/1/open', 'x', 0, 0);
    expect(await topicsSentTo(subscriber)).toEqual(['wide/1/open']);
    expect(lines).toEqual([]);
    await subscriber.cut();
  });
});

describe('conditions', () => {
  test('RETAIN and QoS of a PUBLISH, and of a will', async () => {
    const client = await open();
    client.publish('kept/1', 'x', 1, 1);
    client.publish('kept/1', 'x', 1, 2, { retain: true });
    client.publish('once/1', 'x', 0, 0);
    client.publish('once/1', 'x', 1, 3);
    const answers = (await client.sentSoFar()).map((packet) => [
      (packet as { messageId?: number }).messageId,
      (packet as { reasonCode?: number }).reasonCode,
    ]);
    expect(answers).toEqual([
      [1, 0x10],
      [2, 0x87],
      [3, 0x87],
    ]);
    expect(lines.map(({ rule }) => rule)).toEqual(['acl.yaml:5', 'acl.yaml:6']);
    await client.cut();
    const will = { topic: 'kept/will', payload: Buffer.from('x'), qos: 0 as const };
    const codes: unknown[] = [];
    for (const retain of [false, true]) {
      const other = await PacketClient.open(`${broker.url}`);
      other.connect('will', { clean: true, will: { ...will, retain } });
      codes.push(((await other.next()) as { reasonCode?: number }).reasonCode ?? 0);
      other.send({ cmd: 'disconnect', reasonCode: 0 });
      await other.cut();
    }
    expect(codes).toEqual([0, 0x87]);
  });

  test('the QoS of a SUBSCRIBE', async () => {
    const client = await open();
    expect(await subscribed(client, 'exact/a', 2)).toMatchObject({ granted: [0x87] });
    expect(await subscribed(client, 'exact/a', 1)).toMatchObject({ granted: [1] });
    client.publish('exact/a', 'x', 0, 0);
    expect(await topicsSentTo(client)).toEqual(['exact/a']);
    await client.cut();
  });

  test('a subscription that may not be given up stays', async () => {
    const client = await open();
    await subscribed(client, 'forever', 0);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['forever', 'other'] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', granted: [0x87, 0x11] });
    expect(lines).toMatchObject([{ action: 'unsubscribe', topic: 'forever', rule: 'acl.yaml:9' }]);
    client.publish('forever', 'x', 0, 0);
    expect(await topicsSentTo(client)).toEqual(['forever']);
    await client.cut();
  });

  test('a topic that comes by its alias is asked about as any other', async () => {
    const client = await open();
    const alias = { properties: { topicAlias: 1 } };
    client.publish('once/1', 'x', 0, 0, alias);
    client.publish('', 'x', 1, 1, alias);
    expect(await client.sentSoFar()).toMatchObject([{ cmd: 'puback', reasonCode: 0x87 }]);
    await client.cut();
  });
});

test('a will is published by what its client was allowed, also where that was by its address', async () => {
  const subscriber = await open();
  await subscribed(subscriber, 'guarded/#', 0);
  const will = { topic: 'guarded/will', payload: Buffer.from('x'), qos: 0 as const, retain: false };
  const client = await open(4, 'near', { will });
  await client.cut();
  expect(await subscriber.next()).toMatchObject({ cmd: 'publish', topic: 'guarded/will' });
  await subscriber.cut();
});

test('rules that change narrow what subscriptions bring that are kept', async () => {
  const subscriber = await open();
  await subscribed(subscriber, 'later/#', 1);
  const auth = (more: string) =>
    parseConfig({ auth: { aclFile: write('later.yaml', RULES + more) } });
  await broker.reconfigure(auth('  - { permission: deny, receive: later/secret }\n'));
  subscriber.publish('later/secret', 'x', 0, 0);
  subscriber.publish('later/open', 'x', 1, 1);
  expect(await topicsSentTo(subscriber)).toEqual(['later/open']);
  await broker.reconfigure(auth(''));
  subscriber.publish('later/secret', 'x', 0, 0);
  expect(await topicsSentTo(subscriber)).toEqual(['later/secret']);
  await broker.reconfigure(parseConfig({ auth: { aclDefault: 'deny' } }));
  expect(await subscribed(subscriber, 'later/x', 0)).toMatchObject({ granted: [0x87] });
  await broker.reconfigure(auth(''));
  await subscriber.cut();
});

test('a rule for networks of IPv6 applies to clients that come from there', async () => {
  const rules = `rules:
  - { publish: "#" }
  - { permission: deny, address: "::/64", publish: deny/# }
`;
  const other = await createBroker(
    {
      server: { bind: '[::1]:0', wsBind: 'none' },
      auth: { aclFile: write('ipv6.yaml', rules), aclDefault: 'deny', allowAnonymous: true },
    },
    { logger: noopLogger },
  );
  const client = await PacketClient.open(`${other.url}`, 5, '::1');
  client.connect('c', { clean: true, properties: {} });
  client.publish('deny/x', 'x', 1, 1);
  client.publish('allow/x', 'x', 1, 2);
  const packets = await client.sentSoFar();
  const codes = packets.flatMap((packet) => (packet.cmd === 'puback' ? [packet.reasonCode] : []));
  expect(codes).toEqual([0x87, 0x10]);
  await client.cut();
  await other.stop();
});
