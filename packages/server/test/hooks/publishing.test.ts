import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import type { TransportHandler } from '../../src/connection/transport.ts';
import { openBroker, parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import {
  type HookAnswer,
  type HookClient,
  type HookMessage,
  type Hooks,
  parseConfig,
  type TransformAnswer,
} from '../../src/index.ts';
import { Gate, HookedBroker } from '../support/hooked-broker.ts';
import { connectBytes, type PacketClient } from '../support/packet-client.ts';

let hooked: HookedBroker | null = null;

afterEach(async () => {
  await hooked?.stop();
  hooked = null;
});

async function start(...parameters: Parameters<typeof HookedBroker.start>): Promise<HookedBroker> {
  hooked = await HookedBroker.start(...parameters);
  return hooked;
}

/** A client that gets all messages at QoS 0. */
async function watcher(broker: HookedBroker): Promise<PacketClient> {
  const client = await broker.connected('watcher');
  client.subscribe('#', 1, 0);
  await client.next();
  return client;
}

/** What a client has been sent by now: topics and payloads. */
async function messagesOf(client: PacketClient): Promise<string[]> {
  const packets = await client.sentSoFar();
  return packets.map((packet) =>
    packet.cmd === 'publish' ? `${packet.topic}=${Buffer.from(packet.payload)}` : packet.cmd,
  );
}

/** A hook by a promise, or at once. */
function hooksOf(isLate: boolean, hooks: Hooks): Hooks {
  if (!isLate) return hooks;
  return Object.fromEntries(
    Object.entries(hooks).map(([name, hook]) => [
      name,
      async (...asked: unknown[]) => {
        await new Promise((resolve) => setImmediate(resolve));
        return (hook as (...all: unknown[]) => unknown)(...asked);
      },
    ]),
  );
}

function copyOf({ topic, payload, qos, retain, properties, isWill }: HookMessage) {
  return { topic, payload: payload.toString(), qos, retain, properties, isWill };
}

describe.each([false, true])('by promises: %p', (isLate) => {
  test('authorizePublish is asked for each message, and refuses it in PUBACK and PUBREC', async () => {
    const asked: ReturnType<typeof copyOf>[] = [];
    const broker = await start(
      hooksOf(isLate, {
        authorizePublish(client: HookClient, message: HookMessage): HookAnswer {
          expect(client).toMatchObject({ clientId: 'c', version: 5 });
          asked.push(copyOf(message));
          if (message.topic === 'no') return false;
          if (message.topic !== 'full') return true;
          return { allow: false, reasonCode: 0x97, reasonString: 'enough for today' };
        },
      }),
    );
    const seen = await watcher(broker);
    const client = await broker.connected('c');
    const properties = { userProperties: { a: 'b' }, topicAlias: 3, messageExpiryInterval: 9 };
    client.publish('yes', '1', 0, 0, { properties });
    client.publish('', '2', 1, 1, { properties: { topicAlias: 3 } });
    client.publish('no', '3', 0, 0);
    client.publish('no', '4', 1, 2);
    client.publish('full', '5', 2, 3);
    client.publish('yes', '6', 2, 4, { retain: true });
    expect(await client.sentSoFar()).toMatchObject([
      { cmd: 'puback', messageId: 1, reasonCode: 0 },
      {
        cmd: 'puback',
        messageId: 2,
        reasonCode: 0x87,
        properties: { reasonString: 'not authorized' },
      },
      {
        cmd: 'pubrec',
        messageId: 3,
        reasonCode: 0x97,
        properties: { reasonString: 'enough for today' },
      },
      { cmd: 'pubrec', messageId: 4, reasonCode: 0 },
    ]);
    expect(await messagesOf(seen)).toEqual(['yes=1', 'yes=2', 'yes=6']);
    expect(asked[0]).toEqual({
      topic: 'yes',
      payload: '1',
      qos: 0,
      retain: false,
      properties: { userProperties: { a: 'b' }, messageExpiryInterval: 9 },
      isWill: false,
    });
    expect(asked.map(({ payload, qos, retain }) => [payload, qos, retain])).toEqual([
      ['1', 0, false],
      ['2', 1, false],
      ['3', 0, false],
      ['4', 1, false],
      ['5', 2, false],
      ['6', 2, true],
    ]);
    expect(broker.running.stats.refused['refused-by-hook']).toBe(3);
    expect(broker.failures).toEqual({});
  });

  test('transform changes topic, payload and properties, once for each message [MQTT-4.3.3-10]', async () => {
    let count = 0;
    const broker = await start(
      hooksOf(isLate, {
        transform(
          client: HookClient,
          { topic, payload, properties }: HookMessage,
        ): TransformAnswer {
          if (topic !== 'up') return true;
          count++;
          return {
            topic: `devices/${client.clientId}`,
            payload: `${payload}!`,
            properties: { ...properties, userProperties: { n: `${count}` } },
          };
        },
      }),
    );
    const seen = await watcher(broker);
    const client = await broker.connected('c', { clean: false });
    client.publish('up', 'a', 0, 0);
    client.publish('other', 'b', 1, 1);
    client.publish('up', 'c', 2, 2, { retain: true });
    client.publish('up', 'c', 2, 2, { retain: true, dup: true });
    expect(await client.sentSoFar()).toMatchObject([
      { cmd: 'puback', reasonCode: 0 },
      { cmd: 'pubrec', reasonCode: 0 },
      { cmd: 'pubrec', reasonCode: 0 },
    ]);
    expect(await seen.sentSoFar()).toMatchObject([
      {
        topic: 'devices/c',
        payload: Buffer.from('a!'),
        properties: { userProperties: { n: '1' } },
      },
      { topic: 'other', payload: Buffer.from('b') },
      {
        topic: 'devices/c',
        payload: Buffer.from('c!'),
        properties: { userProperties: { n: '2' } },
      },
    ]);
    const late = await broker.connected('late');
    late.subscribe('#', 1);
    expect(await messagesOf(late)).toEqual(['suback', 'devices/c=c!']);
    expect(broker.running.retained.get('up')).toBeNull();
  });

  test('rules, $SYS, limits and authorizePublish are applied to what comes out of transform', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-hooks-'));
    const aclFile = join(folder, 'acl.yaml');
    writeFileSync(aclFile, 'rules: [{ publish: [ok/#, "$SYS/#", hooked], subscribe: "#" }]');
    const asked: string[] = [];
    const broker = await start(
      hooksOf(isLate, {
        transform: (_client: HookClient, { payload }: HookMessage): TransformAnswer =>
          payload.length === 0 ? false : { topic: payload.toString() },
        authorizePublish(_client: HookClient, { topic }: HookMessage) {
          asked.push(topic);
          return topic !== 'hooked';
        },
      }),
      { auth: { aclFile }, mqtt: { maxTopicLevels: 3 } },
    );
    const seen = await watcher(broker);
    const client = await broker.connected('c');
    const topics = ['ok/1', 'no', '$SYS/x', 'ok/1/2/3', 'hooked', 'a/#', ''];
    for (const [index, topic] of topics.entries()) client.publish('no', topic, 1, index + 1);
    const acks = await client.sentSoFar();
    expect(acks.map((ack) => (ack as { reasonCode: number }).reasonCode)).toEqual([
      0, 0x87, 0x87, 0x90, 0x87, 0x83, 0x87,
    ]);
    expect(await messagesOf(seen)).toEqual(['ok/1=ok/1']);
    expect(asked).toEqual(topics.slice(0, 5));
    expect(broker.failures).toEqual({ 'transform invalid-answer': 1 });
    expect(broker.linesOf('hook-failed')).toMatchObject([
      {
        why: expect.stringMatching(/^hook transform returned { topic }: wildcard in a topic name/),
      },
    ]);
    rmSync(folder, { recursive: true });
  });

  test('a will is asked for at CONNECT, which it may have refused, and is published as it was changed', async () => {
    const asked: ReturnType<typeof copyOf>[] = [];
    const broker = await start(
      hooksOf(isLate, {
        transform(client: HookClient, { topic, payload, isWill }: HookMessage): TransformAnswer {
          if (!isWill || topic === 'bad') return true;
          return {
            topic: `gone/${client.clientId}`,
            payload: `${payload}!`,
            properties: { contentType: 't' },
          };
        },
        authorizePublish(_client: HookClient, message: HookMessage): HookAnswer {
          if (message.isWill) asked.push(copyOf(message));
          return message.topic !== 'bad';
        },
      }),
    );
    const will = (topic: string) => ({
      will: {
        topic,
        payload: Buffer.from('w'),
        qos: 1,
        retain: false,
        properties: { messageExpiryInterval: 7 },
      },
    });
    const refused = await broker.client();
    refused.connect('c', will('bad') as object);
    expect(await refused.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
    const seen = await watcher(broker);
    const client = await broker.connected('c', will('good'));
    client.send({ cmd: 'disconnect', reasonCode: 4 });
    expect(await client.next()).toBeNull();
    expect(await seen.sentSoFar()).toMatchObject([
      { topic: 'gone/c', payload: Buffer.from('w!'), properties: { contentType: 't' } },
    ]);
    expect(asked).toMatchObject([
      { topic: 'bad', properties: { messageExpiryInterval: 7 }, isWill: true },
      { topic: 'gone/c', payload: 'w!', qos: 1, properties: { contentType: 't' }, isWill: true },
    ]);
  });

  test('what throws refuses (0x83); before MQTT 5, where PUBACK can say nothing, the message is dropped', async () => {
    const broker = await start(
      hooksOf(isLate, {
        authorizePublish() {
          throw new Error('oops');
        },
      }),
    );
    const seen = await watcher(broker);
    const client = await broker.connected('c');
    client.publish('a', '1', 0, 0);
    client.publish('a', '2', 1, 1);
    expect(await client.sentSoFar()).toMatchObject([{ cmd: 'puback', reasonCode: 0x83 }]);
    const old = await broker.connected('old', {}, 4);
    old.publish('a', '3', 1, 1);
    expect(await old.sentSoFar()).toMatchObject([{ cmd: 'puback', messageId: 1 }]);
    expect(await messagesOf(seen)).toEqual([]);
    expect(broker.failures).toEqual({ 'authorizePublish threw': 3 });
  });

  test('a hook that publishes, subscribes or disconnects others itself does no harm', async () => {
    const broker = await start(
      hooksOf(isLate, {
        authorizePublish(_client: HookClient, { topic, payload }: HookMessage) {
          if (topic === 'a') {
            void broker.running.publish({ topic: 'b', payload: `from ${payload}` });
            void broker.running.clients.disconnect('victim');
          }
          return true;
        },
      }),
    );
    const victim = await broker.connected('victim');
    victim.subscribe('a', 1, 0);
    await victim.next();
    const seen = await watcher(broker);
    const client = await broker.connected('c');
    client.publish('a', '1', 1, 1);
    client.publish('a', '2', 0, 0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
    expect((await messagesOf(seen)).sort()).toEqual(['a=1', 'a=2', 'b=from 1', 'b=from 2']);
    expect(await victim.next()).toMatchObject({ cmd: 'disconnect' });
  });

  test('a hook that has the publisher disconnected: its message is not routed', async () => {
    const broker = await start(
      hooksOf(isLate, {
        authorizePublish({ clientId }: HookClient) {
          void broker.running.clients.disconnect(clientId);
          return true;
        },
      }),
    );
    const seen = await watcher(broker);
    for (const qos of [0, 1, 2] as const) {
      const client = await broker.connected('c');
      client.publish('a', 'x', qos, 1);
      expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
      expect(await client.next()).toBeNull();
    }
    expect(await messagesOf(seen)).toEqual([]);
    expect(broker.running.stats.internalErrors.get('receiving')).toBe(0);
  });
});

test('the order of a client’s packets is kept while an answer is awaited, and others continue [MQTT-4.6.0-2]', async () => {
  const gates = new Map([['first', new Gate<boolean>()]]);
  const broker = await start({
    authorizePublish: (_client, { payload }) => gates.get(payload.toString())?.promise ?? true,
  });
  const seen = await watcher(broker);
  const client = await broker.connected('c');
  client.publish('a', 'first', 1, 1);
  client.publish('a', 'second', 0, 0);
  client.publish('a', 'third', 2, 2);
  client.subscribe('b', 3);
  const other = await broker.connected('other');
  other.publish('a', 'other', 1, 1);
  expect(await other.next()).toMatchObject({ cmd: 'puback' });
  expect(await messagesOf(seen)).toEqual(['a=other']);
  gates.get('first')?.open(true);
  expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 });
  expect(await client.next()).toMatchObject({ cmd: 'suback', messageId: 3 });
  expect(await messagesOf(seen)).toEqual(['a=first', 'a=second', 'a=third']);
});

test('a client isn’t read from while an answer is awaited: what arrives is bounded by its buffers', async () => {
  const gate = new Gate<boolean>();
  const broker = await start({ authorizePublish: () => gate.promise });
  const client = await broker.connected('c');
  const payload = 'x'.repeat(100_000);
  for (let id = 1; id <= 200; id++) client.publish('a', payload, 1, id);
  const other = await broker.connected('other');
  for (let round = 0; round < 20; round++) await other.sentSoFar();
  expect(broker.running.stats.bytesReceived).toBeLessThan(2_000_000);
  gate.open(true);
  for (let id = 1; id <= 200; id++) expect(await client.next()).toMatchObject({ messageId: id });
});

test('a message of a client that has closed since is published; DISCONNECT after it takes the will away', async () => {
  const asked = new Gate<void>();
  const gate = new Gate<boolean>();
  const broker = await start({
    authorizePublish(_client, { isWill }) {
      if (isWill) return true;
      asked.open();
      return gate.promise;
    },
  });
  const seen = await watcher(broker);
  const will = { topic: 'will', payload: Buffer.from('w'), qos: 0, retain: false };
  const client = await broker.connected('c', { will });
  client.publish('a', '1', 0, 0);
  client.publish('a', '2', 0, 0);
  client.send({ cmd: 'disconnect' });
  await asked.promise;
  await client.cut();
  gate.open(true);
  while (broker.running.clients.get('c')?.isConnected === true)
    await new Promise((done) => setImmediate(done));
  expect(await messagesOf(seen)).toEqual(['a=1', 'a=2']);
  expect(broker.linesOf('client-disconnected')).toMatchObject([{ clientId: 'c', cause: 'client' }]);
});

test('a client that waits for too long is disconnected (0x89): its message is neither routed nor acknowledged', async () => {
  const signals: AbortSignal[] = [];
  const broker = await start(
    {
      authorizePublish(_client, _message, signal) {
        signals.push(signal);
        return new Promise(() => {});
      },
    },
    { hooks: { timeout: '20ms' } },
  );
  const seen = await watcher(broker);
  const client = await broker.connected('c');
  client.publish('a', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x89 });
  expect(await client.next()).toBeNull();
  expect(signals[0]?.aborted).toBe(true);
  expect(await messagesOf(seen)).toEqual([]);
  expect(broker.failures).toEqual({ 'authorizePublish timeout': 1 });
});

test('a client that is taken over while its message is asked for sends it again [MQTT-3.1.4-3]', async () => {
  const asked = new Gate<AbortSignal>();
  const gate = new Gate<boolean>();
  const broker = await start({
    authorizePublish(_client, { payload }, signal) {
      if (payload.toString() !== 'x') return true;
      asked.open(signal);
      return gate.promise;
    },
  });
  const seen = await watcher(broker);
  const first = await broker.connected('c', {
    clean: false,
    properties: { sessionExpiryInterval: 100 },
  });
  first.publish('a', 'x', 2, 1);
  const signal = await asked.promise;
  const second = await broker.connected('c', {
    clean: false,
    properties: { sessionExpiryInterval: 100 },
  });
  expect(signal.aborted).toBe(true);
  gate.open(true);
  second.publish('a', 'x again', 2, 1, { dup: true });
  expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 1, reasonCode: 0 });
  expect(await messagesOf(seen)).toEqual(['a=x again']);
});

test('a client whose user a reload takes away while its message is asked for is disconnected', async () => {
  const asked = new Gate<void>();
  const gate = new Gate<boolean>();
  const broker = await start({
    authorizePublish() {
      asked.open();
      return gate.promise;
    },
  });
  const seen = await watcher(broker);
  const client = await broker.connected('c');
  client.publish('a', 'x', 1, 1);
  await asked.promise;
  broker.running.reconfigure(parseConfig({ auth: { allowAnonymous: false } }));
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  gate.open(true);
  expect(await seen.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
});

test('one signal is given again to hooks that answer at once, a new one after one was awaited', async () => {
  const signals: AbortSignal[] = [];
  const broker = await start({
    authorizePublish(_client, { topic }, signal) {
      signals.push(signal);
      return topic === 'late' ? Promise.resolve(true) : true;
    },
  });
  const client = await broker.connected('c');
  for (const topic of ['a', 'a', 'late', 'a', 'a']) client.publish(topic, '', 0, 0);
  await client.sentSoFar();
  expect(new Set(signals).size).toBe(2);
  expect(signals[0]).toBe(signals[2]);
  await client.cut();
  while (broker.running.clients.get('c')?.isConnected === true)
    await new Promise((done) => setImmediate(done));
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false, true, true]);
});

test('a message that a hook keeps until it answers by a promise stays what it is', async () => {
  const gates: Gate<boolean>[] = [];
  const kept: HookMessage[] = [];
  const broker = await start({
    authorizePublish(_client, message) {
      kept.push(message);
      const gate = new Gate<boolean>();
      gates.push(gate);
      return gate.promise;
    },
  });
  const [first, second] = [await broker.connected('1'), await broker.connected('2')];
  first.publish('a', 'one', 1, 1);
  while (gates.length < 1) await new Promise((done) => setImmediate(done));
  second.publish('b', 'two', 1, 1);
  while (gates.length < 2) await new Promise((done) => setImmediate(done));
  expect(kept.map(copyOf)).toMatchObject([
    { topic: 'a', payload: 'one' },
    { topic: 'b', payload: 'two' },
  ]);
  for (const gate of gates) gate.open(true);
});

test.each<[answer: unknown, told: string]>([
  [
    undefined,
    'hook transform returned undefined; it may return true, false, { allow, reasonCode, reasonString, topic, payload, properties }',
  ],
  [{ topic: 7 }, 'returned topic: 7; it is a topic name'],
  [{ topic: '' }, 'returned { topic }: empty topic name'],
  [{ topic: 'a\0b' }, 'topic name is not valid UTF-8'],
  [{ topic: '\ud800' }, 'it has half of a surrogate pair'],
  [{ payload: { a: 1 } }, 'returned payload: { a }; it is text or a Uint8Array'],
  [{ qos: 1 }, 'qos is none of allow, reasonCode'],
  [
    { properties: { topicAlias: 1 } },
    'topicAlias and subscriptionIdentifier belong to a connection',
  ],
  [{ properties: { contentType: 7 } }, 'returned properties: { contentType }; '],
  [{ properties: { responseTopic: 'a/#' } }, 'wildcard in a topic name'],
  [{ payload: 'x'.repeat(2000) }, 'bytes; mqtt.max-packet-size is 1024'],
])('transform may not answer with what is no change (%#)', async (answer, told) => {
  const broker = await start(
    { transform: () => answer as TransformAnswer },
    { mqtt: { maxPacketSize: 1024, maxConnectSize: 1024, maxControlPacketSize: 1024 } },
  );
  const client = await broker.connected('c');
  client.publish('a', 'x', 1, 1);
  expect(await client.next()).toMatchObject({
    cmd: 'puback',
    reasonCode: 0x83,
  } satisfies Partial<Packet>);
  expect(broker.linesOf('hook-failed')).toEqual([
    expect.objectContaining({ hook: 'transform', why: expect.stringContaining(told) }),
  ]);
});

test('a payload that transform gives has to be what it says: 0x99', async () => {
  const broker = await start(
    {
      transform: () => ({
        payload: Uint8Array.of(0xff),
        properties: { payloadFormatIndicator: true },
      }),
    },
    { mqtt: { checkPayloadFormat: true } },
  );
  const client = await broker.connected('c');
  client.publish('a', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ reasonCode: 0x99 });
});

test('why a QoS 0 message was refused is said of no other', async () => {
  const broker = await start({ authorizePublish: (_, { topic }) => topic !== 'no' });
  const client = await broker.connected('c');
  client.publish('no', 'x', 0, 0);
  client.publish('yes', 'x', 1, 1);
  const puback = await client.next();
  expect(puback).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x10 });
  expect(puback).not.toHaveProperty('properties.reasonString');
});

test('a promise of another kind may call back at once', async () => {
  const answer = Object.fromEntries([
    ['then', (onAnswer: (isAllowed: boolean) => void) => onAnswer(false)],
  ]);
  const broker = await start({ authorizePublish: () => answer as unknown as Promise<boolean> });
  const client = await broker.connected('c');
  client.publish('a', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x87 });
});

test('what a client has sent before it closed its side is done, also where that takes several turns and a hook is awaited', async () => {
  const total = 20_000;
  let asked = 0;
  const authorizePublish = (): HookAnswer | Promise<HookAnswer> =>
    // In the second turn: a third follows.
    ++asked === 7000 ? new Promise((resolve) => setImmediate(resolve, true)) : true;
  const config = parseEmbeddedConfig({ server: { bind: 'none', wsBind: 'none' } });
  const { running, broker } = await openBroker(config, { hooks: { authorizePublish } });
  const cause = new Promise((resolve) => running.on('disconnect', (event) => resolve(event.cause)));
  const nothing = () => {};
  const transport = {
    remoteAddress: 'test',
    protocol: 'test',
    write: nothing,
    cork: nothing,
    uncork: nothing,
    pause: nothing,
    resume: nothing,
    end: () => setImmediate(() => handler.onClose(null)),
    destroy: () => setImmediate(() => handler.onClose(null)),
  };
  const handler = broker.accept(transport) as TransportHandler;
  handler.onData(connectBytes);
  handler.onData(Buffer.concat(Array.from({ length: total }, () => Buffer.of(0x30, 3, 0, 1, 97))));
  handler.onEnd();
  expect(await cause).toBe('closed by peer');
  expect(asked).toBe(total);
  await running.stop();
});
