import { afterEach, describe, expect, test } from '@jest/globals';
import type { Client } from '../../src/index.ts';
import { differing } from '../support/differences.ts';
import { type Implementation, implementations, Rig, stateOf } from '../support/rig.ts';

let rig: Rig;
afterEach(() => rig?.close());

describe.each(implementations)('$name', (implementation: Implementation) => {
  const start = async (options = {}) => {
    rig = await Rig.start(implementation, options);
    return rig;
  };

  describe('client, connackSent, clientReady', () => {
    test('they come in this order, with what the client is meanwhile', async () => {
      await start();
      const seen: string[] = [];
      rig.broker.on('client', (client) => seen.push(`client ${stateOf(client)}`));
      rig.broker.on('connackSent', (packet, client) => {
        seen.push(`connackSent ${packet.returnCode} ${stateOf(client)}`);
        expect(packet).toMatchObject({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      });
      rig.broker.on('clientReady', (client) => seen.push(`clientReady ${stateOf(client)}`));
      await rig.ready();
      expect(seen).toEqual([
        'client c connecting',
        'connackSent 0 c connecting',
        'clientReady c connected',
      ]);
    });

    test('connackSent has this packet, and nothing else in it', async () => {
      await start();
      const sent = rig.next('connackSent');
      await rig.ready();
      const [packet] = await sent;
      const expected = { cmd: 'connack', returnCode: 0, sessionPresent: false };
      expect(JSON.parse(JSON.stringify(packet))).toEqual(expected);
    });

    test('the client is what handle returned', async () => {
      await start();
      const { client } = await rig.ready();
      expect(client).toBe(rig.handled[0]);
    });

    test('clientReady comes after what waited for the session has been sent', async () => {
      await start();
      const { raw } = await rig.ready({ clean: false });
      raw.subscribe('q', 1);
      await raw.next('suback');
      const left = rig.next('clientDisconnect');
      raw.cut();
      await left;
      await rig.publish({ topic: 'q', payload: 'waited', qos: 1 });
      const seen: string[] = [];
      const forward = rig.broker.authorizeForward;
      rig.broker.authorizeForward = (client, packet) => {
        seen.push(`forward ${packet.payload}`);
        return forward(client, packet);
      };
      rig.broker.on('connackSent', ({ sessionPresent }) => seen.push(`connack ${sessionPresent}`));
      rig.broker.on('clientReady', () => seen.push('clientReady'));
      const again = await rig.ready({ clean: false });
      await again.raw.next('publish').then((packet) => expect(packet.qos).toBe(1));
      expect(seen).toEqual(['connack true', 'forward waited', 'clientReady']);
    });
  });

  describe('clientDisconnect', () => {
    test.each(['disconnect', 'cut'] as const)('after a %s', async (how) => {
      await start();
      const { raw } = await rig.ready();
      const left = rig.next('clientDisconnect');
      if (how === 'cut') raw.cut();
      else raw.send({ cmd: 'disconnect' });
      const [client] = (await left) as [Client];
      expect(stateOf(client)).toBe('c closed');
      await raw.closed;
    });

    test('a client with the same identifier takes its place', async () => {
      await start();
      const first = await rig.ready();
      const seen = rig.record(['clientDisconnect', 'client', 'clientReady'], stateOf);
      const second = await rig.ready();
      await first.raw.closed;
      expect(seen).toEqual([
        'clientDisconnect c closed',
        'client c connecting',
        'clientReady c connected',
      ]);
      expect(rig.broker.connectedClients).toBe(1);
      expect(second.client.connected).toBe(true);
    });
  });

  describe('clientError', () => {
    test('a packet that is wrong: the error, then the client is disconnected', async () => {
      await start();
      const { raw } = await rig.ready();
      const seen = rig.record(['clientError', 'clientDisconnect'], stateOf);
      const failed = rig.next('clientError');
      const left = rig.next('clientDisconnect');
      raw.socket.write(Buffer.from('garbage'));
      const [client, error] = (await failed) as [Client, Error];
      await left;
      await raw.closed;
      expect(client.id).toBe('c');
      expect(error.message).toContain('pubrel');
      expect(seen).toEqual(['clientError c connected', 'clientDisconnect c closed']);
    });

    test('a second CONNECT', async () => {
      await start();
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.connect();
      const [, error] = (await failed) as [Client, Error & { info: unknown }];
      expect(error.message).toBe('Invalid protocol');
      expect(error.info).toMatchObject({ cmd: 'connect' });
      await raw.closed;
    });

    test.each([
      ['publish', 'a/#'],
      ['publish', 'a/+'],
      ['subscribe', 'a/#/b'],
    ])('%s %s', async (cmd, topic) => {
      await start();
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      if (cmd === 'publish') raw.publish(topic, 'x');
      else raw.subscribe(topic);
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toMatch(/[#+] is (not|only) allowed/);
      await raw.closed;
    });
  });

  describe('clientError of an empty topic', () => {
    test.each([
      ['subscribe', '82050001000000', 'impossible to SUBSCRIBE to an empty topic'],
      ['publish', '3003000061', 'empty topic not allowed in PUBLISH'],
    ])('%s', async (_, bytes, message) => {
      await start();
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.socket.write(Buffer.from(bytes, 'hex'));
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe(message);
      await raw.closed;
    });
  });

  describe('clientError of a topic filter', () => {
    test('a wildcard that is no level of its own', async () => {
      await start();
      const { raw } = await rig.ready();
      const outcome = Promise.race([
        rig.next('clientError').then(([, error]) => (error as Error).message),
        raw.next('suback').then(({ granted }) => `granted ${granted}`),
      ]);
      raw.subscribe('a+');
      expect(await outcome).toBe(
        differing(implementation, 'a wildcard within a level', {
          aedes: 'granted 0',
          promptmq: '+ is only allowed as a level of its own',
        }),
      );
    });
  });

  describe('connectionError', () => {
    test('what comes first is no CONNECT', async () => {
      await start();
      const failed = rig.next('connectionError');
      const raw = rig.client().send({ cmd: 'pingreq' });
      const [client, error] = (await failed) as [Client, Error];
      expect(client.id).toBe(null);
      expect(error.message).toBe('Invalid protocol');
      await raw.closed;
    });

    test('what comes first is no MQTT', async () => {
      await start();
      const failed = rig.next('connectionError');
      const raw = rig.client();
      raw.socket.write(Buffer.from('garbage'));
      const [client, error] = (await failed) as [Client, Error];
      expect(client.id).toBe(null);
      expect(error.message).toContain('pubrel');
      await raw.closed;
    });

    test('a version of MQTT that there isn’t: one error', async () => {
      await start();
      const seen = rig.record(['connectionError', 'clientError'], (_: Client, error: Error) => {
        return error.message;
      });
      const raw = rig.client();
      raw.socket.write(Buffer.from('100d00044d51545406020000000161', 'hex'));
      await raw.closed;
      expect(seen).toEqual(['connectionError Invalid protocol version']);
    });

    test('a client of MQTT 5', async () => {
      await start();
      const raw = rig.client();
      const outcome = Promise.race([
        rig.next('clientReady').then(([client]) => `version ${(client as Client).version}`),
        rig.next('connectionError').then(([, error]) => (error as Error).message),
      ]);
      raw.connect({ protocolVersion: 5 });
      expect(await outcome).toBe(
        differing(implementation, 'MQTT 5', {
          aedes: 'unacceptable protocol version',
          promptmq: 'version 5',
        }),
      );
    });
  });

  describe('keepaliveTimeout', () => {
    test('a client that is silent for one and a half times its keep alive', async () => {
      await start();
      const { raw } = await rig.ready({ keepalive: 1 });
      const seen = rig.record(['keepaliveTimeout', 'clientError', 'clientDisconnect'], stateOf);
      await rig.next('clientDisconnect');
      await raw.closed;
      expect(seen).toEqual([
        'keepaliveTimeout c connected',
        'clientError c connected',
        'clientDisconnect c closed',
      ]);
    });
  });

  describe('publish', () => {
    test('what clients publish: the packet as it came, and the client', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const seen = rig.published('a');
      raw.publish('a', 'x', { qos: 1, messageId: 7, retain: true });
      const [packet, from] = await seen;
      expect(packet).toMatchObject({
        cmd: 'publish',
        topic: 'a',
        payload: Buffer.from('x'),
        qos: 1,
        retain: true,
        dup: false,
        messageId: 7,
      });
      expect(from).toBe(client);
    });

    test('a message of QoS 2 is published once', async () => {
      await start();
      const { raw } = await rig.ready();
      const packets = await rig.subscribe('#');
      raw.publish('a', 'x', { qos: 2, messageId: 7 });
      await raw.next('pubrec');
      raw.publish('a', 'x', { qos: 2, messageId: 7, dup: true });
      await raw.next('pubrec');
      raw.send({ cmd: 'pubrel', messageId: 7, qos: 1 });
      await raw.next('pubcomp');
      await rig.publish({ topic: 'marker' });
      const topics = packets.map(({ topic }) => topic);
      expect(topics.filter((topic) => topic === 'a')).toEqual(['a']);
    });

    test('what is published from inside has no client', async () => {
      await start();
      const seen = rig.published('a');
      await rig.publish({ topic: 'a', payload: 'x', qos: 1 });
      expect(await seen).toEqual([expect.objectContaining({ topic: 'a', qos: 1 }), null]);
    });

    test('a will, of the client that had it', async () => {
      await start();
      const will = { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain: false } as const;
      const { raw, client } = await rig.ready({ will });
      const left = rig.next('clientDisconnect');
      const published = rig.published('w');
      raw.cut();
      const [packet, from] = await published;
      await left;
      expect(packet).toMatchObject({ topic: 'w', payload: Buffer.from('gone'), qos: 1 });
      expect(from).toBe(client);
    });

    test('no will after a DISCONNECT', async () => {
      await start();
      const will = { topic: 'w', payload: Buffer.from('gone'), qos: 0, retain: false } as const;
      const { raw } = await rig.ready({ will });
      const packets = await rig.subscribe('#');
      const left = rig.next('clientDisconnect');
      raw.send({ cmd: 'disconnect' });
      await left;
      await rig.publish({ topic: 'marker' });
      expect(packets.map(({ topic }) => topic)).not.toContain('w');
    });
  });

  describe('what subscribers get', () => {
    const overlapping = [
      { topic: 'a/#', qos: 0 },
      { topic: 'a/b', qos: 1 },
    ];

    test('with two filters that match, one message', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: overlapping });
      await raw.next('suback');
      await rig.publish({ topic: 'a/b', payload: 'x', qos: 1 });
      const { qos } = await raw.next('publish');
      await rig.publish({ topic: 'a/c', payload: 'x' });
      await raw.next('publish');
      expect(raw.messages).toEqual(['a/b: x', 'a/c: x']);
      expect(qos).toBe(
        differing(implementation, 'QoS of overlapping filters', { aedes: 0, promptmq: 1 }),
      );
    });

    test('of a message that its publisher has sent again', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.subscribe('a', 1);
      await raw.next('suback');
      raw.publish('a', 'x', { qos: 1, messageId: 3, dup: true });
      expect((await raw.next('publish'))['dup']).toBe(
        differing(implementation, 'DUP of deliveries', { aedes: true, promptmq: false }),
      );
    });
  });

  describe('ack', () => {
    test('of QoS 1: the message, and the client that has it now', async () => {
      await start();
      const { raw, client } = await rig.ready({ clean: false });
      raw.subscribe('a', 1);
      await raw.next('suback');
      const acknowledged = rig.next('ack');
      await rig.publish({ topic: 'a', payload: 'x', qos: 1 });
      const { messageId } = await raw.next('publish');
      raw.send({ cmd: 'puback', messageId });
      const [packet, from] = await acknowledged;
      expect(packet).toMatchObject({ cmd: 'publish', topic: 'a', qos: 1, messageId });
      expect(from).toBe(client);
    });

    test('in a clean session', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.subscribe('a', 1);
      await raw.next('suback');
      const acknowledged = rig.next('ack');
      await rig.publish({ topic: 'a', payload: 'x', qos: 1 });
      const { messageId } = await raw.next('publish');
      raw.send({ cmd: 'puback', messageId });
      const [packet] = (await acknowledged) as [{ topic: string } | undefined];
      expect(packet?.topic).toBe(
        differing(implementation, 'ack in a clean session', { aedes: undefined, promptmq: 'a' }),
      );
    });

    test('of QoS 2: PUBREL, when all is done', async () => {
      await start();
      const { raw } = await rig.ready({ clean: false });
      raw.subscribe('a', 2);
      await raw.next('suback');
      const acknowledged = rig.next('ack');
      await rig.publish({ topic: 'a', payload: 'x', qos: 2 });
      const { messageId } = await raw.next('publish');
      raw.send({ cmd: 'pubrec', messageId });
      await raw.next('pubrel');
      raw.send({ cmd: 'pubcomp', messageId });
      const [packet] = await acknowledged;
      expect(packet).toMatchObject({ cmd: 'pubrel', messageId });
    });
  });

  describe('ping', () => {
    test('a PINGREQ, and who sent it', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const pinged = rig.next('ping');
      raw.send({ cmd: 'pingreq' });
      const [packet, from] = await pinged;
      expect(packet).toMatchObject({ cmd: 'pingreq' });
      expect(from).toBe(client);
      await raw.next('pingresp');
    });
  });

  describe('subscribe', () => {
    test('topics and QoS, without duplicates', async () => {
      await start();
      const { raw, client } = await rig.ready();
      const subscribed = rig.next('subscribe');
      const subscriptions = [
        { topic: 'a', qos: 0 },
        { topic: 'b', qos: 2 },
        { topic: 'a', qos: 1 },
      ];
      raw.send({ cmd: 'subscribe', messageId: 3, subscriptions });
      const [list, from] = await subscribed;
      expect(list).toMatchObject([
        { topic: 'a', qos: 1 },
        { topic: 'b', qos: 2 },
      ]);
      expect(from).toBe(client);
      const { granted } = await raw.next('suback');
      expect(granted).toEqual(
        differing(implementation, 'SUBACK of duplicates', { aedes: [1, 2], promptmq: [0, 2, 1] }),
      );
    });

    test('those that were negated have QoS 128', async () => {
      await start({
        authorizeSubscribe: (_: unknown, subscription: { topic: string }, done: never) => {
          (done as (error: null, subscription: unknown) => void)(
            null,
            subscription.topic === 'no' ? null : subscription,
          );
        },
      });
      const { raw } = await rig.ready();
      const subscribed = rig.next('subscribe');
      const subscriptions = ['no', 'yes'].map((topic) => ({ topic, qos: 1 }));
      raw.send({ cmd: 'subscribe', messageId: 3, subscriptions });
      expect((await subscribed)[0]).toMatchObject([
        { topic: 'no', qos: 128 },
        { topic: 'yes', qos: 1 },
      ]);
      expect((await raw.next('suback')).granted).toEqual([128, 1]);
    });
  });

  describe('unsubscribe', () => {
    test('topics', async () => {
      await start();
      const { raw, client } = await rig.ready();
      raw.subscribe('a').subscribe('b');
      await raw.next('suback');
      await raw.next('suback');
      const unsubscribed = rig.next('unsubscribe');
      raw.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a', 'x'] });
      const [topics, from] = await unsubscribed;
      expect(topics).toEqual(['a', 'x']);
      expect(from).toBe(client);
      expect((await raw.next('unsuback')).messageId).toBe(4);
    });

    test('when a clean session ends, all that it had', async () => {
      await start();
      const { raw } = await rig.ready();
      raw.subscribe('a').subscribe('b');
      await raw.next('suback');
      await raw.next('suback');
      const seen = rig.record(['clientDisconnect', 'unsubscribe']);
      const unsubscribed = rig.next('unsubscribe');
      raw.send({ cmd: 'disconnect' });
      expect((await unsubscribed)[0]).toEqual(['a', 'b']);
      expect(seen).toEqual(['clientDisconnect', 'unsubscribe']);
    });
  });

  describe('$SYS', () => {
    test('heartbeat, with the identifier', async () => {
      await start({ heartbeatInterval: 20 });
      const [packet, client] = await rig.published('$SYS/B1/heartbeat');
      expect(`${packet['payload']}`).toBe('B1');
      expect(client).toBe(null);
      expect(Object.keys(rig.broker.brokers)).toEqual(['B1']);
    });

    test('new and gone clients, subscriptions and what is ended of them', async () => {
      await start();
      const packets = await rig.subscribe('$SYS/#');
      const { raw } = await rig.ready();
      raw.subscribe('a', 1);
      await raw.next('suback');
      raw.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a'] });
      await raw.next('unsuback');
      const gone = rig.published('$SYS/B1/disconnect/clients');
      raw.cut();
      await gone;
      expect(packets.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual([
        '$SYS/B1/new/clients c',
        '$SYS/B1/new/subscribes {"clientId":"c","subs":[{"topic":"a","qos":1}]}',
        '$SYS/B1/new/unsubscribes {"clientId":"c","subs":["a"]}',
        '$SYS/B1/disconnect/clients c',
      ]);
      expect(packets[0]).toMatchObject({ cmd: 'publish', qos: 0, retain: false, brokerId: 'B1' });
    });

    test('clients can subscribe to it, and # leaves it out', async () => {
      await start();
      const watcher = await rig.ready({ clientId: 'watcher' });
      const other = await rig.ready({ clientId: 'other' });
      watcher.raw.subscribe('$SYS/+/new/clients');
      await watcher.raw.next('suback');
      other.raw.subscribe('#');
      await other.raw.next('suback');
      await rig.ready({ clientId: 'third' });
      await watcher.raw.next('publish');
      expect(watcher.raw.messages).toContain('$SYS/B1/new/clients: third');
      await rig.publish({ topic: 'marker', payload: '' });
      await other.raw.next('publish');
      expect(other.raw.messages).toEqual(['marker: ']);
    });
  });
});
