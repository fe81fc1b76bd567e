import { afterEach, describe, expect, test } from '@jest/globals';
import type { Client } from '../../src/index.ts';
import { differing } from '../support/differences.ts';
import { type Implementation, implementations, Rig, stateOf } from '../support/rig.ts';

let rig: Rig;
afterEach(() => rig?.close());

type Done = (callback: (error?: Error | null) => void) => void;
const done = (work: Done) =>
  new Promise<void>((resolve, reject) => {
    work((error) => (error ? reject(error) : resolve()));
  });

describe.each(implementations)('$name', (implementation: Implementation) => {
  const start = async (options = {}) => {
    rig = await Rig.start(implementation, options);
    return rig;
  };

  describe('Client', () => {
    test('id, clean, version, and its state', async () => {
      await start();
      const { client } = await rig.ready({ clean: false });
      expect(client.id).toBe('c');
      expect(client.clean).toBe(false);
      expect(client.version).toBe(4);
      expect(stateOf(client)).toBe('c connected');
      const older = await rig.ready({
        protocolId: 'MQIsdp',
        protocolVersion: 3,
        clientId: 'older',
      });
      expect(older.client.version).toBe(3);
      expect(older.client.clean).toBe(true);
    });

    test('one without an identifier gets one', async () => {
      await start();
      const { client } = await rig.ready({ clientId: '' });
      expect(client.id).toMatch(/^aedes_[0-9a-f-]{36}$/);
    });

    test('connected', async () => {
      await start();
      const seen: string[] = [];
      rig.broker.on('client', (client: Client) => {
        client.on('connected', () => seen.push(`connected ${stateOf(client)}`));
      });
      await rig.ready();
      expect(seen).toEqual(['connected c connected']);
    });

    test('error', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const failed = new Promise<Error>((resolve) => client.on('error', resolve));
      raw.socket.write(Buffer.from('garbage'));
      expect((await failed).message).toContain('pubrel');
    });
  });

  describe('subscriptions', () => {
    test('by topic filter', async () => {
      await start();
      const { raw, client } = await rig.ready();
      raw.subscribe('a', 1).subscribe('b/#', 2);
      await raw.next('suback');
      await raw.next('suback');
      expect(Object.keys(client.subscriptions)).toEqual(['a', 'b/#']);
      expect(client.subscriptions['a']?.qos).toBe(1);
      raw.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a'] });
      await raw.next('unsuback');
      expect(Object.keys(client.subscriptions)).toEqual(['b/#']);
    });
  });

  describe('publish', () => {
    test.each([0, 1, 2] as const)('to this client alone, with QoS %i', async (qos) => {
      await start();
      const { raw, client } = await rig.ready();
      const other = await rig.ready({ clientId: 'other' });
      other.raw.subscribe('#');
      await other.raw.next('suback');
      await done((callback) => client.publish({ topic: 'to/me', payload: 'x', qos }, callback));
      const packet = await raw.next('publish');
      expect(packet).toMatchObject({
        topic: 'to/me',
        payload: Buffer.from('x'),
        qos,
        retain: false,
      });
      if (qos > 0) {
        const acknowledged = rig.next('ack');
        raw.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId });
        if (qos === 2) {
          expect((await raw.next('pubrel')).messageId).toBe(packet.messageId);
          raw.send({ cmd: 'pubcomp', messageId: packet.messageId });
        }
        const [settled] = await acknowledged;
        expect((settled as { cmd: string } | undefined)?.cmd).toBe(
          differing(implementation, 'ack of client.publish', {
            aedes: undefined,
            promptmq: qos === 1 ? 'publish' : 'pubrel',
          }),
        );
      }
      await rig.publish({ topic: 'marker', payload: '' });
      await other.raw.next('publish');
      expect(other.raw.messages).toEqual(['marker: ']);
    });

    test('authorizeForward is asked', async () => {
      const asked: string[] = [];
      await start({
        authorizeForward(_client: Client, packet: { topic: string }) {
          asked.push(packet.topic);
          return packet;
        },
      });
      const { raw, client } = await rig.ready();
      await done((callback) => client.publish({ topic: 'to/me', payload: 'x', qos: 1 }, callback));
      await raw.next('publish');
      expect(asked).toEqual(['to/me']);
    });

    test('the retain flag is as it is given', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const packet = { topic: 'to/me', payload: 'x', qos: 1, retain: true } as const;
      await done((callback) => client.publish(packet, callback));
      expect(await raw.next('publish')).toMatchObject({ topic: 'to/me', qos: 1, retain: true });
    });

    test('before the client has its CONNACK, it comes after it', async () => {
      await start();
      rig.broker.on('client', (client) => {
        client.publish({ topic: 'early', payload: 'x', qos: 0 }, () => {});
      });
      const raw = rig.client().connect();
      await raw.next('publish');
      expect(raw.received.map(({ cmd }) => cmd)).toEqual(['connack', 'publish']);
    });

    test('to a client that is closed: a clientError, and it calls back', async () => {
      await start();
      const { client } = await rig.ready();
      await done((callback) => client.close(callback));
      const failed = rig.next('clientError');
      await done((callback) => client.publish({ topic: 'a', payload: 'x', qos: 0 }, callback));
      const [from, error] = (await failed) as [Client, Error];
      expect(from).toBe(client);
      expect(error.message).toBe('connection closed');
    });

    test('what the client is sent otherwise has other packet identifiers', async () => {
      await start();
      const { raw, client } = await rig.ready();
      raw.subscribe('a', 1);
      await raw.next('suback');
      for (let n = 0; n < 5; n++) {
        await rig.publish({ topic: 'a', payload: 'x', qos: 1 });
        await done((callback) => client.publish({ topic: 'b', payload: 'x', qos: 1 }, callback));
      }
      const identifiers = new Set<unknown>();
      for (let n = 0; n < 10; n++) identifiers.add((await raw.next('publish')).messageId);
      expect(identifiers.size).toBe(10);
    });
  });

  describe('subscribe', () => {
    test.each([
      ['one', { topic: 'a', qos: 1 }],
      ['a list', [{ topic: 'a', qos: 1 }]],
      ['a packet', { subscriptions: [{ topic: 'a', qos: 1 }] }],
    ])('%s', async (_, subscriptions) => {
      await start();
      const { raw, client } = await rig.ready();
      const subscribed = rig.next('subscribe');
      await done((callback) => client.subscribe(subscriptions as never, callback));
      expect((await subscribed)[0]).toMatchObject([{ topic: 'a', qos: 1 }]);
      expect(Object.keys(client.subscriptions)).toEqual(['a']);
      await rig.publish({ topic: 'a', payload: 'x', qos: 1 });
      expect(await raw.next('publish')).toMatchObject({ topic: 'a', qos: 1 });
      expect(raw.received.map(({ cmd }) => cmd)).not.toContain('suback');
    });

    test('with a messageId, the client gets a SUBACK', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const subscriptions = [{ topic: 'a', qos: 1 as const }];
      await done((callback) => client.subscribe({ subscriptions, messageId: 77 }, callback));
      expect(await raw.next('suback')).toMatchObject({ messageId: 77, granted: [1] });
    });

    test('retained messages are sent', async () => {
      await start();
      await rig.publish({ topic: 'r', payload: 'kept', retain: true });
      const { raw, client } = await rig.ready();
      await done((callback) => client.subscribe({ topic: 'r', qos: 0 }, callback));
      expect(await raw.next('publish')).toMatchObject({ topic: 'r', retain: true });
    });

    test('authorizeSubscribe is asked', async () => {
      const asked: string[] = [];
      await start({
        authorizeSubscribe(_: Client, subscription: { topic: string }, callback: never) {
          asked.push(subscription.topic);
          (callback as (error: null, subscription: unknown) => void)(null, subscription);
        },
      });
      const { client } = await rig.ready();
      await done((callback) => client.subscribe({ topic: 'a', qos: 0 }, callback));
      expect(asked).toEqual(['a']);
    });
  });

  describe('subscribe that fails', () => {
    test.each([
      ['a/#/b', '# is only allowed in SUBSCRIBE in the last position'],
      ['', 'impossible to SUBSCRIBE to an empty topic'],
      ['denied', 'not this'],
    ])('%j: the callback has the error, and the client stays', async (topic, message) => {
      await start({
        authorizeSubscribe(_: Client, subscription: { topic: string }, callback: never) {
          const decide = callback as (error: Error | null, subscription?: unknown) => void;
          if (subscription.topic === 'denied') decide(new Error('not this'));
          else decide(null, subscription);
        },
      });
      const { raw, client } = await rig.ready();
      const seen = rig.record(['clientError', 'clientDisconnect']);
      await expect(
        done((callback) => client.subscribe({ topic, qos: 0 }, callback)),
      ).rejects.toThrow(message);
      raw.send({ cmd: 'pingreq' });
      await raw.next('pingresp');
      expect(seen).toEqual([]);
      expect(client.connected).toBe(true);
    });

    test('of a client that is closed', async () => {
      await start();
      const { client } = await rig.ready();
      await done((callback) => client.close(callback));
      let outcome = 'no callback';
      client.subscribe({ topic: 'a', qos: 0 }, (error) => {
        outcome = error?.message ?? 'done';
      });
      const called = new Promise((resolve) =>
        client.unsubscribe({ unsubscriptions: ['a'] }, resolve),
      );
      await called;
      expect(outcome).toBe(
        differing(implementation, 'subscribe of a closed client', {
          aedes: 'no callback',
          promptmq: 'connection closed',
        }),
      );
    });

    test('in the event `client`, retained messages come after CONNACK', async () => {
      await start();
      await rig.publish({ topic: 'r', payload: 'kept', retain: true });
      rig.broker.on('client', (client) => client.subscribe({ topic: 'r', qos: 0 }, () => {}));
      const raw = rig.client().connect();
      expect(await raw.next('publish')).toMatchObject({ topic: 'r', retain: true });
      expect(raw.received.map(({ cmd }) => cmd)).toEqual(['connack', 'publish']);
    });
  });

  describe('unsubscribe', () => {
    test('a packet', async () => {
      await start();
      const { raw, client } = await rig.ready();
      raw.subscribe('a').subscribe('b');
      await raw.next('suback');
      await raw.next('suback');
      await done((callback) =>
        client.unsubscribe({ unsubscriptions: ['a'], messageId: 78 }, callback),
      );
      expect((await raw.next('unsuback')).messageId).toBe(78);
      expect(Object.keys(client.subscriptions)).toEqual(['b']);
    });

    test.each([
      ['one', { topic: 'a', qos: 0 }],
      ['a list', [{ topic: 'a', qos: 0 }]],
    ])('%s, as its documentation has it', async (_, unsubscriptions) => {
      await start();
      const { raw, client } = await rig.ready();
      raw.subscribe('a');
      await raw.next('suback');
      await done((callback) => client.unsubscribe(unsubscriptions as never, callback));
      expect(Object.keys(client.subscriptions)).toEqual(
        differing(implementation, 'client.unsubscribe', { aedes: ['a'], promptmq: [] }),
      );
    });
  });

  describe('close', () => {
    test('the client is disconnected, and its will published', async () => {
      await start();
      const packets = await rig.subscribe('w');
      const will = { topic: 'w', payload: Buffer.from('gone'), qos: 0, retain: false } as const;
      const { raw, client } = await rig.ready({ will });
      const seen = rig.record(['clientDisconnect'], stateOf);
      await done((callback) => client.close(callback));
      expect(stateOf(client)).toBe('c closed');
      expect(seen).toEqual(['clientDisconnect c closed']);
      await raw.closed;
      expect(packets).toHaveLength(1);
    });

    test('a client that is closed isn’t connecting, either', async () => {
      await start({
        authenticate(client: Client, _name: unknown, _password: unknown, decide: never) {
          client.close();
          (decide as (error: null, success: boolean) => void)(null, true);
        },
      });
      const raw = rig.client().connect();
      await raw.closed;
      expect(stateOf(rig.handled[0] as Client)).toBe('c closed');
      expect(raw.received).toEqual([]);
    });

    test('it can be closed twice', async () => {
      await start();
      const { client } = await rig.ready();
      await done((callback) => client.close(callback));
      await done((callback) => client.close(callback));
      expect(client.closed).toBe(true);
    });
  });

  describe('emptyOutgoingQueue', () => {
    test('what has been sent and what waits is dropped', async () => {
      await start();
      const { client } = await rig.ready();
      const outcome = await new Promise<string>((resolve) => {
        client.emptyOutgoingQueue((error) => resolve(error?.message ?? 'done'));
      });
      expect(outcome).toMatch(
        differing(implementation, 'emptyOutgoingQueue', {
          aedes: /^done$/,
          promptmq: /clients.disconnect/,
        }),
      );
    });
  });
});
