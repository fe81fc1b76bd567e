import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { generate, parser } from 'mqtt-packet';
import { differing } from '../support/differences.ts';
import { type Implementation, implementations, Rig } from '../support/rig.ts';

let rig: Rig;
afterEach(() => rig?.close());

describe.each(implementations)('$name', (implementation: Implementation) => {
  const { Aedes } = implementation;
  const start = async (options = {}) => {
    rig = await Rig.start(implementation, options);
    return rig;
  };

  describe('Aedes, createBroker, listen', () => {
    test('createBroker returns an Aedes that listens', async () => {
      const { broker } = await start();
      expect(broker).toBeInstanceOf(Aedes);
      expect(broker.closed).toBe(false);
    });

    test('new Aedes takes clients after listen', async () => {
      const broker = new Aedes({ id: 'made' });
      await broker.listen();
      const [near, far] = duplexPair();
      const client = broker.handle(far);
      near.write(generate({ cmd: 'connect', clientId: 'c', clean: true, keepalive: 0 } as never));
      await once(client, 'connected');
      expect(broker.connectedClients).toBe(1);
      await new Promise<void>((resolve) => broker.close(resolve));
    });

    test('the class can be extended', async () => {
      class Mine extends Aedes {}
      const broker = await Mine.createBroker();
      expect(broker).toBeInstanceOf(Aedes);
      broker.close();
    });
  });

  describe('id', () => {
    test('it is the one of the options, or a UUID', async () => {
      expect((await start({ id: 'mine' })).broker.id).toBe('mine');
      const other = await Aedes.createBroker({ id: '' });
      expect(other.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
      other.close();
    });
  });

  describe('handle', () => {
    test('it returns a Client with the stream and the request', async () => {
      const { broker } = await start();
      const [near, far] = duplexPair();
      const request = { headers: {} };
      const client = broker.handle(far, request as never);
      expect(client.conn).toBe(far);
      expect(client.req).toBe(request);
      expect(client.id).toBe(null);
      near.destroy();
      far.destroy();
    });

    test('it needs no this', async () => {
      const { broker } = await start();
      const { handle } = broker;
      const [near, far] = duplexPair();
      expect(handle(far).conn).toBe(far);
      near.destroy();
      far.destroy();
    });

    test('any stream carries MQTT, in whatever pieces', async () => {
      const { broker } = await start();
      const [near, far] = duplexPair();
      const ready = rig.next('clientReady');
      broker.handle(far);
      const bytes = generate({
        cmd: 'connect',
        clientId: 'pieces',
        clean: true,
        keepalive: 0,
      } as never);
      for (const byte of bytes) near.write(Buffer.of(byte));
      const decoder = parser();
      const connack = once(decoder, 'packet');
      near.on('data', (chunk) => decoder.parse(chunk));
      const [client] = (await ready) as [{ id: string }];
      expect(client.id).toBe('pieces');
      expect((await connack)[0]).toMatchObject({ cmd: 'connack', returnCode: 0 });
      near.destroy();
      far.destroy();
    });
  });

  describe('connectedClients', () => {
    test('it counts those that are connected', async () => {
      const { broker } = await start();
      expect(broker.connectedClients).toBe(0);
      const one = await rig.ready({ clientId: 'one' });
      await rig.ready({ clientId: 'two' });
      expect(broker.connectedClients).toBe(2);
      const left = rig.next('clientDisconnect');
      one.raw.cut();
      await left;
      expect(broker.connectedClients).toBe(1);
    });
  });

  describe('publish', () => {
    test('subscribers get it', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.subscribe('a/+', 1);
      await raw.next('suback');
      await rig.publish({ topic: 'a/0', payload: 'zero', qos: 0 });
      expect(await raw.next('publish')).toMatchObject({
        topic: 'a/0',
        qos: 0,
        retain: false,
        dup: false,
        payload: Buffer.from('zero'),
      });
      await rig.publish({ topic: 'a/2', payload: Buffer.from('two'), qos: 2 });
      const packet = await raw.next('publish');
      expect(packet).toMatchObject({ topic: 'a/2', payload: Buffer.from('two') });
      expect(packet['qos']).toBe(
        differing(implementation, 'QoS of deliveries', { aedes: 2, promptmq: 1 }),
      );
      expect(packet.messageId).toBeGreaterThan(0);
    });

    test('a retained one is kept for later subscribers, until an empty one comes', async () => {
      await start();
      await rig.publish({ topic: 'r', payload: 'kept', retain: true, qos: 1 });
      const { raw } = await rig.ready();
      raw.subscribe('r', 0);
      expect(await raw.next('publish')).toMatchObject({ topic: 'r', retain: true, qos: 0 });
      await rig.publish({ topic: 'r', payload: '', retain: true, qos: 1 });
      expect(await raw.next('publish')).toMatchObject({ topic: 'r', retain: false });
      const other = await rig.ready({ clientId: 'other' });
      other.raw.subscribe('r', 0);
      await other.raw.next('suback');
      await rig.publish({ topic: 'r', payload: 'marker' });
      await other.raw.next('publish');
      expect(other.raw.messages).toEqual(['r: marker']);
    });

    test('authorizePublish is not asked', async () => {
      await start({ authorizePublish: () => expect(true).toBe(false) });
      await rig.publish({ topic: 'a', payload: 'x' });
    });

    test('a packet without payload is empty', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.subscribe('a');
      await raw.next('suback');
      await rig.publish({ topic: 'a' });
      expect(await raw.next('publish')).toMatchObject({ payload: Buffer.alloc(0) });
    });

    test('it needs no callback', async () => {
      const { broker } = await start();
      const seen = rig.published('a');
      broker.publish({ topic: 'a', payload: 'x' });
      expect((await seen)[0]).toMatchObject({ topic: 'a', payload: 'x' });
    });

    test('a topic with wildcards', async () => {
      const { broker } = await start();
      const error = await new Promise<unknown>((resolve) => {
        broker.publish({ topic: 'a/#', payload: 'x' }, resolve);
      });
      expect(error).toEqual(
        differing<unknown>(implementation, 'wildcards in publish', {
          aedes: null,
          promptmq: expect.objectContaining({
            message: expect.stringContaining('# is not allowed'),
          }),
        }),
      );
    });

    test('an empty topic', async () => {
      const { broker } = await start();
      const error = await new Promise<unknown>((resolve) => {
        broker.publish({ topic: '', payload: 'x' }, resolve);
      });
      expect(error === null).toBe(
        differing(implementation, 'wildcards in publish', { aedes: true, promptmq: false }),
      );
    });

    test('in the name of a client, with and without a callback', async () => {
      const { broker } = await start();
      const { client } = await rig.ready();
      const [one, two] = [rig.published('one'), rig.published('two')];
      await new Promise<unknown>((resolve) => {
        broker.publish({ topic: 'one', payload: 'x' }, client, resolve);
      });
      broker.publish({ topic: 'two', payload: 'x' }, client);
      expect((await one)[1]).toBe(client);
      expect((await two)[1]).toBe(client);
    });

    test('order is kept', async () => {
      const { broker } = await start();
      const { raw } = await rig.ready();
      raw.subscribe('n', 0);
      await raw.next('suback');
      for (let n = 0; n < 50; n++) broker.publish({ topic: 'n', payload: `${n}` });
      for (let n = 0; n < 50; n++) {
        expect(`${(await raw.next('publish')).payload}`).toBe(`${n}`);
      }
    });
  });

  describe('subscribe, unsubscribe', () => {
    test('the function gets what clients publish, as it was published', async () => {
      await start();
      const packets = await rig.subscribe('a/#');
      const { raw } = await rig.ready();
      raw.publish('a/b', 'x', { qos: 1, messageId: 5 });
      await raw.next('puback');
      expect(packets).toHaveLength(1);
      expect(packets[0]).toMatchObject({
        cmd: 'publish',
        topic: 'a/b',
        qos: 1,
        retain: false,
        dup: false,
        payload: Buffer.from('x'),
        brokerId: 'B1',
        brokerCounter: expect.any(Number),
        clientId: 'c',
      });
    });

    test('brokerCounter counts', async () => {
      await start();
      const packets = await rig.subscribe('a');
      await rig.publish({ topic: 'a', payload: '1' });
      await rig.publish({ topic: 'a', payload: '2' });
      const [first, second] = packets.map(({ brokerCounter }) => brokerCounter as number);
      expect(second).toBe((first as number) + 1);
    });

    test('it gets what is published from inside, retain flag and all', async () => {
      await start();
      const packets = await rig.subscribe('a');
      await rig.publish({ topic: 'a', payload: 'x', qos: 2, retain: true });
      expect(packets[0]).toMatchObject({ cmd: 'publish', topic: 'a', qos: 2, retain: true });
    });

    test('the payload is a string where it was given as one', async () => {
      await start();
      const packets = await rig.subscribe('a');
      await rig.publish({ topic: 'a', payload: 'text' });
      await rig.publish({ topic: 'a', payload: Buffer.from('bytes') });
      await rig.publish({ topic: 'a' });
      expect(packets.map(({ payload }) => payload)).toEqual([
        'text',
        Buffer.from('bytes'),
        Buffer.alloc(0),
      ]);
    });

    test('it gets no retained messages when it subscribes', async () => {
      await start();
      await rig.publish({ topic: 'a', payload: 'kept', retain: true });
      const packets = await rig.subscribe('a');
      await rig.publish({ topic: 'a', payload: 'new' });
      expect(packets.map(({ payload }) => `${payload}`)).toEqual(['new']);
    });

    test('# matches $SYS, other than for clients', async () => {
      await start();
      const packets = await rig.subscribe('#');
      await rig.publish({ topic: '$SYS/B1/mine', payload: 'x' });
      expect(packets.map(({ topic }) => topic)).toContain('$SYS/B1/mine');
    });

    test('authorizeSubscribe is not asked', async () => {
      await start({ authorizeSubscribe: () => expect(true).toBe(false) });
      await rig.subscribe('a');
    });

    test('topic and function together make a subscription: only that one is ended', async () => {
      const { broker } = await start();
      const seen: string[] = [];
      const one = (_: unknown, done: () => void) => {
        seen.push('one');
        done();
      };
      const two = (_: unknown, done: () => void) => {
        seen.push('two');
        done();
      };
      for (const deliver of [one, two]) {
        await new Promise<void>((resolve) => broker.subscribe('a', deliver, resolve));
      }
      await rig.publish({ topic: 'a', payload: 'x' });
      expect(seen.sort()).toEqual(['one', 'two']);
      seen.length = 0;
      await new Promise<void>((resolve) => broker.unsubscribe('a', () => {}, resolve));
      await new Promise<void>((resolve) => broker.unsubscribe('a', one, resolve));
      await rig.publish({ topic: 'a', payload: 'x' });
      expect(seen).toEqual(['two']);
    });

    test('publish calls back when the functions have', async () => {
      const { broker } = await start();
      const seen: string[] = [];
      let finish: () => void = () => {};
      const called = new Promise<void>((resolve) => {
        broker.subscribe(
          'a',
          (_, done) => {
            finish = done;
            resolve();
          },
          () => {},
        );
      });
      const published = new Promise<void>((resolve) => {
        broker.publish({ topic: 'a', payload: 'x' }, () => {
          seen.push('published');
          resolve();
        });
      });
      await called;
      seen.push('finishing');
      finish();
      await published;
      expect(seen).toEqual(['finishing', 'published']);
    });
  });

  describe('close, closed', () => {
    test('clients are disconnected, then it is closed', async () => {
      const { broker } = await start();
      const { raw, client } = await rig.ready();
      const seen = rig.record(['clientDisconnect', 'closed']);
      await new Promise<void>((resolve) => broker.close(resolve));
      await raw.closed;
      expect(seen).toEqual(['clientDisconnect', 'closed']);
      expect(broker.closed).toBe(true);
      expect(client.closed).toBe(true);
      expect(broker.connectedClients).toBe(0);
    });

    test('it can be closed twice; the event comes once', async () => {
      const { broker } = await start();
      const seen = rig.record(['closed']);
      await new Promise<void>((resolve) => broker.close(resolve));
      await new Promise<void>((resolve) => broker.close(resolve));
      expect(seen).toEqual(['closed']);
    });

    test('nothing can be published afterwards', async () => {
      await start();
      await new Promise<void>((resolve) => rig.broker.close(resolve));
      await expect(rig.publish({ topic: 'a', payload: 'x' })).rejects.toThrow('closed');
    });
  });
});

describe('what can be imported', () => {
  test('the names of aedes 1.x, and more', async () => {
    const theirs = Object.keys(await import('aedes'));
    expect(theirs.sort()).toEqual(['Aedes', 'default']);
    expect(Object.keys(await import('@promptmq/aedes'))).toEqual(expect.arrayContaining(theirs));
  });

  test.each([
    ['require', "const { Aedes } = require('@promptmq/aedes'); new Aedes()"],
    ['require, before 1.0', "require('@promptmq/aedes')()"],
    ['Server, before 1.0', "new (require('@promptmq/aedes').Server)()"],
    ['default', "require('@promptmq/aedes').default()"],
    ['import', "import('@promptmq/aedes').then(({ Aedes }) => new Aedes())"],
  ])('%s', (_, program) => {
    const text = `Promise.resolve(${program.replace(/^const .*; /, '')}).then((b) => console.log(b.id))`;
    const [, before = ''] = /^(const .*; )/.exec(program) ?? [];
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '-e', before + text],
      { cwd: new URL('../..', import.meta.url), encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
  });
});
