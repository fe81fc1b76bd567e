import { afterEach, expect, test } from '@jest/globals';
import mqtt, { MqttClient } from 'mqtt';
import {
  assertNotReceived,
  assertReceived,
  createTestBroker,
  matchers,
  type TestBrokerOptions,
} from '../../src/testing/index.ts';
import { client, closeAll, testBroker } from '../support/test-broker-client.ts';

expect.extend(matchers);

afterEach(closeAll);

test('a client reaches it over TCP and over WebSocket', async () => {
  const t = await testBroker();
  const overTcp = await client(t, 'tcp');
  const overWebSocket = await mqtt.connectAsync(t.wsUrl, { clientId: 'ws', protocolVersion: 5 });
  await overWebSocket.subscribeAsync('a/b');
  const arrived = new Promise((resolve) => overWebSocket.on('message', resolve));
  await overTcp.publishAsync('a/b', 'x', { qos: 1 });
  expect(await arrived).toBe('a/b');
  await overWebSocket.endAsync();
});

test('a client reaches it without a socket, and faults and the log have its packets, too', async () => {
  const t = await testBroker({ clock: 'fake' });
  t.faults.delay('PUBACK', '1s');
  const device = new MqttClient(() => t.connect() as never, {
    clientId: 'inside',
    protocolVersion: 5,
  });
  const published = device.publishAsync('a', 'x', { qos: 1 });
  await t.waitFor('a');
  await t.clock.advance('1s');
  await published;
  expect(t.log).toMatch('inside < PUBACK id=1 0x10 [held for 1s]');
  await device.endAsync();
});

test('messages are those that were routed: wills and the program’s own are, what was refused is not', async () => {
  const t = await testBroker({ mqtt: { queueOverflow: 'reject' } });
  await t.broker.publish({ topic: 'a', payload: 'program' });
  const device = await client(t, 'dev-1', { will: { topic: 'w', payload: Buffer.from('gone') } });
  await device.publishAsync('$SYS/a', 'refused', { qos: 1 }).catch(() => null);
  await device.endAsync(true);
  expect(await t.waitFor('w')).toMatchObject([{ clientId: 'dev-1' }]);
  expect(t.received().map(({ topic, clientId }) => [topic, clientId])).toEqual([
    ['a', null],
    ['w', 'dev-1'],
  ]);
});

test('waitFor resolves with the messages of a filter, also with those that came before', async () => {
  const t = await testBroker();
  const publisher = await client(t, 'dev-1');
  await publisher.publishAsync('a/1', '{"ok":true}', { qos: 1 });
  const waiting = t.waitFor('a/+', { count: 2, where: (message) => message.json().ok });
  await publisher.publishAsync('a/2', 'no JSON', { qos: 1 });
  await publisher.publishAsync('a/3', '{"ok":false}', { qos: 1 });
  await publisher.publishAsync('b/3', '{"ok":true}', { qos: 1 });
  await publisher.publishAsync('a/4', '{"ok":true}', { qos: 2, retain: true });
  expect(await waiting).toMatchObject([
    { topic: 'a/1', qos: 1, retain: false, clientId: 'dev-1' },
    { topic: 'a/4', qos: 2, retain: true, clientId: 'dev-1' },
  ]);
});

test('waitFor rejects with what has come instead', async () => {
  const t = await testBroker();
  await expect(t.waitFor('a', { within: '1ms' })).rejects.toMatchObject({
    code: 'not-received',
    message: 'waited 1ms for 1 message of a, and 0 came. Nothing has arrived at all.',
  });
  const publisher = await client(t, 'dev-1');
  await publisher.publishAsync('b', 'on', { qos: 1, retain: true });
  await expect(t.waitFor('#', { count: 2, within: '1ms' })).rejects.toThrow(
    'waited 1ms for 2 messages of #, and 1 came. What has arrived:\n  b qos=1 retain "on"',
  );
});

test('what waits when the broker is stopped is rejected', async () => {
  const t = await testBroker();
  const waiting = expect(t.waitFor('a')).rejects.toMatchObject({ code: 'stopped' });
  await t.stop();
  await waiting;
  await expect(t.waitFor('a')).rejects.toMatchObject({ code: 'stopped' });
});

test('matcher and assertions compare topic, payload, QoS, RETAIN, properties and publisher', async () => {
  const t = await testBroker();
  const publisher = await client(t, 'dev-1');
  await publisher.publishAsync('a/b', '{"x":1,"y":2}', {
    qos: 1,
    properties: { contentType: 'application/json', userProperties: { unit: 'C' } },
  });
  await publisher.publishAsync('a/c', Buffer.from([0, 255]), { qos: 1, retain: true });

  const received = expect(t) as unknown as { toHaveReceived: (...args: unknown[]) => void } & {
    not: { toHaveReceived: (...args: unknown[]) => void };
  };
  received.toHaveReceived('a/b', { qos: 1, payload: expect.objectContaining({ x: 1 }) });
  received.toHaveReceived('a/b', { payload: expect.stringContaining('"y"') });
  received.not.toHaveReceived('a/b', { payload: expect.objectContaining({ x: 2 }) });
  expect(() => received.toHaveReceived('a/b', { qos: 2 })).toThrow(
    'expected a message of a/b like qos 2; 0 came; of a/b have come:\n  a/b qos=1 "{\\"x\\":1,\\"y\\":2}"',
  );
  expect(() => received.not.toHaveReceived('a/b')).toThrow('not expected a message of a/b; 1 came');

  assertReceived(t, 'a/b', { payload: { x: 1, y: 2 }, client: 'dev-1', count: 1 });
  assertReceived(t, 'a/b', {
    payload: '{"x":1,"y":2}',
    properties: { userProperties: { unit: 'C' } },
  });
  assertReceived(t, 'a/c', { payload: Uint8Array.of(0, 255), retain: true });
  assertReceived(t, 'a/+', { count: 2 });
  assertReceived(t, 'a/b', { payload: (bytes: Buffer) => bytes.length === 13 });
  assertNotReceived(t, 'a/b', { retain: true });
  assertNotReceived(t, 'a/b', { client: 'dev-2' });
  assertNotReceived(t, 'a/b', { properties: { contentType: 'text/plain' } });
  expect(() => assertReceived(t, 'a/b', { payload: { x: 1 } })).toThrow(
    expect.objectContaining({ code: 'ERR_ASSERTION' }),
  );
  expect(() => assertNotReceived(t, 'a/+', { count: 2 })).toThrow('not expected 2 messages of a/+');
});

test('the log has every packet in both directions, the same in each run', async () => {
  const logs = [];
  for (let run = 0; run < 2; run++) {
    const t = await testBroker();
    const subscriber = await client(t, 'sub', { username: 'u', password: 'secret' });
    await subscriber.subscribeAsync('a/#', { qos: 1 });
    const arrived = new Promise((resolve) => subscriber.on('message', resolve));
    const publisher = await client(t, '', { will: { topic: 'w', payload: Buffer.from('gone') } });
    await publisher.publishAsync('a/b', 'x'.repeat(70), {
      qos: 1,
      properties: { correlationData: Buffer.from([0]) },
    });
    await arrived;
    await t.settle();
    await publisher.endAsync();
    await subscriber.unsubscribeAsync('a/#');
    logs.push(t.log);
  }
  expect(logs[0]).toMatchInlineSnapshot(`
"sub > CONNECT v5 clean keepAlive=0 userName="u" passwordSize=6
sub < CONNACK 0x00 receiveMaximum=1000 topicAliasMaximum=10
sub > SUBSCRIBE id=1 a/# qos=1
sub < SUBACK id=1 0x01
? > CONNECT v5 clean keepAlive=0 will=(w qos=0 "gone")
assigned-0000000000001 < CONNACK 0x00 receiveMaximum=1000 topicAliasMaximum=10 assignedClientIdentifier="assigned-0000000000001"
assigned-0000000000001 > PUBLISH a/b qos=1 id=1 correlationData=0x00 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… (70 bytes)
sub < PUBLISH a/b qos=1 id=1 correlationData=0x00 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… (70 bytes)
assigned-0000000000001 < PUBACK id=1
sub > PUBACK id=1
assigned-0000000000001 > DISCONNECT 0x00
sub > UNSUBSCRIBE id=2 a/#
sub < UNSUBACK id=2 0x00
"
`);
  expect(logs[1]).toBe(logs[0]);
});

test('of messages and lines beyond `keep` the last ones are kept', async () => {
  const t = await testBroker({ keep: 3 });
  const publisher = await client(t, 'dev-1');
  for (let number = 0; number < 20; number++) {
    await publisher.publishAsync('n', String(number), { qos: 1 });
  }
  expect(t.received().map((message) => message.text())).toEqual(['17', '18', '19']);
  expect(t.log.split('\n')).toEqual([
    '-- 39 earlier lines are left out',
    'dev-1 < PUBACK id=19 0x10',
    'dev-1 > PUBLISH n qos=1 id=20 "19"',
    'dev-1 < PUBACK id=20 0x10',
    '',
  ]);
  t.clear();
  expect([t.log, t.received()]).toEqual(['', []]);
});

test.each<[string, TestBrokerOptions]>([
  ["clock: \"slow\" is not 'fake' or 'real'", { clock: 'slow' as 'fake' }],
  ['seed: -1 is not a whole number from 0 to 4294967295', { seed: -1 }],
  ['keep: 0 is not a whole number from 1 to 10000000', { keep: 0 }],
  ['storage: 1 is not true, false or options of the storage', { storage: 1 as unknown as true }],
  ["storage.dataDir: a test broker's disk is in memory", { storage: { dataDir: '/x' } as object }],
  ['mqtt.max-qos (options): 3 is not allowed', { mqtt: { maxQos: 3 } }],
])('a wrong option is refused before anything starts: %s', async (message, options) => {
  await expect(createTestBroker(options)).rejects.toThrow(message);
});

test('wrong arguments are refused with what is allowed', async () => {
  const t = await testBroker();
  await expect(t.waitFor('a/#/b')).rejects.toThrow(
    'waitFor: "a/#/b" is not a topic filter such as',
  );
  await expect(t.waitFor('a', { count: 0 })).rejects.toThrow('waitFor: count: 0 is not');
  await expect(t.waitFor('a', { within: '5' })).rejects.toThrow(
    "waitFor: within: \"5\" is not a duration such as '100ms', '30s' or '2h'",
  );
  await expect(t.clock.advance('2h')).rejects.toThrow("clock.advance: this broker's clock is real");
  expect(() => t.received('')).toThrow('received: "" is not a topic filter');
  expect(() => assertReceived(t, 'a', { topic: 'a' } as object)).toThrow(
    'an expected message has no topic: it may have payload, qos, retain, properties, client, count',
  );
});
