import { afterEach, expect, test } from '@jest/globals';
import type { HookClient, HookMessage, Hooks } from '../../src/index.ts';
import { HookedBroker } from '../support/hooked-broker.ts';
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

async function subscribed(
  broker: HookedBroker,
  clientId: string,
  filter: string,
  qos: 0 | 1 | 2,
  fields: object = {},
): Promise<PacketClient> {
  const client = await broker.connected(clientId, fields);
  client.subscribe(filter, 1, qos);
  await client.next();
  return client;
}

async function messagesOf(client: PacketClient): Promise<string[]> {
  const packets = await client.sentSoFar();
  return packets.flatMap((packet) =>
    packet.cmd === 'publish' ? [`${packet.topic}=${Buffer.from(packet.payload)}`] : [],
  );
}

/** Only what is named as the client gets to it. */
const byName: Hooks = {
  authorizeDeliver: ({ clientId }, { topic, payload }) =>
    topic !== 'secret' || payload.toString().startsWith(clientId),
};

const ended = { properties: { sessionExpiryInterval: 0 } };

test.each<[qos: 0 | 1 | 2, fields: object]>([
  [0, ended],
  [1, ended],
  [2, ended],
  [1, {}],
  [1, { properties: { sessionExpiryInterval: 0, topicAliasMaximum: 5 } }],
])('authorizeDeliver decides for each recipient: QoS %d, %j', async (qos, fields) => {
  const broker = await start(byName);
  const a = await subscribed(broker, 'a', '#', qos, fields);
  const b = await subscribed(broker, 'b', '#', qos, fields);
  const publisher = await broker.connected('p');
  publisher.publish('secret', 'a1', 1, 1);
  publisher.publish('open', 'x', 1, 2);
  publisher.publish('secret', 'b1', 1, 3);
  expect(await publisher.sentSoFar()).toMatchObject(
    [1, 2, 3].map(() => ({ cmd: 'puback', reasonCode: 0 })),
  );
  expect(await messagesOf(a)).toEqual(['secret=a1', 'open=x']);
  expect(await messagesOf(b)).toEqual(['open=x', 'secret=b1']);
  expect(broker.running.stats.dropped['refused-by-hook']).toBe(2);
  expect(broker.failures).toEqual({});
});

test('the message is what the client gets: its QoS and RETAIN, payload and properties', async () => {
  const seen: object[] = [];
  const broker = await start({
    authorizeDeliver({ clientId, version }, { topic, payload, qos, retain, properties, isWill }) {
      seen.push({
        clientId,
        version,
        topic,
        payload: payload.toString(),
        qos,
        retain,
        properties,
        isWill,
      });
      return true;
    },
  });
  await subscribed(broker, 'a', 'a', 0, ended);
  const publisher = await broker.connected('p');
  const properties = { userProperties: { k: 'v' }, messageExpiryInterval: 60 };
  publisher.publish('a', 'x', 2, 1, { properties, retain: true });
  await publisher.sentSoFar();
  const late = await subscribed(broker, 'late', 'a', 1, ended);
  await late.sentSoFar();
  expect(seen).toEqual([
    {
      clientId: 'a',
      version: 5,
      topic: 'a',
      payload: 'x',
      qos: 0,
      retain: false,
      properties,
      isWill: false,
    },
    {
      clientId: 'late',
      version: 5,
      topic: 'a',
      payload: 'x',
      qos: 1,
      retain: true,
      properties,
      isWill: false,
    },
  ]);
});

test('what waits for a client that is away is asked for when it is back', async () => {
  const broker = await start(byName);
  const kept = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const first = await subscribed(broker, 'a', '#', 1, kept);
  await first.cut();
  const publisher = await broker.connected('p');
  for (const [index, payload] of ['a1', 'b1', 'a2'].entries())
    publisher.publish('secret', payload, 1, index + 1);
  await publisher.sentSoFar();
  const second = await broker.connected('a', kept);
  expect(await messagesOf(second)).toEqual(['secret=a1', 'secret=a2']);
  expect(broker.running.stats.dropped['refused-by-hook']).toBe(1);
});

test('of a shared subscription, no other member gets what one may not have', async () => {
  const broker = await start({ authorizeDeliver: ({ clientId }) => clientId !== 'a' });
  const a = await subscribed(broker, 'a', '$share/g/#', 0, ended);
  const b = await subscribed(broker, 'b', '$share/g/#', 0, ended);
  const publisher = await broker.connected('p');
  for (let id = 1; id <= 4; id++) publisher.publish('t', `${id}`, 1, id);
  await publisher.sentSoFar();
  expect(await messagesOf(a)).toEqual([]);
  expect(await messagesOf(b)).toHaveLength(2);
  expect(broker.running.stats.dropped['refused-by-hook']).toBe(2);
});

test.each<[how: string, hook: () => unknown, failure: string, told: string]>([
  [
    'throws',
    () => {
      throw new Error('oops');
    },
    'threw',
    'threw Error: oops',
  ],
  [
    'answers by a promise',
    () => Promise.reject(new Error('late')),
    'invalid-answer',
    'returned a promise; it may return true or false, at once',
  ],
  [
    'answers with an object',
    () => ({ allow: true }),
    'invalid-answer',
    'returned { allow }; it may return true or false, at once',
  ],
])('where it %s, the client does not get the message', async (_, hook, failure, told) => {
  const broker = await start({ authorizeDeliver: hook } as unknown as Hooks);
  const client = await subscribed(broker, 'a', '#', 1, ended);
  const publisher = await broker.connected('p');
  publisher.publish('t', 'x', 1, 1);
  expect(await publisher.sentSoFar()).toMatchObject([{ reasonCode: 0 }]);
  expect(await messagesOf(client)).toEqual([]);
  expect(broker.failures).toEqual({ [`authorizeDeliver ${failure}`]: 1 });
  expect(broker.linesOf('hook-failed')).toMatchObject([{ why: `hook authorizeDeliver ${told}` }]);
});

test('a hook that disconnects clients in the middle of a message, whose wills are published then, does no harm', async () => {
  const broker = await start({
    authorizeDeliver({ clientId }: HookClient, { topic }: HookMessage) {
      if (topic === 't' && clientId === 'b') {
        void broker.running.clients.disconnect('victim');
        void broker.running.clients.disconnect('b');
      }
      return true;
    },
  });
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false };
  const a = await subscribed(broker, 'a', '#', 0, ended);
  const b = await subscribed(broker, 'b', '#', 0, ended);
  await subscribed(broker, 'victim', '#', 1, { ...ended, will });
  const c = await subscribed(broker, 'c', '#', 1, ended);
  const publisher = await broker.connected('p');
  publisher.publish('t', '1', 1, 1);
  publisher.publish('t', '2', 1, 2);
  expect(await publisher.sentSoFar()).toMatchObject([{ reasonCode: 0 }, { reasonCode: 0 }]);
  expect((await messagesOf(a)).sort()).toEqual(['t=1', 't=2', 'will=gone']);
  expect((await messagesOf(c)).sort()).toEqual(['t=1', 't=2', 'will=gone']);
  let last = await b.next();
  while (last !== null && last.cmd !== 'disconnect') last = await b.next();
  expect(last).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
  expect([...broker.running.stats.internalErrors.values()].every((count) => count === 0)).toBe(
    true,
  );
});
