import { createRequire } from 'node:module';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AedesOptions, Client } from '../../src/index.ts';
import { differing } from '../support/differences.ts';
import { type Implementation, implementations, Rig } from '../support/rig.ts';

// What aedes itself has for them.
const require = createRequire(createRequire(import.meta.url).resolve('aedes'));
const mqemitter = require('mqemitter') as () => unknown;
const persistence = require('aedes-persistence') as () => unknown;

let rig: Rig;
afterEach(() => rig?.close());

describe.each(implementations)('$name', (implementation: Implementation) => {
  const start = async (options: AedesOptions = {}) => {
    rig = await Rig.start(implementation, options);
    return rig;
  };

  test('connectTimeout', async () => {
    await start({ connectTimeout: 20 });
    const failed = rig.next('connectionError');
    const raw = rig.client();
    const [client, error] = (await failed) as [Client, Error];
    expect(client.id).toBe(null);
    expect(error.message).toBe('connect did not arrive in time');
    await raw.closed;
  });

  test.each([11, 0])('keepaliveLimit: %i is beyond it', async (keepalive) => {
    await start({ keepaliveLimit: 10 });
    const failed = rig.next('connectionError');
    const raw = rig.client();
    expect((await raw.open({ keepalive })).returnCode).toBe(6);
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toBe('keep alive limit exceeded');
    await raw.closed;
  });

  test('keepaliveLimit: what is within it', async () => {
    await start({ keepaliveLimit: 10 });
    await rig.ready({ keepalive: 10 });
  });

  test('queueLimit', async () => {
    await start({ queueLimit: 2, authenticate: () => {} });
    const failed = rig.next('connectionError');
    const raw = rig.client().connect();
    for (let n = 0; n < 5; n++) raw.publish('a', 'x');
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toBe('Client queue limit reached');
    await raw.closed;
  });

  test('maxClientsIdLength is for MQTT 3.1', async () => {
    await start();
    const clientId = 'x'.repeat(24);
    const failed = rig.next('connectionError');
    const older = rig.client();
    const connack = await older.open({ protocolId: 'MQIsdp', protocolVersion: 3, clientId });
    expect(connack.returnCode).toBe(2);
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toBe('identifier rejected');
    await rig.ready({ clientId });
  });

  test('maxClientsIdLength may be longer', async () => {
    await start({ maxClientsIdLength: 24 });
    await rig.ready({ protocolId: 'MQIsdp', protocolVersion: 3, clientId: 'x'.repeat(24) });
  });

  test.each(['publish', 'subscribe'] as const)('maxTopicLevels: %s', async (cmd) => {
    await start({ maxTopicLevels: 3 });
    const { raw } = await rig.ready();
    const failed = rig.next('clientError');
    if (cmd === 'publish') raw.publish('a/b/c/d', 'x');
    else raw.subscribe('a/b/c/d');
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toBe('topic has too many levels');
    await raw.closed;
  });

  test('maxTopicLevels from inside', async () => {
    await start({ maxTopicLevels: 3 });
    await rig.publish({ topic: 'a/b/c', payload: 'x' });
    await expect(rig.publish({ topic: 'a/b/c/d', payload: 'x' })).rejects.toThrow(
      'topic has too many levels',
    );
  });

  test('maxInflightInbound', async () => {
    await start({ maxInflightInbound: 2 });
    const { raw } = await rig.ready();
    const failed = rig.next('clientError');
    for (const messageId of [1, 2, 3]) raw.publish('a', 'x', { qos: 2, messageId });
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toMatch(/^maxInflightInbound exceeded: 2 /);
    await raw.closed;
  });

  test.each([-1, 1.5, 'x', Number.NaN])(
    'maxInflightInbound: %p is no number of messages',
    async (given) => {
      await start({ maxInflightInbound: given as number });
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      for (let n = 1; n <= 1001; n++) raw.publish('a', 'x', { qos: 2, messageId: n });
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toMatch(/^maxInflightInbound exceeded: 1000 /);
    },
  );

  test.each([
    [-5, 1],
    [0, 1],
    [2.5, 2],
    [1e6, 100],
    [Number.NaN, 100],
  ])('maxTopicLevels: %p allows %i', async (given, levels) => {
    await start({ maxTopicLevels: given });
    const topic = Array(levels).fill('a').join('/');
    await rig.publish({ topic, payload: 'x' });
    await expect(rig.publish({ topic: `${topic}/a`, payload: 'x' })).rejects.toThrow('too many');
  });

  test('a number that can’t be', async () => {
    const outcome = await implementation.Aedes.createBroker({ drainTimeout: -1 }).then(
      (broker) => new Promise<string>((resolve) => broker.close(() => resolve('made'))),
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(
      differing(implementation, 'numbers below 0', { aedes: /^made$/, promptmq: /`drainTimeout`/ }),
    );
  });

  test('drainTimeout: who does not read is disconnected', async () => {
    await start({ drainTimeout: 50 });
    const { raw } = await rig.ready();
    raw.subscribe('a');
    await raw.next('suback');
    const left = rig.next('clientDisconnect');
    const failed = rig.next('clientError');
    raw.socket.pause();
    const payload = Buffer.alloc(1_000_000);
    for (let n = 0; n < 20; n++) rig.broker.publish({ topic: 'a', payload });
    const [, error] = (await failed) as [Client, Error];
    expect(error.message).toBe('drain timeout');
    await left;
  });

  test('concurrency: a function that does not call back holds others up only then', async () => {
    await start({ concurrency: 2 });
    const pending: (() => void)[] = [];
    let wake: () => void = () => {};
    rig.broker.subscribe(
      'a',
      (_packet, done) => {
        pending.push(done);
        wake();
      },
      () => {},
    );
    const { raw } = await rig.ready();
    for (let n = 0; n < 4; n++) raw.publish('a', `${n}`);
    while (pending.length < 2) await new Promise<void>((resolve) => (wake = resolve));
    raw.send({ cmd: 'pingreq' });
    for (let n = 0; n < 4; n++) {
      while (pending.length <= n) await new Promise<void>((resolve) => (wake = resolve));
      pending[n]?.();
    }
    await raw.next('pingresp');
    expect(pending).toHaveLength(4);
  });

  test('concurrency: 0 does not hold up publishers for ever', async () => {
    await start({ concurrency: 0 });
    const deliver = (_packet: unknown, done: () => void) => void setImmediate(done);
    await new Promise<void>((resolve) => rig.broker.subscribe('a', deliver, resolve));
    const { raw } = await rig.ready();
    for (let n = 0; n < 3; n++) raw.publish('a', `${n}`);
    raw.send({ cmd: 'pingreq' });
    await raw.next('pingresp');
  });

  test('trustProxy, decodeProtocol', async () => {
    const asked: string[] = [];
    await start({
      trustProxy: true,
      trustedProxies: ['127.0.0.1'],
      decodeProtocol(_client, data) {
        asked.push('asked');
        return { ipAddress: '192.0.2.1', data };
      },
    });
    const { client } = await rig.ready();
    expect([...asked, client.connDetails && 'has details']).toEqual(
      differing(implementation, 'decodeProtocol', {
        aedes: [null],
        promptmq: ['asked', 'has details'],
      }),
    );
  });

  test.each(['mq', 'persistence'] as const)('%s', async (name) => {
    const { Aedes } = implementation;
    const outcome = await Aedes.createBroker({ [name]: undefined }).then((broker) => {
      broker.close();
      return 'made';
    });
    expect(outcome).toBe('made');
  });

  test.each([
    ['mq', () => mqemitter(), /`mq` .* one process/],
    ['persistence', () => persistence(), /`persistence` .* `promptmq.storage`/],
  ] as const)('%s that is given', async (name, make, refusal) => {
    const { Aedes } = implementation;
    const outcome = await Aedes.createBroker({ [name]: make() } as never).then(
      (broker) => new Promise<string>((resolve) => broker.close(() => resolve('made'))),
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(
      differing(implementation, 'mq, persistence', { aedes: /^made$/, promptmq: refusal }),
    );
  });
});
