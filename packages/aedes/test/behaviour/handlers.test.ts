import { afterEach, describe, expect, test } from '@jest/globals';
import type { AedesOptions, Client } from '../../src/index.ts';
import { differing } from '../support/differences.ts';
import { type Implementation, implementations, Rig, stateOf } from '../support/rig.ts';

let rig: Rig;
afterEach(() => rig?.close());

describe.each(implementations)('$name', (implementation: Implementation) => {
  const start = async (options: AedesOptions = {}) => {
    rig = await Rig.start(implementation, options);
    return rig;
  };

  test('handlers may be set later, and replaced', async () => {
    await start({ authenticate: (_client, _name, _password, done) => done(null, false) });
    const refused = rig.client();
    expect((await refused.open()).returnCode).toBe(5);
    rig.broker.authenticate = (_client, _name, _password, done) => done(null, true);
    await rig.ready();
  });

  describe('preConnect', () => {
    test('it is asked first, with a client of which nothing is known, and the packet', async () => {
      const seen: string[] = [];
      await start({
        preConnect(client, packet, done) {
          seen.push(`preConnect ${client.id} ${client.version} ${packet.clientId}`);
          expect(packet).toMatchObject({ cmd: 'connect', protocolVersion: 4, username: 'u' });
          expect(client.conn).toBe(rig.handled[0]?.conn);
          done(null, true);
        },
        authenticate(client, _name, _password, done) {
          seen.push(`authenticate ${client.id} ${client.version}`);
          done(null, true);
        },
      });
      await rig.ready({ username: 'u' });
      expect(seen).toEqual(['preConnect null null c', 'authenticate c 4']);
    });

    test('it may change the packet', async () => {
      await start({
        preConnect(_client, packet, done) {
          packet.clientId = 'another';
          done(null, true);
        },
      });
      const { client } = await rig.ready();
      expect(client.id).toBe('another');
    });

    test('it may take its time: what has been sent meanwhile comes after it', async () => {
      let called: (decide: () => void) => void = () => {};
      const asked = new Promise<() => void>((resolve) => {
        called = resolve;
      });
      await start({
        preConnect: (_client, _packet, done) => called(() => done(null, true)),
      });
      const published = rig.published('early');
      const raw = rig.client().connect().publish('early', 'x').send({ cmd: 'pingreq' });
      const decide = await asked;
      expect(raw.received).toEqual([]);
      decide();
      await raw.next('connack');
      await raw.next('pingresp');
      expect((await published)[0]).toMatchObject({ topic: 'early' });
    });

    test('its error becomes a connectionError, and the connection is closed unanswered', async () => {
      await start({ preConnect: (_client, _packet, done) => done(new Error('not you')) });
      const failed = rig.next('connectionError');
      const raw = rig.client().connect();
      const [client, error] = (await failed) as [Client, Error];
      expect(client.id).toBe(null);
      expect(error.message).toBe('not you');
      await raw.closed;
      expect(raw.received).toEqual([]);
    });

    test('refused without an error', async () => {
      let asked: () => void = () => {};
      const called = new Promise<void>((resolve) => {
        asked = resolve;
      });
      await start({
        preConnect(_client, _packet, done) {
          done(null, false);
          asked();
        },
      });
      const raw = rig.client().connect();
      await called;
      const [client] = rig.handled;
      expect(client?.closed).toBe(
        differing(implementation, 'preConnect without an error', { aedes: false, promptmq: true }),
      );
      expect(raw.received).toEqual([]);
    });
  });

  describe('authenticate', () => {
    test('it gets user name and password', async () => {
      let given: unknown[] = [];
      await start({
        authenticate(client, name, password, done) {
          given = [stateOf(client), name, password];
          done(null, true);
        },
      });
      await rig.ready({ username: 'ann', password: Buffer.from('secret') });
      expect(given).toEqual(['c connecting', 'ann', Buffer.from('secret')]);
    });

    test('without them, they are undefined', async () => {
      let given: unknown[] = [];
      await start({
        authenticate(_client, name, password, done) {
          given = [name, password];
          done(null, true);
        },
      });
      await rig.ready();
      expect(given).toEqual([undefined, undefined]);
    });

    test('false is return code 5, and a clientError', async () => {
      await start({ authenticate: (_client, _name, _password, done) => done(null, false) });
      const seen: string[] = [];
      rig.broker.on('connackSent', ({ returnCode }) => seen.push(`connack ${returnCode}`));
      rig.broker.on('clientError', (client, error) => {
        seen.push(`${error.message} ${(error as { errorCode?: number }).errorCode} ${client.id}`);
      });
      const failed = rig.next('clientError');
      const raw = rig.client();
      expect(await raw.open()).toMatchObject({ returnCode: 5, sessionPresent: false });
      await failed;
      await raw.closed;
      expect(seen).toEqual(['connack 5', 'not authorized 5 c']);
      expect(rig.broker.connectedClients).toBe(0);
    });

    test.each([
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
      [1, 5],
      [6, 5],
      [undefined, 5],
    ])('an error with returnCode %s is %s', async (given, sent) => {
      await start({
        authenticate(_client, _name, _password, done) {
          done(Object.assign(new Error('bad'), given === undefined ? {} : { returnCode: given }));
        },
      });
      const failed = rig.next('clientError');
      expect((await rig.client().open()).returnCode).toBe(sent);
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe('bad');
    });
  });

  describe('authorizePublish', () => {
    test('it gets client and packet', async () => {
      let given: unknown[] = [];
      await start({
        authorizePublish(client, packet, done) {
          given = [client, packet];
          done(null);
        },
      });
      const { raw, client } = await rig.ready();
      raw.publish('a', 'x', { qos: 1, messageId: 9 });
      await raw.next('puback');
      expect(given[0]).toBe(client);
      expect(given[1]).toMatchObject({
        cmd: 'publish',
        topic: 'a',
        payload: Buffer.from('x'),
        qos: 1,
        retain: false,
        dup: false,
        messageId: 9,
      });
    });

    test('it may change the packet', async () => {
      await start({
        authorizePublish(_client, packet, done) {
          if (packet.topic === 'b') {
            packet.topic = 'c';
            packet.payload = Buffer.from('other');
          }
          done(null);
        },
      });
      const { raw } = await rig.ready();
      raw.subscribe('#');
      await raw.next('suback');
      raw.publish('b', 'x');
      const packet = await raw.next('publish');
      expect(packet).toMatchObject({ topic: 'c', payload: Buffer.from('other') });
    });

    test('a lower QoS is that of the message, and its publisher is answered', async () => {
      await start({
        authorizePublish(_client, packet, done) {
          packet.qos = 0;
          done(null);
        },
      });
      const { raw } = await rig.ready();
      const seen = rig.published('a');
      raw.subscribe('a', 1);
      raw.publish('a', 'x', { qos: 1, messageId: 9 });
      expect((await seen)[0]).toMatchObject({ topic: 'a', qos: 0 });
      expect((await raw.next('publish')).qos).toBe(0);
      raw.send({ cmd: 'pingreq' });
      await raw.next('pingresp');
      expect(raw.received.map(({ cmd }) => cmd).includes('puback')).toBe(
        differing(implementation, 'QoS by authorizePublish', { aedes: false, promptmq: true }),
      );
    });

    test('a higher QoS, for which there is no packet identifier', async () => {
      await start({
        authorizePublish(_client, packet, done) {
          packet.qos = 1;
          setImmediate(done, null);
        },
      });
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.publish('a', 'x');
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe('Invalid messageId');
    });

    test('its error closes the connection, and nothing is published or answered', async () => {
      await start({ authorizePublish: (_client, _packet, done) => done(new Error('not this')) });
      const packets = await rig.subscribe('#');
      const { raw } = await rig.ready();
      const seen = rig.record(['clientError', 'clientDisconnect'], stateOf);
      const failed = rig.next('clientError');
      const left = rig.next('clientDisconnect');
      raw.publish('a', 'x', { qos: 1, messageId: 9 });
      const [, error] = (await failed) as [Client, Error];
      await left;
      await raw.closed;
      expect(error.message).toBe('not this');
      expect(seen).toEqual(['clientError c connected', 'clientDisconnect c closed']);
      expect(raw.received.map(({ cmd }) => cmd)).toEqual(['connack']);
      await rig.publish({ topic: 'marker' });
      expect(packets.map(({ topic }) => topic)).not.toContain('a');
    });

    test('by default, $SYS/ is reserved', async () => {
      await start();
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.publish('$SYS/a', 'x');
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe('$SYS/ topic is reserved');
      await raw.closed;
    });

    test('it is asked for wills, and may change or refuse them', async () => {
      const asked: string[] = [];
      await start({
        authorizePublish(client, packet, done) {
          asked.push(`${client?.id} ${packet.topic}`);
          packet.payload = Buffer.from('changed');
          done(packet.topic === 'no' ? new Error('no') : null);
        },
      });
      const packets = await rig.subscribe('+');
      for (const topic of ['no', 'yes']) {
        const will = { topic, payload: Buffer.from('x'), qos: 0, retain: false } as const;
        const { raw } = await rig.ready({ will });
        const left = rig.next('clientDisconnect');
        raw.cut();
        await left;
      }
      await rig.publish({ topic: 'marker', payload: 'm' });
      expect(asked).toEqual(['c no', 'c yes']);
      const texts = packets.map(({ topic, payload }) => `${topic} ${payload}`);
      expect(texts.filter((text) => !text.startsWith('marker'))).toEqual(['yes changed']);
    });
  });

  describe('authorizeSubscribe', () => {
    test('it is asked for each topic filter, in order', async () => {
      const asked: string[] = [];
      await start({
        authorizeSubscribe(client, subscription, done) {
          asked.push(`${client.id} ${subscription.topic} ${subscription.qos}`);
          done(null, subscription);
        },
      });
      const { raw } = await rig.ready();
      const subscriptions = [
        { topic: 'a', qos: 0 },
        { topic: 'b/#', qos: 2 },
      ];
      raw.send({ cmd: 'subscribe', messageId: 5, subscriptions });
      await raw.next('suback');
      expect(asked).toEqual(['c a 0', 'c b/# 2']);
    });

    test('it may change the topic filter', async () => {
      await start({
        authorizeSubscribe(_client, subscription, done) {
          subscription.topic = 'foo';
          done(null, subscription);
        },
      });
      const { raw, client } = await rig.ready();
      raw.subscribe('bar', 1);
      await raw.next('suback');
      expect(Object.keys(client.subscriptions)).toEqual(['foo']);
      await rig.publish({ topic: 'foo', payload: 'x' });
      expect((await raw.next('publish')).topic).toBe('foo');
    });

    test('it may change the QoS', async () => {
      await start({
        authorizeSubscribe(_client, subscription, done) {
          subscription.qos = 0;
          done(null, subscription);
        },
      });
      const { raw, client } = await rig.ready();
      raw.subscribe('a', 1);
      const { granted } = await raw.next('suback');
      expect(client.subscriptions['a']?.qos).toBe(0);
      expect(granted).toEqual(
        differing(implementation, 'QoS by authorizeSubscribe', { aedes: [1], promptmq: [0] }),
      );
    });

    test('null negates one', async () => {
      await start({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) });
      const { raw, client } = await rig.ready();
      raw.subscribe('a', 1);
      expect((await raw.next('suback')).granted).toEqual([128]);
      expect(Object.keys(client.subscriptions)).toEqual([]);
    });

    test('its error closes the connection', async () => {
      await start({ authorizeSubscribe: (_client, _sub, done) => done(new Error('not this')) });
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.subscribe('a');
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe('not this');
      await raw.closed;
      expect(raw.received.map(({ cmd }) => cmd)).toEqual(['connack']);
    });

    test('it is asked again when a session continues', async () => {
      await start();
      const { raw } = await rig.ready({ clean: false });
      raw.subscribe('a', 1);
      await raw.next('suback');
      const left = rig.next('clientDisconnect');
      raw.cut();
      await left;
      const asked: string[] = [];
      rig.broker.authorizeSubscribe = (client, subscription, done) => {
        asked.push(`${stateOf(client)} ${subscription.topic} ${subscription.qos}`);
        done(null, subscription);
      };
      const again = await rig.ready({ clean: false });
      expect(asked).toEqual(['c connecting a 1']);
      expect(Object.keys(again.client.subscriptions)).toEqual(['a']);
    });
  });

  describe('authorizeForward', () => {
    test('it may change a packet for one client, or withhold it', async () => {
      await start({
        authorizeForward(client, packet) {
          if (packet.topic === 'a' && client.id === 'c') return null;
          if (packet.topic === 'b' && client.id === 'c') packet.payload = Buffer.from('other');
          return packet;
        },
      });
      const one = await rig.ready();
      const two = await rig.ready({ clientId: 'two' });
      for (const { raw } of [one, two]) {
        raw.subscribe('#', 1);
        await raw.next('suback');
      }
      for (const topic of ['a', 'b', 'c']) await rig.publish({ topic, payload: 'x', qos: 1 });
      for (let n = 0; n < 2; n++) await one.raw.next('publish');
      for (let n = 0; n < 3; n++) await two.raw.next('publish');
      expect(one.raw.messages).toEqual(['b: other', 'c: x']);
      expect(two.raw.messages).toEqual(['a: x', 'b: x', 'c: x']);
    });

    test('the packet', async () => {
      let given: unknown;
      await start({
        authorizeForward(_client, packet) {
          given = { ...packet };
          return packet;
        },
      });
      const { raw } = await rig.ready();
      raw.subscribe('a', 1);
      await raw.next('suback');
      await rig.publish({ topic: 'a', payload: Buffer.from('x'), qos: 1 });
      await raw.next('publish');
      expect(given).toMatchObject({
        cmd: 'publish',
        topic: 'a',
        payload: Buffer.from('x'),
        qos: 1,
        retain: false,
        dup: false,
      });
    });

    test('a message of QoS 2 that it withholds is settled', async () => {
      await start({
        authorizeForward: (_client, packet) => (packet.topic === 'a' ? null : packet),
      });
      const { raw } = await rig.ready({ clean: false });
      raw.subscribe('#', 2);
      await raw.next('suback');
      await rig.publish({ topic: 'a', payload: 'x', qos: 2 });
      await rig.publish({ topic: 'b', payload: 'x', qos: 0 });
      await raw.next('publish');
      const left = rig.next('clientDisconnect');
      raw.cut();
      await left;
      rig.broker.authorizeForward = (_client, packet) => packet;
      const again = await rig.ready({ clean: false });
      await rig.publish({ topic: 'b', payload: 'y', qos: 0 });
      await again.raw.next('publish');
      expect(again.raw.messages).toEqual(['b: y']);
    });

    test('it is asked for retained messages', async () => {
      await start({
        authorizeForward: (_client, packet) => (packet.topic === 'r/a' ? null : packet),
      });
      await rig.publish({ topic: 'r/a', payload: 'x', retain: true });
      await rig.publish({ topic: 'r/b', payload: 'x', retain: true });
      const { raw } = await rig.ready();
      raw.subscribe('r/+');
      expect((await raw.next('publish')).topic).toBe('r/b');
    });
  });

  describe('published', () => {
    test('what was published, and by whom', async () => {
      const seen: string[] = [];
      await start({
        published(packet, client, done) {
          if (!packet.topic.startsWith('$SYS')) seen.push(`${packet.topic} ${client?.id}`);
          done(null);
        },
      });
      rig.broker.on('publish', ({ topic }) => {
        if (!topic.startsWith('$SYS')) seen.push(`event ${topic}`);
      });
      const { raw } = await rig.ready();
      const both = rig.published('b');
      raw.publish('a', 'x', { qos: 1, messageId: 1 });
      await raw.next('puback');
      await rig.publish({ topic: 'b', payload: 'x' });
      await both;
      expect(seen).toEqual(['a c', 'event a', 'b undefined', 'event b']);
    });

    test('publish calls back after it', async () => {
      let finish: () => void = () => {};
      let called: () => void = () => {};
      const asked = new Promise<void>((resolve) => {
        called = resolve;
      });
      await start({
        published(packet, _client, done) {
          if (packet.topic !== 'a') return done(null);
          finish = () => done(null);
          called();
        },
      });
      const seen: string[] = [];
      const published = rig
        .publish({ topic: 'a', payload: 'x' })
        .then(() => seen.push('published'));
      await asked;
      seen.push('finishing');
      finish();
      await published;
      expect(seen).toEqual(['finishing', 'published']);
    });

    test('its error is the client’s', async () => {
      await start({
        published: (_packet, client, done) => done(client === null ? null : new Error('failed')),
      });
      const { raw } = await rig.ready();
      const failed = rig.next('clientError');
      raw.publish('a', 'x');
      const [, error] = (await failed) as [Client, Error];
      expect(error.message).toBe('failed');
      await raw.closed;
    });
  });
});
