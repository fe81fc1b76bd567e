import { afterEach, describe, expect, test } from '@jest/globals';
import { Aedes, type AedesOptions, type Client } from '../src/index.ts';
import { Rig } from './support/rig.ts';

let rig: Rig;
afterEach(() => rig?.close());

const throws = (): never => {
  throw new Error('a mistake');
};

describe('a handler that throws: a clientError or connectionError, and the connection is closed', () => {
  const start = async (options: AedesOptions) => {
    rig = await Rig.start({ name: 'promptmq', Aedes }, options);
    return rig;
  };

  test.each([
    ['preConnect', 'connectionError'],
    ['authenticate', 'clientError'],
  ] as const)('%s: nobody is let in', async (handler, event) => {
    await start({ [handler]: throws });
    const seen = rig.record(['client', 'clientReady']);
    const failed = rig.next(event);
    const raw = rig.client().connect();
    const [, error] = (await failed) as [Client, Error];
    await raw.closed;
    expect(error.message).toBe('a mistake');
    expect(raw.received).toEqual([]);
    expect(seen).toEqual([]);
    expect(rig.broker.connectedClients).toBe(0);
  });

  test.each([0, 1, 2])('authorizePublish: a message of QoS %i is not published', async (qos) => {
    await start({ authorizePublish: throws });
    const { raw } = await rig.ready();
    const watcher = await rig.ready({ clientId: 'watcher' });
    watcher.raw.subscribe('#');
    await watcher.raw.next('suback');
    const failed = rig.next('clientError');
    raw.publish('a', 'x', qos === 0 ? {} : { qos, messageId: 3 });
    const [, error] = (await failed) as [Client, Error];
    await raw.closed;
    expect(error.message).toBe('a mistake');
    await rig.publish({ topic: 'marker', payload: '' });
    await watcher.raw.next('publish');
    expect(watcher.raw.messages).toEqual(['marker: ']);
  });

  test('authorizeSubscribe: there is no subscription', async () => {
    await start({ authorizeSubscribe: throws });
    const { raw, client } = await rig.ready({ clean: false });
    const failed = rig.next('clientError');
    raw.subscribe('a', 1);
    await failed;
    await raw.closed;
    expect(raw.received.map(({ cmd }) => cmd)).toEqual(['connack']);
    expect(Object.keys(client.subscriptions)).toEqual([]);
    const asked: string[] = [];
    rig.broker.authorizeSubscribe = (_client, subscription, done) => {
      asked.push(subscription.topic);
      done(null, subscription);
    };
    await rig.ready({ clean: false });
    expect(asked).toEqual([]);
  });
});
