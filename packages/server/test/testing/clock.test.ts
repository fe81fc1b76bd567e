import { afterEach, expect, test } from '@jest/globals';
import { client, closeAll, messagesOf, testBroker } from '../support/test-broker-client.ts';

afterEach(closeAll);

const session = (sessionExpiryInterval: number) => ({
  clean: false,
  properties: { sessionExpiryInterval },
});

test('a session is there until it expires [MQTT-3.1.2-23]', async () => {
  const t = await testBroker({ clock: 'fake' });
  await (await client(t, 'dev-1', session(3600))).endAsync();
  await t.clock.advance('59m');
  expect(t.broker.clients.get('dev-1')).not.toBeNull();
  await t.clock.advance('2m');
  expect(t.broker.clients.get('dev-1')).toBeNull();
});

test('a will is published when its delay has passed [MQTT-3.1.3-9]', async () => {
  const t = await testBroker({ clock: 'fake' });
  const watcher = await client(t, 'watcher');
  await watcher.subscribeAsync('#');
  const messages = messagesOf(watcher);
  const device = await client(t, 'dev-1', {
    ...session(3600),
    will: { topic: 'w', payload: Buffer.from('gone'), properties: { willDelayInterval: 60 } },
  });
  await device.endAsync(true);
  await t.clock.advance('59s');
  expect(messages).toEqual([]);
  await t.clock.advance('1s');
  expect(messages).toEqual(['w gone']);
});

test('a message expires while its client is away [MQTT-3.3.2-5]', async () => {
  const t = await testBroker({ clock: 'fake' });
  const device = await client(t, 'dev-1', session(3600));
  await device.subscribeAsync('a', { qos: 1 });
  await device.endAsync();
  const publisher = await client(t, 'pub');
  for (const messageExpiryInterval of [30, 90]) {
    const properties = { messageExpiryInterval };
    await publisher.publishAsync('a', String(messageExpiryInterval), { qos: 1, properties });
  }
  await t.clock.advance('1m');
  t.clear();
  await client(t, 'dev-1', session(3600));
  await t.settle();
  expect(t.log).toMatch('dev-1 < PUBLISH a qos=1 id=1 messageExpiryInterval=30 "90"');
  expect(t.log).not.toMatch('"30"');
});

test('who sends nothing is disconnected after one and a half times its keep alive [MQTT-3.1.2-22]', async () => {
  const t = await testBroker({ clock: 'fake' });
  const device = await client(t, 'dev-1', { keepalive: 60 });
  await t.clock.advance('89s');
  expect(device.connected).toBe(true);
  await t.clock.advance('2s');
  expect(device.connected).toBe(false);
  expect(t.log).toMatch(/dev-1 < DISCONNECT 0x8D.*\n$/);
});

test('what falls due on the way comes in its order, and clients have it before what is due next', async () => {
  const t = await testBroker({ clock: 'fake' });
  const watcher = await client(t, 'watcher', session(100));
  await watcher.subscribeAsync('#');
  const begin = t.clock.now().getTime();
  const seen: string[] = [];
  watcher.on('message', (topic) => {
    const seconds = Math.round((t.clock.now().getTime() - begin) / 1000);
    seen.push(`${topic} after ${seconds} s`);
    // It answers while time stands still.
    if (topic.startsWith('w')) watcher.publish(`answer/${topic}`, '');
  });
  for (const delay of [300, 100, 200]) {
    const properties = { willDelayInterval: delay };
    const will = { topic: `w${delay}`, payload: Buffer.alloc(0), properties };
    const device = await client(t, `dev-${delay}`, { ...session(3600), will });
    await device.endAsync(true);
  }
  // Two at once are one after the other.
  await Promise.all([t.clock.advance('250s'), t.clock.advance('2h')]);
  expect(seen).toEqual([
    'w100 after 100 s',
    'answer/w100 after 100 s',
    'w200 after 200 s',
    'answer/w200 after 200 s',
    'w300 after 300 s',
    'answer/w300 after 300 s',
  ]);
});

test('time stands still unless it is advanced, and real brokers can not be advanced', async () => {
  const t = await testBroker({ clock: 'fake' });
  const before = t.clock.now();
  const device = await client(t, 'dev-1');
  await device.publishAsync('a', 'x', { qos: 2 });
  expect([t.clock.isFake, t.clock.now()]).toEqual([true, before]);
  const real = await testBroker();
  expect(real.clock.isFake).toBe(false);
  await expect(real.clock.advance('1s')).rejects.toMatchObject({ code: 'bad-argument' });
});

test.each([2, '2', '-1s', '1 h', '11000d', 'Infinitys', null])(
  '%p is not a duration',
  async (duration) => {
    const t = await testBroker({ clock: 'fake' });
    await expect(t.clock.advance(duration as string)).rejects.toMatchObject({
      code: 'bad-argument',
      message: `clock.advance: ${JSON.stringify(duration)} is not a duration such as '100ms', '30s' or '2h', up to 10 years`,
    });
  },
);

test('with storage, what is written while time stands still is acknowledged, and a restart takes time into account', async () => {
  const t = await testBroker({ clock: 'fake', storage: true });
  const device = await client(t, 'dev-1', session(3600));
  await device.subscribeAsync('a', { qos: 1 });
  await device.endAsync();
  const publisher = await client(t, 'pub');
  await publisher.publishAsync('a', 'x', { qos: 1 });
  await t.restart({ downFor: '59m' });
  expect(t.broker.clients.get('dev-1')).toMatchObject({ clientId: 'dev-1' });
  await t.restart({ downFor: '2m' });
  expect(t.broker.clients.get('dev-1')).toBeNull();
});
