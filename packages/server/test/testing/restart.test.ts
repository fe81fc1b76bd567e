import { afterEach, expect, test } from '@jest/globals';
import type { RestartOptions } from '../../src/testing/index.ts';
import { client, closeAll, messagesOf, testBroker } from '../support/test-broker-client.ts';

afterEach(closeAll);

const session = { clean: false, properties: { sessionExpiryInterval: 3600 } };

test.each<RestartOptions>([{}, { kill: true }, { powerCut: true }])(
  'with storage, what was acknowledged is there after restart(%j), at the same addresses',
  async (how) => {
    const t = await testBroker({ storage: true });
    const { url, wsUrl, broker } = t;
    const device = await client(t, 'dev-1', session);
    await device.subscribeAsync('a', { qos: 1 });
    await device.endAsync();
    const publisher = await client(t, 'pub');
    await publisher.publishAsync('a', 'kept', { qos: 1 });
    await publisher.publishAsync('r', 'retained', { qos: 1, retain: true });
    const closed = new Promise((resolve) => publisher.once('close', () => resolve(null)));
    await t.restart(how);
    await closed;

    expect([t.url, t.wsUrl]).toEqual([url, wsUrl]);
    expect(t.broker).not.toBe(broker);
    expect(t.broker.retained.get('r')).toMatchObject({ topic: 'r' });
    t.clear();
    await client(t, 'dev-1', session);
    await t.settle();
    expect(t.log).toMatch('CONNACK 0x00 sessionPresent');
    expect(t.log).toMatch('dev-1 < PUBLISH a qos=1 id=1 "kept"');
  },
);

test('without storage, nothing is left', async () => {
  const t = await testBroker();
  const publisher = await client(t, 'pub', session);
  await publisher.publishAsync('r', 'retained', { qos: 1, retain: true });
  await t.restart();
  expect(t.broker.clients.list().clients).toEqual([]);
  expect(t.broker.retained.get('r')).toBeNull();
});

test('a broker that stops says so; one that is killed says nothing, and does nothing more', async () => {
  const t = await testBroker({ clock: 'fake', storage: true });
  const watcher = await client(t, 'watcher', session);
  await watcher.subscribeAsync('#', { qos: 1 });
  const messages = messagesOf(watcher);
  const will = {
    topic: 'w',
    payload: Buffer.from('gone'),
    qos: 1,
    properties: { willDelayInterval: 60 },
  } as const;
  await client(t, 'dev-1', { ...session, will });

  t.clear();
  await t.restart({ kill: true });
  expect(t.log).toBe('-- the broker is killed\n-- the broker starts\n');
  await client(t, 'dev-1', { ...session, will });
  t.clear();
  await t.restart();
  expect(t.log.split('\n').slice(0, 2)).toEqual(['-- the broker stops', 'dev-1 < DISCONNECT 0x8B']);
  // The will is due by what the broker's disk says.
  await t.clock.advance('61s');
  expect(messages).toEqual([]);
  await client(t, 'watcher', session);
  await t.settle();
  expect(t.log).toMatch('watcher < PUBLISH w qos=1 id=1 "gone"');
});

test('what had not been synced is lost with the power, and not with the process', async () => {
  const storage = { wal: { syncMode: 'periodic', syncInterval: '60s' } } as const;
  for (const [how, count] of [
    [{ kill: true }, 1],
    [{ powerCut: true }, 0],
  ] as const) {
    const t = await testBroker({ clock: 'fake', storage });
    const publisher = await client(t, 'pub');
    await publisher.publishAsync('r', 'x', { qos: 1, retain: true });
    await t.restart(how);
    expect(t.broker.retained.match('#').messages).toHaveLength(count);
  }
});

test('a restart that would take real time is refused, and so is one of a broker that was stopped', async () => {
  const t = await testBroker();
  await expect(t.restart({ downFor: '1s' })).rejects.toThrow(
    "restart: downFor: this broker's clock is real",
  );
  await expect(t.restart({ downFor: '1' })).rejects.toThrow(
    'restart: downFor: "1" is not a duration',
  );
  await expect(t.restart({ hard: true } as object)).rejects.toThrow(
    'restart: there is no option hard: there are kill, powerCut, downFor',
  );
  await t.stop();
  await expect(t.restart()).rejects.toMatchObject({ code: 'stopped' });
  expect(() => t.url).toThrow('there is no broker now');
});

test('a broker that is stopped while it restarts is stopped when that is done', async () => {
  const t = await testBroker({ storage: true });
  const restarted = t.restart({ kill: true });
  await t.stop();
  await restarted;
  expect(() => t.broker).toThrow('there is no broker now');
});
