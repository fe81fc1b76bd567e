import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { type HookAnswer, type HookSubscription, parseConfig } from '../../src/index.ts';
import { Gate, HookedBroker } from '../support/hooked-broker.ts';
import type { PacketClient } from '../support/packet-client.ts';

let hooked: HookedBroker | null = null;

afterEach(async () => {
  await hooked?.stop();
  hooked = null;
});

async function start(...parameters: Parameters<typeof HookedBroker.start>): Promise<HookedBroker> {
  hooked = await HookedBroker.start(...parameters);
  return hooked;
}

const kept = { clean: false, properties: { sessionExpiryInterval: 1000 } };

function subscribe(client: PacketClient, topics: readonly string[], properties?: object): void {
  const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const }));
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions,
    ...(properties && { properties }),
  } as Packet);
}

test('SUBSCRIBE is asked filter by filter, after the rules, and each has its answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-hooks-'));
  const aclFile = join(folder, 'acl.yaml');
  writeFileSync(aclFile, 'rules: [{ subscribe: [a/#, "$share/g/a/#"], publish: "#" }]');
  const asked: HookSubscription[] = [];
  const answers: Record<string, HookAnswer> = {
    'a/no': false,
    'a/full': { allow: false, reasonCode: 0x97, reasonString: 'three are enough' },
    'a/none': { allow: false, reasonCode: 0x8f },
  };
  const broker = await start(
    {
      async authorizeSubscribe({ clientId }, subscription) {
        expect(clientId).toBe('c');
        asked.push(subscription);
        return answers[subscription.topicFilter] ?? true;
      },
    },
    { auth: { aclFile } },
  );
  const client = await broker.connected('c');
  const filters = ['a/yes', 'b', 'a/no', 'a/full', 'a/none', '$share/g/a/+'];
  subscribe(client, filters, { subscriptionIdentifier: 5 });
  expect(await client.next()).toMatchObject({
    cmd: 'suback',
    granted: [1, 0x87, 0x87, 0x97, 0x8f, 1],
    properties: { reasonString: 'not authorized' },
  });
  expect(asked.map(({ topicFilter }) => topicFilter)).toEqual(filters.filter((one) => one !== 'b'));
  expect(asked[0]).toEqual({
    topicFilter: 'a/yes',
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 5,
    isResumed: false,
  });
  expect(broker.running.stats.subscriptionsCurrent).toBe(2);
  expect(broker.linesOf('access-refused').map(({ topic }) => topic)).toEqual([
    'b',
    'a/no',
    'a/full',
    'a/none',
  ]);
  rmSync(folder, { recursive: true });
});

test('in MQTT 3.1.1, a filter that is refused is answered 0x80; a reason that has no room is left out [MQTT-3.9.2-1]', async () => {
  const broker = await start({
    authorizeSubscribe: () => ({ allow: false, reasonString: 'x'.repeat(1000) }),
  });
  const old = await broker.connected('old', {}, 4);
  subscribe(old, ['a']);
  expect(await old.next()).toMatchObject({ granted: [0x80] });
  const small = await broker.connected('small', { properties: { maximumPacketSize: 500 } });
  subscribe(small, ['a']);
  const suback = await small.next();
  expect(suback).toMatchObject({ granted: [0x87] });
  expect(suback).not.toHaveProperty('properties.reasonString');
});

test('what a client sends while a filter is asked for is done afterwards, in its order', async () => {
  const gate = new Gate<boolean>();
  const broker = await start({ authorizeSubscribe: () => gate.promise });
  const client = await broker.connected('c');
  subscribe(client, ['a']);
  client.publish('a', 'x', 1, 2);
  client.send({ cmd: 'pingreq' });
  const other = await broker.connected('other');
  expect(await other.sentSoFar()).toEqual([]);
  gate.open(true);
  expect((await client.next())?.cmd).toBe('suback');
  expect((await client.next())?.cmd).toBe('publish');
  expect((await client.next())?.cmd).toBe('puback');
  expect((await client.next())?.cmd).toBe('pingresp');
});

test('a client that has closed its side while a filter is asked for has what it had sent done', async () => {
  const asked = new Gate<void>();
  const gate = new Gate<boolean>();
  const broker = await start({
    authorizeSubscribe() {
      asked.open();
      return gate.promise;
    },
  });
  const watcher = await broker.connected('watcher');
  const client = await broker.connected('c', kept);
  subscribe(client, ['a']);
  client.send({ cmd: 'disconnect' });
  await asked.promise;
  await client.cut();
  gate.open(true);
  while (broker.running.clients.get('c')?.isConnected !== false) await watcher.sentSoFar();
  expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
  expect(broker.linesOf('client-disconnected')).toMatchObject([{ clientId: 'c', cause: 'client' }]);
});

test('a client that is connected and waits for too long is disconnected: 0x89, as DISCONNECT has no 0x88', async () => {
  const signals: AbortSignal[] = [];
  const broker = await start(
    {
      authorizeSubscribe(_client, _subscription, signal) {
        signals.push(signal);
        return new Promise(() => {});
      },
    },
    { hooks: { timeout: '20ms' } },
  );
  const client = await broker.connected('c', kept);
  subscribe(client, ['a', 'b']);
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x89 });
  expect(await client.next()).toBeNull();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(broker.failures).toEqual({ 'authorizeSubscribe timeout': 1 });
  expect(broker.running.stats.disconnections.get('hook timeout')).toBe(1);
  expect(broker.running.clients.subscriptions('c')).toEqual([]);
});

test('a client that is taken over while it waits: the signal is aborted, and the answer has no effect [MQTT-3.1.4-3]', async () => {
  const asked = new Gate<AbortSignal>();
  const gate = new Gate<boolean>();
  const broker = await start({
    authorizeSubscribe(_client, { topicFilter }, signal) {
      if (topicFilter !== 'b') return true;
      asked.open(signal);
      return gate.promise;
    },
  });
  const first = await broker.connected('c', kept);
  subscribe(first, ['a', 'b', 'c']);
  const signal = await asked.promise;
  const second = await broker.connected('c', kept);
  expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
  expect(await first.next()).toBeNull();
  expect(signal.aborted).toBe(true);
  gate.open(true);
  expect(await second.sentSoFar()).toEqual([]);
  // What it had got by then it has.
  expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
  expect(broker.failures).toEqual({});
});

test('a hook that has the client disconnected itself has it so', async () => {
  const broker = await start({
    authorizeSubscribe({ clientId }, { topicFilter }) {
      if (topicFilter === 'b') void broker.running.clients.disconnect(clientId);
      return true;
    },
  });
  const client = await broker.connected('c', kept);
  subscribe(client, ['a', 'b', 'c']);
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
  expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
  expect(broker.running.stats.internalErrors.get('receiving')).toBe(0);
});

test('the broker stops while a client waits', async () => {
  const asked = new Gate<AbortSignal>();
  const broker = await start({
    authorizeSubscribe(_client, _subscription, signal) {
      asked.open(signal);
      return new Promise(() => {});
    },
  });
  const client = await broker.connected('c');
  subscribe(client, ['a']);
  const signal = await asked.promise;
  await broker.running.stop();
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  expect(signal.aborted).toBe(true);
});

test.each([false, true])(
  'a session that is resumed is asked filter by filter before CONNACK; by promises: %p',
  async (isLate) => {
    const forbidden = new Set<string>();
    const asked: string[] = [];
    const broker = await start({
      authorizeSubscribe(_client, { topicFilter, isResumed }) {
        asked.push(`${isResumed ? 'again ' : ''}${topicFilter}`);
        const answer = !forbidden.has(topicFilter);
        return isLate ? Promise.resolve(answer) : answer;
      },
    });
    const first = await broker.connected('c', kept);
    subscribe(first, ['a', 'b', 'c']);
    await first.next();
    await first.cut();
    forbidden.add('a').add('c');
    const second = await broker.client();
    second.connect('c', kept);
    second.publish('b', 'x', 0, 0);
    second.publish('a', 'y', 0, 0);
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    expect(await second.sentSoFar()).toMatchObject([{ cmd: 'publish', topic: 'b' }]);
    expect(asked).toEqual(['a', 'b', 'c', 'again a', 'again b', 'again c']);
    expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'b' }]);
    expect(broker.linesOf('subscriptions-revoked')).toMatchObject([{ clientId: 'c', count: 2 }]);
  },
);

test('what a session gets while it is asked for is asked for, too', async () => {
  const gate = new Gate<boolean>();
  const asked = new Gate<void>();
  const broker = await start({
    authorizeSubscribe(_client, { topicFilter, isResumed }) {
      if (!isResumed) return true;
      asked.open();
      return topicFilter === 'a' ? gate.promise : false;
    },
  });
  const first = await broker.connected('c', kept);
  subscribe(first, ['a']);
  await first.next();
  const second = await broker.client();
  second.connect('c', kept);
  await asked.promise;
  subscribe(first, ['b']);
  expect(await first.next()).toMatchObject({ granted: [1] });
  gate.open(true);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
});

test.each<[how: string, code: number, hook: () => Promise<boolean>]>([
  ['does not answer', 0x88, () => new Promise(() => {})],
  ['throws', 0x83, () => Promise.reject(new Error('no database'))],
])(
  'where the hook %s, a CONNECT that resumes a session is refused (%d), and the session stays as it is',
  async (_, reasonCode, hook) => {
    let isBroken = false;
    const broker = await start(
      { authorizeSubscribe: () => (isBroken ? hook() : true) },
      { hooks: { timeout: '20ms' } },
    );
    const first = await broker.connected('c', kept);
    subscribe(first, ['a']);
    await first.next();
    await first.cut();
    isBroken = true;
    const second = await broker.client();
    second.connect('c', kept);
    expect(await second.next()).toMatchObject({ cmd: 'connack', reasonCode });
    expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
  },
);

test('after a reload all that clients have subscribed is asked for again, also while another answer is awaited', async () => {
  const forbidden = new Set<string>();
  const gate = new Gate<boolean>();
  const asked = new Gate<void>();
  const broker = await start({
    async authorizeSubscribe(_client, { topicFilter }) {
      if (topicFilter === 'slow') {
        asked.open();
        await gate.promise;
      }
      return !forbidden.has(topicFilter);
    },
  });
  const client = await broker.connected('c');
  subscribe(client, ['a', 'b']);
  await client.next();
  forbidden.add('b');
  broker.running.reconfigure(parseConfig({}));
  client.publish('b', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x10 });
  expect(broker.running.clients.subscriptions('c')).toMatchObject([{ topicFilter: 'a' }]);
  subscribe(client, ['slow', 'd']);
  await asked.promise;
  forbidden.add('a');
  broker.running.reconfigure(parseConfig({}));
  broker.running.reconfigure(parseConfig({}));
  gate.open(true);
  expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1, 1] });
  expect(broker.running.clients.subscriptions('c')).toMatchObject([
    { topicFilter: 'slow' },
    { topicFilter: 'd' },
  ]);
  expect(await client.sentSoFar()).toEqual([]);
});

test('where the hook fails after a reload, the client is disconnected, and its session stays as it is', async () => {
  let isBroken = false;
  const broker = await start({
    authorizeSubscribe() {
      if (isBroken) throw new Error('no database');
      return true;
    },
  });
  const client = await broker.connected('c', kept);
  subscribe(client, ['a', 'b']);
  await client.next();
  isBroken = true;
  broker.running.reconfigure(parseConfig({}));
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x83 });
  expect(await client.next()).toBeNull();
  expect(broker.running.clients.subscriptions('c')).toHaveLength(2);
});
